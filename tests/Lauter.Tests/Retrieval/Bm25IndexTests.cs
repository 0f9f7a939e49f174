using System.Text.Json;
using CsCheck;
using Lauter.Retrieval;
using Lauter.Retrieval.Bm25;

namespace Lauter.Tests.Retrieval;

public sealed class Bm25IndexTests
{
    private static readonly JsonElement Golden = GoldenFile.Read("bm25-fusion.json");

    private static List<IReadOnlyList<string>> Documents =>
        [.. Golden.GetProperty("documents").EnumerateArray().Select(document => (IReadOnlyList<string>)Strings(document))];

    [Fact]
    public void Score_AllLuceneGoldens_EqualToReference()
    {
        var documents = Documents;
        var queries = Golden.GetProperty("queries").EnumerateArray().Select(Strings).ToArray();
        var compared = 0;
        foreach (var item in Golden.GetProperty("cases_bm25").EnumerateArray())
        {
            var index = Bm25Index.Build(documents, new Bm25Parameters { K1 = item.GetProperty("k1").GetDouble(), B = item.GetProperty("b").GetDouble() });
            var scores = index.Score(queries[item.GetProperty("query").GetInt32()]);
            Assert.Equal(item.GetProperty("sum").GetDouble(), scores.Sum(), 1e-9);
            if (!item.TryGetProperty("scores", out var all))
            {
                continue;
            }

            var expected = all.EnumerateObject().ToDictionary(pair => int.Parse(pair.Name), pair => pair.Value.GetDouble());
            for (var i = 0; i < scores.Length; i++)
            {
                Assert.Equal(expected.GetValueOrDefault(i), scores[i], 1e-9);
            }

            compared++;
        }

        Assert.True(compared >= 20, $"only {compared} golden cases were read");
    }

    [Fact]
    public void Search_AllLuceneGoldens_SameOrderWithTiesByNumber()
    {
        var documents = Documents;
        var queries = Golden.GetProperty("queries").EnumerateArray().Select(Strings).ToArray();
        foreach (var item in Golden.GetProperty("cases_bm25").EnumerateArray())
        {
            var index = Bm25Index.Build(documents, new Bm25Parameters { K1 = item.GetProperty("k1").GetDouble(), B = item.GetProperty("b").GetDouble() });
            var found = index.Search(queries[item.GetProperty("query").GetInt32()], 10).Select(hit => hit.Number).ToArray();
            var expected = item.GetProperty("top10_ties_by_index").EnumerateArray().Select(number => number.GetInt32()).Take(found.Length);
            Assert.Equal(expected, found);
        }
    }

    [Fact]
    public void ReadWrite_AnyIndex_SameScoresAndSameBytes()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-bm25-");
        try
        {
            Gen.String[Gen.Char["abc清洗 "], 1, 3].List[0, 12].List[0, 9].Sample(
                documents =>
                {
                    var index = Bm25Index.Build(documents, new Bm25Parameters());
                    string first = Path.Combine(directory.FullName, "1"), second = Path.Combine(directory.FullName, "2");
                    Bm25File.Write(first, index);
                    var read = Bm25File.Read(first);
                    Bm25File.Write(second, read);
                    string[] query = ["a", "清", "ab"];
                    return read.Score(query).SequenceEqual(index.Score(query)) && File.ReadAllBytes(first).SequenceEqual(File.ReadAllBytes(second));
                },
                iter: 100, threads: 1);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void Read_EveryCutAndFlip_FailsClearlyOrReads()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-bm25-");
        try
        {
            var path = Path.Combine(directory.FullName, "postings.bm25");
            Bm25File.Write(path, Bm25Index.Build([["a", "b"], ["b", "c", "c"]], new Bm25Parameters()));
            var whole = File.ReadAllBytes(path);
            for (var cut = 0; cut < whole.Length; cut++)
            {
                File.WriteAllBytes(path, whole[..cut]);
                Assert.Throws<RetrievalException>(() => Bm25File.Read(path));
            }

            for (var at = 0; at < whole.Length; at++)
            {
                var broken = (byte[])whole.Clone();
                broken[at] ^= 0xFF;
                File.WriteAllBytes(path, broken);
                var fault = Record.Exception(() => Bm25File.Read(path));
                Assert.True(fault is null or RetrievalException, $"byte {at}: {fault}");
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static string[] Strings(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetString()!)];
}
