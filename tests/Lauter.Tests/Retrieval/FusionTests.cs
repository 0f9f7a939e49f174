using System.Text.Json;
using Lauter.Retrieval.Fusion;

namespace Lauter.Tests.Retrieval;

public sealed class FusionTests
{
    [Theory]
    [InlineData("rrf60", 60, 1, 1)]
    [InlineData("rrf1", 1, 1, 1)]
    [InlineData("rrf60_weighted_03_07", 60, 0.3, 0.7)]
    public void Fuse_Goldens_EqualToReference(string field, int k, double first, double second)
    {
        var compared = 0;
        foreach (var item in GoldenFile.Read("bm25-fusion.json").GetProperty("cases_fusion").EnumerateArray())
        {
            if (!item.TryGetProperty(field, out var expected))
            {
                continue;
            }

            var fused = ReciprocalRankFusion.Fuse([new RankedLeg(Numbers(item.GetProperty("a")), first), new RankedLeg(Numbers(item.GetProperty("b")), second)], k);
            var scores = fused.ToDictionary(hit => hit.Number, hit => hit.Score);
            Assert.Equal(expected.EnumerateObject().Count(), scores.Count);
            foreach (var pair in expected.EnumerateObject())
            {
                Assert.Equal(pair.Value.GetDouble(), scores[int.Parse(pair.Name[1..])], 1e-9);
                compared++;
            }
        }

        Assert.True(compared > 10, $"only {compared} values were compared");
    }

    [Fact]
    public void Fuse_LegOfWeightZero_AddsNothing()
    {
        var fused = ReciprocalRankFusion.Fuse([new RankedLeg([3, 1], 1), new RankedLeg([9], 0)]);
        Assert.Equal([3, 1], fused.Select(hit => hit.Number));
    }

    private static int[] Numbers(JsonElement ranked) => [.. ranked.EnumerateArray().Select(pair => int.Parse(pair[0].GetString()![1..]))];
}
