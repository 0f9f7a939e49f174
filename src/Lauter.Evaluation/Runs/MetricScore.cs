using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Statistics;

namespace Lauter.Evaluation.Runs;

/// <summary>One metric of a file with its interval.</summary>
/// <param name="Metric">As asked for.</param>
/// <param name="Signature">Every choice that decides the value.</param>
/// <param name="Stratum"><c>all</c>, or <c>language=zh</c>.</param>
/// <param name="Items">Rows.</param>
/// <param name="Clusters">Independent clusters among them.</param>
/// <param name="Unusable">Rows without a usable answer; in the value with the worst score.</param>
/// <param name="Value">The value; null when it is not defined.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="Interval">How it was made.</param>
/// <param name="HigherIsBetter">False for error rates.</param>
public sealed record MetricScore(
    string Metric, string Signature, string Stratum, int Items, int Clusters, int Unusable, double? Value, double? Low, double? High, string Interval, bool HigherIsBetter)
{
    /// <summary>
    /// Measures <paramref name="rows"/> as a whole and by language. The interval of a share of 0 and 1 scores is Wilson's, of anything else a
    /// percentile bootstrap over clusters.
    /// </summary>
    public static (IReadOnlyList<MetricScore> Scores, MetricTable Table) Of(
        IMetric metric, IReadOnlyList<MetricRow> rows, double confidence = 0.95, int resamples = 1_000, ulong seed = 1)
    {
        var table = metric.Measure(rows);
        var scores = new List<MetricScore> { One(table, rows, "all") };
        var languages = rows.GroupBy(r => r.Language, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).ToArray();
        foreach (var group in languages.Length > 1 ? languages : [])
        {
            MetricRow[] members = [.. group];
            scores.Add(One(metric.Measure(members), members, $"language={group.Key}"));
        }

        return (scores, table);

        MetricScore One(MetricTable measured, IReadOnlyList<MetricRow> of, string stratum)
        {
            var clusters = ClusterIndex.Of(of.Select(r => r.Cluster));
            var value = measured.Value();
            Interval interval;
            string method;
            if (measured.Width == 2 && measured.ItemScores is { Count: > 0 } items && items.All(s => s is 0 or 1))
            {
                var effective = ClusteredErrors.EffectiveItems([.. items], clusters);
                interval = ProportionIntervals.Wilson(value * effective, effective, confidence);
                method = clusters.IsClustered ? $"wilson|clusters|effective_items:{effective:0.0}|conf:{confidence}" : $"wilson|conf:{confidence}";
            }
            else
            {
                interval = TableBootstrap.Percentile(measured, clusters, resamples, confidence, seed);
                method = $"bootstrap|{(clusters.IsClustered ? "clusters|" : "")}resamples:{resamples}|seed:{seed}|conf:{confidence}";
            }

            return new MetricScore(
                measured.Name, measured.Signature, stratum, measured.Items, clusters.Count, measured.Unusable,
                Finite(value), Finite(interval.Low), Finite(interval.High), method, measured.HigherIsBetter);
        }
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
