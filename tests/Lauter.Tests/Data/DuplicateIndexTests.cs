using System.Text.Json;
using CsCheck;
using Lauter.Data.Dedup;
using Lauter.Data.Text;
using Lauter.Tests.Support;

namespace Lauter.Tests.Data;

public sealed class DuplicateIndexTests
{
    private static readonly DuplicateIndexOptions Options = new() { Workers = 1 };

    [Fact]
    public void Probability_ReferenceCurves_Agree()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/metrics/simhash-minhash.json")));
        foreach (var item in golden.RootElement.GetProperty("cases_lsh").EnumerateArray())
        {
            var bands = new LshBands(item.GetProperty("bands").GetInt32(), item.GetProperty("rows").GetInt32());
            Assert.Equal(item.GetProperty("threshold").GetDouble(), bands.Knee, 9);
            foreach (var point in item.GetProperty("probability").EnumerateObject())
            {
                Assert.Equal(point.Value.GetDouble(), bands.Probability(double.Parse(point.Name)), 9);
            }
        }
    }

    [Theory]
    [InlineData("en")]
    [InlineData("zh")]
    public void Decide_PlantedCopies_ReachesTheRecallOfEachBin(string language)
    {
        // Texts are random sentences with words replaced at rates that spread the pairs over all similarities; truth is the exact Jaccard.
        var random = new Random(11);
        var texts = new List<DuplicateDocument>();
        for (var i = 0; i < 2_500; i++)
        {
            var words = Enumerable.Range(0, 120 + random.Next(200)).Select(_ => Word(random, language)).ToArray();
            texts.Add(new DuplicateDocument($"{i}a", Join(words, language)));
            var rate = random.NextDouble() * 0.08;
            texts.Add(new DuplicateDocument($"{i}b", Join([.. words.Select(w => random.NextDouble() < rate ? Word(random, language) : w)], language)));
        }

        using var index = DuplicateIndex.Open(null, Options);
        index.Add(texts.Chunk(100));
        var verdicts = index.Decide(0.7, KeepPolicy.Longest);
        var bins = new int[4, 2];
        for (var i = 0; i < texts.Count; i += 2)
        {
            var truth = ShingleSet.Jaccard(ShingleSet.Of(texts[i].Text, ShingleUnit.Words, 5), ShingleSet.Of(texts[i + 1].Text, ShingleUnit.Words, 5));
            if (truth < 0.7)
            {
                Assert.NotEqual(verdicts[i].Cluster, verdicts[i + 1].Cluster);
                continue;
            }

            var bin = Math.Min(3, (int)((truth - 0.7) * 10));
            bins[bin, 0]++;
            bins[bin, 1] += verdicts[i].Cluster == verdicts[i + 1].Cluster ? 1 : 0;
        }

        Assert.True(bins[0, 0] > 200 && bins[1, 0] > 200 && bins[2, 0] > 200, $"too few pairs: {bins[0, 0]}, {bins[1, 0]}, {bins[2, 0]}");
        Assert.InRange((double)bins[0, 1] / bins[0, 0], 0.9, 1);
        Assert.InRange((double)bins[1, 1] / bins[1, 0], 0.99, 1);
        Assert.Equal(bins[2, 0], bins[2, 1]);
        Assert.Equal(bins[3, 0], bins[3, 1]);
    }

    [Fact]
    public void Decide_AnyOrder_GivesTheSameClustersAndSurvivors() =>
        Gen.Select(Corpora, Gen.Int[0, 1_000_000]).Sample(
            (texts, seed) =>
            {
                var shuffled = texts.Select((t, i) => (t, i)).ToArray();
                new Random(seed).Shuffle(shuffled);
                var (a, b) = (Kept(texts.Select((t, i) => (t, i))), Kept(shuffled));
                return a.SequenceEqual(b);
            },
            iter: 60);

    [Fact]
    public void Decide_AnyNumberOfWorkersBatchesAndSegments_GivesTheSameVerdicts() =>
        Gen.Select(Corpora, Gen.Int[2, 5], Gen.Int[1, 9]).Sample(
            (texts, workers, batch) =>
            {
                var documents = texts.Select((t, i) => new DuplicateDocument($"{i}", t)).ToList();
                using var one = DuplicateIndex.Open(null, Options);
                one.Add([documents]);
                using var many = DuplicateIndex.Open(null, Options with { Workers = workers, SegmentBytes = 600 });
                many.Add(documents.Chunk(batch));
                return one.Pairs.ToHashSet().SetEquals(many.Pairs) && one.Decide(0.7, KeepPolicy.Longest).SequenceEqual(many.Decide(0.7, KeepPolicy.Longest));
            },
            iter: 60);

    [Fact]
    public void Add_TwoVersions_DecidesAsOne() =>
        Gen.Select(Corpora, Gen.Int[0, 30]).Sample(
            (texts, cut) =>
            {
                var documents = texts.Select((t, i) => new DuplicateDocument($"{i}", t, i * 37 % 11)).ToList();
                cut = Math.Min(cut, documents.Count);
                var state = Path.Combine(Path.GetTempPath(), $"lauter-test-{Guid.NewGuid():N}");
                try
                {
                    using (var first = DuplicateIndex.Open(state, Options))
                    {
                        first.Add([documents[..cut]]);
                    }

                    using var second = DuplicateIndex.Open(state, Options);
                    second.Add([documents[cut..]]);
                    using var whole = DuplicateIndex.Open(null, Options);
                    whole.Add([documents]);
                    return second.Decide(0.7, KeepPolicy.Best).Select(v => (v.Leader, v.Similarity, v.ClusterSize)).SequenceEqual(whole.Decide(0.7, KeepPolicy.Best).Select(v => (v.Leader, v.Similarity, v.ClusterSize)))
                        && second.Decide(0.7, KeepPolicy.Best, versions: 1).Count == cut;
                }
                finally
                {
                    Directory.Delete(state, recursive: true);
                }
            },
            iter: 30);

    [Fact]
    public void Add_StoppedInTheMiddle_LeavesTheLastVersion()
    {
        var state = Path.Combine(Path.GetTempPath(), $"lauter-test-{Guid.NewGuid():N}");
        try
        {
            var texts = Enumerable.Range(0, 40).Select(i => new DuplicateDocument($"{i}", $"report number {i} about pump {i % 7} and valve {i % 5} in hall {i}")).ToList();
            using (var index = DuplicateIndex.Open(state, Options with { SegmentBytes = 1_000 }))
            {
                index.Add(texts[..20].Chunk(5));
                Assert.Throws<IOException>(() => index.Add(Failing(texts[20..].Chunk(5))));
            }

            using var again = DuplicateIndex.Open(state, Options with { SegmentBytes = 1_000 });
            Assert.Equal(20, again.Count);
            again.Add(texts[20..].Chunk(5));
            using var whole = DuplicateIndex.Open(null, Options);
            whole.Add([texts]);
            Assert.Equal(whole.Pairs, again.Pairs.OrderBy(p => (p.First, p.Second)));
            Assert.Equal(texts.Select(t => t.Id), Enumerable.Range(0, 40).Select(again.IdOf));
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }

        static IEnumerable<DuplicateDocument[]> Failing(IEnumerable<DuplicateDocument[]> batches)
        {
            foreach (var batch in batches.Take(3))
            {
                yield return batch;
            }

            throw new IOException("the disk went away");
        }
    }

    [Fact]
    public void Open_OtherOptions_NamesBoth()
    {
        var state = Path.Combine(Path.GetTempPath(), $"lauter-test-{Guid.NewGuid():N}");
        try
        {
            using (var index = DuplicateIndex.Open(state, Options))
            {
                index.Add([[new DuplicateDocument("a", "one text")]]);
            }

            var fault = Assert.Throws<InvalidDataException>(() => DuplicateIndex.Open(state, Options with { Bands = LshBands.FineWeb }));
            Assert.Contains("21 x 6", fault.Message, StringComparison.Ordinal);
            Assert.Contains("14 x 8", fault.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }

    [Fact]
    public void Decide_ShortTexts_NeverCollide()
    {
        // Peers drop these: fewer words than the window, so all of them share the one empty or hashed-away shingle.
        string[] texts = ["Yes", "No", "ok", "好的", "不行", "谢谢", "!!!", "???", "", "。", "Page 1 of 12", "Page 2 of 12", "Call 110", "打110", "a b c d", "a b c e"];
        using var index = DuplicateIndex.Open(null, Options);
        index.Add([[.. texts.Select((t, i) => new DuplicateDocument($"{i}", t))]]);
        Assert.All(index.Decide(0.7, KeepPolicy.Longest), v => Assert.Equal(1, v.ClusterSize));
    }

    [Fact]
    public void Decide_ScriptWidthCaseAccents_AreTheSameText()
    {
        // Peers find 0 of 300 of these.
        var traditionalOf = Enumerable.Range(0x4E00, 0x5200).Select(c => (char)c).Where(c => TextFolding.Simplify(c) != c).GroupBy(TextFolding.Simplify).ToDictionary(g => g.Key, g => g.First());
        using var passages = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("data/cmrc2018/cmrc2018_dev.json")));
        var texts = passages.RootElement.GetProperty("data").EnumerateArray().Take(300).Select(a => a.GetProperty("paragraphs")[0].GetProperty("context").GetString()!).ToList();
        var documents = new List<DuplicateDocument>();
        for (var i = 0; i < texts.Count; i++)
        {
            var traditional = string.Concat(texts[i].Select(c => traditionalOf.GetValueOrDefault(c, c)));
            documents.AddRange([new($"{i}", texts[i]), new($"{i}t", traditional), new($"{i}w", Wide(texts[i])), new($"{i}tw", Wide(traditional))]);
        }

        using var index = DuplicateIndex.Open(null, Options);
        index.Add([documents]);
        var verdicts = index.Decide(0.7, KeepPolicy.First);
        Assert.All(Enumerable.Range(0, documents.Count), i => Assert.True(verdicts[i].Cluster == verdicts[i / 4 * 4].Cluster, documents[i].Id));
        Assert.Equal(SimHash.Of("The Résumé, of\u200B A Naïve café\u0301"), SimHash.Of("the resume of a naive cafe"));
    }

    [Theory]
    [InlineData(KeepPolicy.Longest, 1)]
    [InlineData(KeepPolicy.Newest, 2)]
    [InlineData(KeepPolicy.Best, 2)]
    [InlineData(KeepPolicy.First, 0)]
    public void Decide_Policy_KeepsTheRightOne(KeepPolicy policy, int expected)
    {
        const string Text = "the pump in hall four howls every morning after the night shift has cleaned the filters and valves of it";
        using var index = DuplicateIndex.Open(null, Options);
        index.Add([[new("a", Text, 1), new("b", Text + " today!", 2), new("c", Text.ToUpperInvariant(), 3)]]);
        var verdicts = index.Decide(0.7, policy);
        Assert.All(verdicts, v => Assert.Equal((expected, 3), (v.Leader, v.ClusterSize)));
    }

    [Fact]
    public void Decide_HundredsOfFormLetters_AreOneClusterWithFewComparisons()
    {
        var letters = Enumerable.Range(0, 600).Select(i => new DuplicateDocument($"{i}", $"Dear customer number {i}, " + string.Join(' ', Enumerable.Range(0, 120).Select(w => $"word{w}")))).ToList();
        using var index = DuplicateIndex.Open(null, Options);
        index.Add(letters.Chunk(50));
        Assert.All(index.Decide(0.7, KeepPolicy.Longest), v => Assert.Equal(600, v.ClusterSize));
        Assert.InRange(index.Verified, 599, 600 * 598 / 2);
        Assert.Single(index.Decide(0.7, KeepPolicy.Longest), v => v.Leader >= 0 && v.Similarity == 1 && !v.Exact);
    }

    private static List<(string, int, double)> Kept(IEnumerable<(string Text, int Id)> rows)
    {
        var documents = rows.Select(r => new DuplicateDocument($"{r.Id}", r.Text)).ToList();
        using var index = DuplicateIndex.Open(null, Options);
        index.Add(documents.Chunk(7));
        return [.. index.Decide(0.7, KeepPolicy.Longest).Select((v, i) => (documents[i].Id + "→" + documents[v.Leader].Id + " in " + v.Cluster, v.ClusterSize, v.Similarity)).Order()];
    }

    /// <summary>Few words and much copying, so that chains, exact copies and short texts all occur.</summary>
    private static readonly Gen<string[]> Corpora = Gen.Int[0, 1_000_000].Select(seed =>
    {
        var random = new Random(seed);
        var texts = new List<string>();
        for (var i = 0; i < 30; i++)
        {
            var words = texts.Count > 0 && random.Next(3) > 0
                ? [.. texts[random.Next(texts.Count)].Split(' ').Select(w => random.Next(25) == 0 ? $"w{random.Next(40)}" : w)]
                : Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(8) == 0 ? "水泵漏水" : $"w{random.Next(40)}").ToArray();
            texts.Add(string.Join(' ', words));
        }

        return texts.ToArray();
    });

    private static string Word(Random random, string language) => language == "zh" ? ((char)(0x4E00 + random.Next(3_000))).ToString() : $"w{random.Next(3_000)}";

    private static string Join(string[] words, string language) => string.Join(language == "zh" ? "" : " ", words);

    private static string Wide(string text) => string.Concat(text.Select(c => c is >= '!' and <= '~' ? (char)(c + 0xFEE0) : c));
}
