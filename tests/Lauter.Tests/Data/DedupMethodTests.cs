using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Data.Dedup;
using Lauter.Tests.Support;

namespace Lauter.Tests.Data;

public sealed class DedupMethodTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lauter-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void SimHash_ReferenceCases_Agree()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/metrics/simhash-minhash.json")));
        foreach (var item in golden.RootElement.GetProperty("cases_simhash").EnumerateArray())
        {
            var expected = item.GetProperty("chars3_xxh64");
            var (a, b) = (Fingerprint(item.GetProperty("a").GetString()!), Fingerprint(item.GetProperty("b").GetString()!));
            Assert.Equal(expected[0].GetString(), a.ToString("x16"));
            Assert.Equal(expected[1].GetString(), b.ToString("x16"));
            Assert.Equal(expected[2].GetInt32(), SimHash.Distance(a, b));
        }

        static ulong Fingerprint(string text)
        {
            var runes = text.ToLowerInvariant().EnumerateRunes().Select(r => r.ToString()).ToArray();
            var grams = runes.Length < 3 ? [string.Concat(runes)] : Enumerable.Range(0, runes.Length - 2).Select(i => string.Concat(runes.Skip(i).Take(3)));
            return SimHash.Of([.. grams.Select(g => XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(g)))]);
        }
    }

    [Fact]
    public void SimHashPairs_AgainstAllPairs_FindsThemAll() => Gen.Select(Gen.ULong.Array[0, 12], Gen.Int[0, 8], Gen.Int[0, 100_000]).Sample((bases, distance, seed) =>
    {
        var random = new Random(seed);
        var prints = bases.SelectMany(b => new[] { b, Flip(b), Flip(b), b }).ToList();
        var found = SimHash.Pairs(prints, distance).Select(p => (p.First, p.Second)).ToHashSet();
        for (var i = 0; i < prints.Count; i++)
        {
            for (var j = i + 1; j < prints.Count; j++)
            {
                // Of equal fingerprints only pairs with the first are listed.
                if (SimHash.Distance(prints[i], prints[j]) <= distance && !found.Contains((i, j)) && prints.IndexOf(prints[i]) == i && prints.IndexOf(prints[j]) == j)
                {
                    return false;
                }
            }
        }

        return found.All(p => SimHash.Distance(prints[p.First], prints[p.Second]) <= distance);

        ulong Flip(ulong value) => Enumerable.Range(0, random.Next(10)).Aggregate(value, (v, _) => v ^ (1UL << random.Next(64)));
    });

    [Fact]
    public void VectorPairs_ByCells_FindNearlyAllOfTheExactOnes()
    {
        var random = new Random(3);
        var vectors = new List<float[]>();
        for (var i = 0; i < 2_100; i++)
        {
            var vector = Enumerable.Range(0, 32).Select(_ => (float)((random.NextDouble() * 2) - 1)).ToArray();
            vectors.Add(vector);
            vectors.Add([.. vector.Select(v => v + (float)((random.NextDouble() - 0.5) * 0.5))]);
        }

        var exact = VectorDuplicates.Pairs(vectors, 0.95, exact: true, TestContext.Current.CancellationToken).Select(p => (p.First, p.Second)).ToHashSet();
        var cells = VectorDuplicates.Pairs(vectors, 0.95, exact: false, TestContext.Current.CancellationToken).Select(p => (p.First, p.Second)).ToHashSet();
        Assert.True(exact.Count > 1_500, $"{exact.Count}");
        Assert.True(cells.IsSubsetOf(exact));
        Assert.InRange((double)cells.Count / exact.Count, 0.97, 1);
    }

    [Fact]
    public void Passages_RepeatedParagraph_StaysOnce()
    {
        var passages = new Passages(new PassageOptions(PassageUnit.Paragraph, Minimum: 4));
        Assert.Equal(0, passages.Remove("A heading\nThe pump was cleaned on Monday morning.\nYes.").Removed);
        var second = passages.Remove("A heading\nthe PUMP was cleaned on Monday morning\nYes.\n水泵在星期一早上清洗过。");
        Assert.Equal(("A heading\nYes.\n水泵在星期一早上清洗过。", 1), (second.Text, second.Removed));
        Assert.Equal("", passages.Remove("水泵在星期一早上清洗過").Text);
    }

    [Fact]
    public void Passages_ThreeSentenceWindow_KeepsSingleRepeats()
    {
        var passages = new Passages(new PassageOptions(PassageUnit.Sentence, Window: 3, Minimum: 3));
        const string Text = "One fine day came. Two men went out. Three birds sang 3.5 songs. Four cats slept.";
        passages.Remove(Text);
        Assert.Equal(0, passages.Remove("Two men went out. Something else happened here. Four cats slept.").Removed);
        Assert.Equal("New first words. And an end.", passages.Remove("New first words. One fine day came. Two men went out. Three birds sang 3.5 songs. And an end.").Text);
    }

    [Theory]
    [InlineData(DedupMethod.MinHash)]
    [InlineData(DedupMethod.Exact)]
    [InlineData(DedupMethod.SimHash)]
    [InlineData(DedupMethod.Semantic)]
    [InlineData(DedupMethod.Sentence)]
    [InlineData(DedupMethod.Paragraph)]
    public void Run_AnyNumberOfWorkers_WritesTheSameBytes(DedupMethod method)
    {
        var input = WriteRows(400);
        var reports = new[] { 1, 3 }.Select(w => DedupJob.Run(new DedupRequest { Input = input, Output = Path.Combine(_folder, $"out{w}"), Method = method, Workers = w }, TestContext.Current.CancellationToken)).ToList();
        foreach (var file in Directory.GetFiles(Path.Combine(_folder, "out1")))
        {
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(_folder, "out3", Path.GetFileName(file))));
        }

        Assert.Equal((400, 2), (reports[0].Rows, reports[0].Rejected));
        Assert.InRange(reports[0].Kept, 1, 399);
        Assert.All(File.ReadLines(Path.Combine(_folder, "out1", "kept.jsonl")), line => Assert.NotNull(JsonNode.Parse(line)!["id"]));
    }

    [Fact]
    public void Run_Again_FindsNothingMore()
    {
        DedupJob.Run(new DedupRequest { Input = WriteRows(400), Output = Path.Combine(_folder, "one") }, TestContext.Current.CancellationToken);
        var again = DedupJob.Run(new DedupRequest { Input = Path.Combine(_folder, "one", "kept.jsonl"), Output = Path.Combine(_folder, "two") }, TestContext.Current.CancellationToken);
        Assert.Equal((again.Rows, 0, 0), (again.Kept, again.ExactCopies, again.NearCopies));
    }

    [Fact]
    public void Run_ParquetAndBack_KeepsTheRows()
    {
        var input = WriteRows(300);
        DedupJob.Run(new DedupRequest { Input = input, Output = Path.Combine(_folder, "json") }, TestContext.Current.CancellationToken);
        DedupJob.Run(new DedupRequest { Input = input, Output = Path.Combine(_folder, "parquet"), Parquet = true }, TestContext.Current.CancellationToken);
        var back = DedupJob.Run(new DedupRequest { Input = Path.Combine(_folder, "parquet", "kept.parquet"), Output = Path.Combine(_folder, "back"), Parquet = false }, TestContext.Current.CancellationToken);
        Assert.Equal(back.Rows, back.Kept);
        var expected = File.ReadLines(Path.Combine(_folder, "json", "kept.jsonl")).Select(l => (string)JsonNode.Parse(l)!["text"]!);
        Assert.Equal(expected, File.ReadLines(Path.Combine(_folder, "back", "kept.jsonl")).Select(l => (string)JsonNode.Parse(l)!["text"]!));
    }

    [Fact]
    public void Run_LaterVersion_DropsCopiesOfEarlierRowsAndNamesTheSuperseded()
    {
        const string Text = "the pump in hall four howls every morning after the night shift has cleaned the filters and valves of it";
        var state = Path.Combine(_folder, "state");
        var first = Path.Combine(_folder, "first.jsonl");
        var second = Path.Combine(_folder, "second.jsonl");
        File.WriteAllText(first, $$"""{"id":"a","text":"{{Text}}","score":5}{{"\n"}}{"id":"b","text":"something wholly different about valves and gauges in the yard behind the office","score":1}""");
        File.WriteAllText(second, $$"""{"id":"c","text":"{{Text}} today","score":3}{{"\n"}}{"id":"d","text":"Something wholly different about valves and gauges in the yard behind the office!","score":9}""");
        DedupJob.Run(new DedupRequest { Input = first, Output = Path.Combine(_folder, "v1"), State = state, Keep = KeepPolicy.Best, RankField = "score" }, TestContext.Current.CancellationToken);
        var report = DedupJob.Run(new DedupRequest { Input = second, Output = Path.Combine(_folder, "v2"), State = state, Keep = KeepPolicy.Best, RankField = "score" }, TestContext.Current.CancellationToken);
        Assert.Equal((2, 1, 1, 1, 2), (report.Rows, report.Kept, report.NearCopies, report.Superseded, report.Versions));
        Assert.Equal("d", (string)JsonNode.Parse(File.ReadLines(Path.Combine(_folder, "v2", "kept.jsonl")).Single())!["id"]!);
        Assert.Equal("a", (string)JsonNode.Parse(File.ReadLines(Path.Combine(_folder, "v2", "dropped.jsonl")).Single())!["duplicate_of"]!);
        Assert.Equal("b", (string)JsonNode.Parse(File.ReadLines(Path.Combine(_folder, "v2", "superseded.jsonl")).Single())!["id"]!);
    }

    private string WriteRows(int count)
    {
        var random = new Random(9);
        var texts = new List<string>();
        while (texts.Count < count)
        {
            texts.Add(texts.Count > 10 && random.Next(3) == 0
                ? texts[random.Next(texts.Count)].Replace($"w{random.Next(300)} ", "", StringComparison.Ordinal)
                : string.Join(' ', Enumerable.Range(0, 40 + random.Next(80)).Select(i => i % 12 == 11 ? $"w{random.Next(300)}." : $"w{random.Next(300)}")));
        }

        var path = Path.Combine(_folder, "in.jsonl");
        var lines = texts.Select((t, i) => new JsonObject { ["id"] = $"r{i}", ["text"] = t, ["n"] = i, ["vector"] = new JsonArray([.. t.GroupBy(c => c).OrderBy(g => g.Key).Take(8).Select(g => (JsonNode)g.Count())]) }.ToJsonString()).ToList();
        lines.Insert(5, "broken {");
        lines.Insert(9, """{"id":"no text"}""");
        File.WriteAllText(path, "\uFEFF" + string.Join("\r\n", lines));
        return path;
    }
}
