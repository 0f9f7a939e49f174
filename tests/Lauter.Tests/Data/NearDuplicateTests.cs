using System.Text.Json;
using CsCheck;
using Lauter.Data.Dedup;
using Lauter.Tests.Support;

namespace Lauter.Tests.Data;

public sealed class NearDuplicateTests
{
    private static readonly Gen<string> Texts = Gen.String[Gen.Char["abcdefgh 泵阀门漏水"], 0, 120];

    [Fact]
    public void Signature_AnyText_EqualsTheReference() =>
        Texts.Sample(t => MinHash.Signature(ShingleSet.Of(t, ShingleUnit.Characters, 3)).SequenceEqual(MinHash.Reference(ShingleSet.Of(t, ShingleUnit.Characters, 3))));

    [Fact]
    public void Jaccard_AnyTwoTexts_EqualsSetsOfStrings() =>
        Gen.Select(Texts, Texts).Sample((a, b) =>
        {
            var (x, y) = (Shingles(a, 3), Shingles(b, 3));
            var union = x.Union(y).Count();
            var expected = union == 0 ? 1 : (double)x.Intersect(y).Count() / union;
            return Math.Abs(expected - ShingleSet.Jaccard(ShingleSet.Of(a, ShingleUnit.Characters, 3), ShingleSet.Of(b, ShingleUnit.Characters, 3))) < 1e-12;
        });

    [Fact]
    public void Jaccard_ReferenceCases_Agree()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/metrics/hashing.json")));
        foreach (var item in golden.RootElement.GetProperty("cases_jaccard").EnumerateArray())
        {
            var (a, b) = (item.GetProperty("a").GetString()!, item.GetProperty("b").GetString()!);
            var units = item.GetProperty("shingles").GetString()!.StartsWith("words", StringComparison.Ordinal)
                ? (Func<string, uint[]>)(t => [.. t.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(w => (uint)ShingleSet.HashOf(w))])
                : t => [.. t.EnumerateRunes().Select(r => (uint)r.Value)];
            Assert.Equal(item.GetProperty("jaccard").GetDouble(), ShingleSet.Jaccard(ShingleSet.FromUnits(units(a), 5), ShingleSet.FromUnits(units(b), 5)), 12);
        }
    }

    [Fact]
    public void Similarity_ReferencePairs_EstimatesJaccard()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/metrics/hashing.json")));
        double error = 0;
        var count = 0;
        foreach (var item in golden.RootElement.GetProperty("cases_jaccard").EnumerateArray())
        {
            var (a, b) = (ShingleSet.Of(item.GetProperty("a").GetString()!, ShingleUnit.Characters, 5), ShingleSet.Of(item.GetProperty("b").GetString()!, ShingleUnit.Characters, 5));
            var difference = MinHash.Similarity(MinHash.Signature(a), MinHash.Signature(b)) - ShingleSet.Jaccard(a, b);
            Assert.InRange(difference, -0.21, 0.21);
            error += difference;
            count++;
        }

        Assert.InRange(error / count, -0.02, 0.02);
    }

    [Fact]
    public void Pairs_AgainstAllPairs_FindsThemAll()
    {
        var random = new Random(7);
        var words = Enumerable.Range(0, 400).Select(i => $"word{i}").ToArray();
        var texts = new List<string>();
        for (var i = 0; i < 150; i++)
        {
            var text = Enumerable.Range(0, 60).Select(_ => words[random.Next(words.Length)]).ToArray();
            texts.Add(string.Join(' ', text));
            text[random.Next(60)] = "changed";
            texts.Add(string.Join(' ', text));
        }

        var options = new NearDuplicateOptions(ShingleUnit.Words, 3, 0.8);
        var sets = texts.Select(t => ShingleSet.Of(t, ShingleUnit.Words, 3)).ToList();
        var expected = from i in Enumerable.Range(0, texts.Count) from j in Enumerable.Range(i + 1, texts.Count - i - 1) where ShingleSet.Jaccard(sets[i], sets[j]) >= 0.8 select (i, j);
        Assert.Equal(expected, NearDuplicates.Pairs(texts, options, TestContext.Current.CancellationToken).Select(p => (p.First, p.Second)));
    }

    [Fact]
    public void Cluster_Chain_KeepsTextsThatDiffer()
    {
        var places = NearDuplicates.Cluster(3, [new SimilarPair(0, 1, 0.9), new SimilarPair(1, 2, 0.9)], 0.8);
        Assert.Equal([0, 0, 0], places.Select(p => p.Cluster));
        Assert.Equal([0, 0, 2], places.Select(p => p.Leader));
    }

    private static HashSet<string> Shingles(string text, int size)
    {
        var letters = string.Concat(text.Where(char.IsLetterOrDigit));
        return letters.Length == 0 ? [] : letters.Length <= size ? [letters] : [.. Enumerable.Range(0, letters.Length - size + 1).Select(i => letters.Substring(i, size))];
    }
}
