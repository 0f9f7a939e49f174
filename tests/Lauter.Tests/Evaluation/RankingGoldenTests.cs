using System.Text.Json;
using Lauter.Evaluation.Metrics.Rankings;

namespace Lauter.Tests.Evaluation;

/// <summary>Ranked lists against trec_eval and the published vectors.</summary>
public sealed class RankingGoldenTests
{
    private const double Tolerance = 1e-9;

    [Fact]
    public void Ranking_RecordedRuns_GivesRecordedValues()
    {
        foreach (var c in Golden.Shared("ranking.json").Items("cases"))
        {
            var run = Numbers(c, "run");
            Assert.Equal(c.Texts("trec_order"), Ranking.Order(run));
            var ranking = new Ranking(Ranking.Order(run), Numbers(c, "judgements"));
            if (c.GetProperty("trec_eval") is { ValueKind: JsonValueKind.Object } trec && trec.TryGetProperty("recip_rank", out var rank))
            {
                // trec_eval itself keeps scores as 32-bit floats: scores that differ below that are ties to it.
                Golden.Close(rank.GetDouble(), new Ranking(Ranking.Order(run, singlePrecision: true), Numbers(c, "judgements")).ReciprocalRank(), Tolerance, c.Text("note"));
            }

            foreach (var expected in c.GetProperty("own").EnumerateObject())
            {
                Golden.Close(expected.Value.GetDouble(), Value(ranking, expected.Name), Tolerance, $"{c.Text("note")} {expected.Name}");
            }
        }

        foreach (var c in Golden.Shared("retrieval.json").Items("cases_trec"))
        {
            var ranking = new Ranking(Ranking.Order(Numbers(c, "run")), Numbers(c, "judgements"));
            Golden.Close(c.Number("ndcg"), ranking.Ndcg(Gain.Linear), Tolerance, "ndcg");
            Golden.Close(c.Number("ndcg_cut_5"), ranking.Ndcg(Gain.Linear, 5), Tolerance, "ndcg 5");
            Golden.Close(c.Number("ndcg_cut_10"), ranking.Ndcg(Gain.Linear, 10), Tolerance, "ndcg 10");
            Golden.Close(c.Number("ndcg_exponential_10"), ranking.Ndcg(Gain.Exponential, 10), Tolerance, "ndcg exponential");
            Golden.Close(c.Number("map"), ranking.AveragePrecision(), Tolerance, "map");
            Golden.Close(c.Number("recip_rank"), ranking.ReciprocalRank(), Tolerance, "mrr");
            Golden.Close(c.Number("P_5"), ranking.Precision(5), Tolerance, "p5");
            Golden.Close(c.Number("recall_10"), ranking.Recall(10), Tolerance, "recall 10");
            Golden.Close(c.Number("success_1"), ranking.Hit(1), Tolerance, "hit 1");
        }
    }

    [Fact]
    public void Ranking_ResearchVectors_GiveTheirValues()
    {
        double[] grades = [3, 2, 3, 0, 1, 2];
        var judged = grades.Select((g, i) => ($"d{i}", g)).ToDictionary(p => p.Item1, p => p.g, StringComparer.Ordinal);
        var ranking = new Ranking(judged.Keys, judged);
        Assert.Equal(6.8611266886, ranking.Dcg(Gain.Linear), 1e-9);
        Assert.Equal(0.9608081943, ranking.Ndcg(Gain.Linear), 1e-9);
        Assert.Equal(0.9488107486, ranking.Ndcg(Gain.Exponential), 1e-9);
        Assert.Equal(0.8333, ContextScores.ContextPrecision([true, false, true]), 1e-4);
        Assert.Equal(0.5, ContextScores.Faithfulness([true, false]));
        Assert.Null(ContextScores.Faithfulness([]));
        var cited = ContextScores.CitationCorrectness(new HashSet<string>(["a", "b"], StringComparer.Ordinal), new HashSet<string>(["b", "c", "d"], StringComparer.Ordinal));
        Assert.Equal((0.5, 1.0 / 3, 0.4), (cited.Precision, cited.Recall, Math.Round(cited.F1, 12)));
        Assert.Equal(1, ContextScores.AnswerRelevancy([1, 0], [[2, 0]])!.Value, 12);
    }

    private static double Value(Ranking ranking, string name)
    {
        var parts = name.Split('_');
        var k = parts[^1] == "all" || !int.TryParse(parts[^1], out var cut) ? int.MaxValue : cut;
        var gain = parts.Contains("exponential") ? Gain.Exponential : Gain.Linear;
        return parts[0] switch
        {
            "dcg" => ranking.Dcg(gain, k),
            "ndcg" => ranking.Ndcg(gain, k),
            "recall" => ranking.Recall(k),
            "precision" => ranking.Precision(k),
            "hit" => ranking.Hit(k),
            "mrr" => ranking.ReciprocalRank(k),
            "map" => ranking.AveragePrecision(k),
            "r" => ranking.RPrecision(),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
        };
    }

    private static Dictionary<string, double> Numbers(JsonElement c, string member) =>
        c.GetProperty(member).EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble(), StringComparer.Ordinal);
}
