using System.Text.Json;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

public sealed class SpanAgreementTests
{
    [Fact]
    public void F1_RecordedAnnotators_GivesRecordedValuesOfEveryPairAndTheirMean()
    {
        var cases = Golden.Shared("agreement-more.json").Items("cases_spans");
        Assert.NotEmpty(cases);
        foreach (var c in cases)
        {
            IReadOnlyList<LabelledSpan>[] annotators = [.. c.Items("annotators").Select(spans =>
                (IReadOnlyList<LabelledSpan>)[.. spans.EnumerateArray().Select(span => new LabelledSpan(span[0].GetInt32(), span[1].GetInt32(), span[2].GetString()!))])];
            foreach (var (name, match) in new[]
            {
                ("exact", SpanMatch.Exact), ("unlabelled_exact", SpanMatch.ExactAnyLabel), ("iou50_same_label", SpanMatch.Half), ("iou50_any_label", SpanMatch.HalfAnyLabel),
                ("overlap_same_label", SpanMatch.Overlap), ("characters", SpanMatch.Characters),
            })
            {
                foreach (var pair in c.GetProperty("pairs").EnumerateObject())
                {
                    var who = pair.Name.Split('-').Select(int.Parse).ToArray();
                    Golden.Close(pair.Value.Number(name), SpanAgreement.F1(annotators[who[0]], annotators[who[1]], match), 1e-12, $"{name} {pair.Name}");
                }

                Golden.Close(c.GetProperty("mean").Number(name), SpanAgreement.MeanF1(annotators, match), 1e-12, $"mean {name}");
            }
        }
    }

    /// <summary>Pairs made greedily would give the first span the only partner of the second.</summary>
    [Fact]
    public void F1_OnePartnerForTwo_PairsBoth() => Assert.Equal(
        1,
        SpanAgreement.F1([new(0, 10, "A"), new(0, 4, "A")], [new(0, 4, "A"), new(6, 10, "A")], SpanMatch.Overlap));

    [Fact]
    public void F1_NobodyMarkedAnything_IsOne() => Assert.All(Enum.GetValues<SpanMatch>(), match => Assert.Equal(1, SpanAgreement.F1([], [], match)));
}
