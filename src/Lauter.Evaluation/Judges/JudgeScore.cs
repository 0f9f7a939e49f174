using Lauter.Evaluation.Statistics;

namespace Lauter.Evaluation.Judges;

/// <summary>What a judge's verdicts say about one candidate, what is unknown kept apart.</summary>
/// <param name="Signature">The judge's signature.</param>
/// <param name="Measure"><c>score</c>, or <c>pass</c> for the share of answers that pass.</param>
/// <param name="Items">Items.</param>
/// <param name="Clusters">Independent clusters among them.</param>
/// <param name="Unanswered">Items to which the candidate gave no answer; they count as the worst.</param>
/// <param name="Unjudged">Items without a readable verdict; not in <paramref name="Value"/>.</param>
/// <param name="Value">Mean over the items that something is known about; null without any.</param>
/// <param name="Low">Lower bound: the interval's end if every unjudged item were the worst.</param>
/// <param name="High">Upper bound: the interval's end if every unjudged item were the best.</param>
/// <param name="Interval">How the interval was made.</param>
public sealed record JudgeScore(
    string Signature, string Measure, int Items, int Clusters, int Unanswered, int Unjudged, double? Value, double? Low, double? High, string Interval)
{
    /// <summary>
    /// The mean score and the pass rate of <paramref name="verdicts"/>, by cluster. A verdict that could not be read moves neither value, but widens both
    /// intervals by what it might have said.
    /// </summary>
    public static IReadOnlyList<JudgeScore> Of(Judge judge, IReadOnlyList<JudgeVerdict> verdicts, double confidence = 0.95)
    {
        JudgeScore score = One("score", v => v.Score);
        return judge.Task is JudgeTask.Pair or JudgeTask.Reference ? [score] : [score, One("pass", v => v.Passed is { } passed ? passed ? 1 : 0 : null)];

        JudgeScore One(string measure, Func<JudgeVerdict, double?> value)
        {
            var values = verdicts.Select(value).ToArray();
            var known = values.OfType<double>().ToArray();
            var clusters = ClusterIndex.Of(verdicts.Select(v => v.Item.Cluster ?? v.Item.Id));
            var binary = known.All(v => v is 0 or 1);
            double? low = known.Length == 0 ? null : Bound(0).Low, high = known.Length == 0 ? null : Bound(1).High;
            var unjudged = values.Length - known.Length;
            return new JudgeScore(
                judge.Signature, measure, values.Length, clusters.Count, verdicts.Count(v => v.Outcome == JudgeOutcome.Unanswered), unjudged,
                known.Length == 0 ? null : known.Average(), low, high,
                $"{(binary ? "wilson" : "student")}{(clusters.IsClustered ? "|clusters" : "")}|conf:{confidence}{(unjudged > 0 ? "|unjudged:worst,best" : "")}");

            Interval Bound(double imagined)
            {
                var filled = Array.ConvertAll(values, v => v ?? imagined);
                if (binary)
                {
                    var effective = ClusteredErrors.EffectiveItems(filled, clusters);
                    return ProportionIntervals.Wilson(filled.Average() * effective, effective, confidence);
                }

                var (mean, error, _, interval) = StudentTests.Paired(filled, confidence, clusters);
                return double.IsNaN(error) ? new Interval(0, 1) : new Interval(Math.Max(0, interval.Low), Math.Min(1, interval.High));
            }
        }
    }
}
