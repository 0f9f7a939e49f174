using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Statistics;

namespace Lauter.Evaluation.Runs;

/// <summary>Item outcomes → values with intervals, over all items and by language.</summary>
internal static class MetricValues
{
    public static IReadOnlyList<MetricValue> Of(IReadOnlyList<MetricSpec> metrics, IReadOnlyList<ItemOutcome> items, EvaluationOptions options)
    {
        var strata = new List<(string Name, IReadOnlyList<ItemOutcome> Items)> { (MetricValue.AllItems, items) };
        strata.AddRange(items.GroupBy(i => i.Language, StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => ($"language={g.Key}", (IReadOnlyList<ItemOutcome>)g.ToArray())));

        return [.. from stratum in strata from metric in metrics select Value(metric, stratum.Name, stratum.Items, options)];
    }

    private static MetricValue Value(MetricSpec metric, string stratum, IReadOnlyList<ItemOutcome> items, EvaluationOptions options)
    {
        var clusters = ClusterIndex.Of(items.Select(i => i.Cluster));
        var value = new MetricValue
        {
            Metric = metric.Name,
            Signature = metric.Signature,
            Stratum = stratum,
            Items = items.Count,
            Clusters = clusters.Count,
            Unparsed = items.Count(i => i.Failure == FailureKinds.Unparsed),
            Failed = items.Count(i => i.Failure is not null and not FailureKinds.Unparsed),
        };
        if (items.Count == 0)
        {
            return value;
        }

        return metric.IsBinary ? WithWilson(value, metric, items, clusters, options)
            : metric.IsPerItem ? WithStudent(value, metric, items, clusters, options)
            : WithBootstrap(value, metric, items, clusters, options);
    }

    private static MetricValue WithWilson(
        MetricValue value, MetricSpec metric, IReadOnlyList<ItemOutcome> items, ClusterIndex clusters, EvaluationOptions options)
    {
        var scores = items.Select(i => i.Scores[metric.Name]).ToArray();
        var mean = scores.Average();
        var effective = ClusteredErrors.EffectiveItems(scores, clusters);
        var interval = ProportionIntervals.Wilson(mean * effective, effective, options.Confidence);
        return value with
        {
            Value = mean,
            Low = interval.Low,
            High = interval.High,
            Interval = clusters.Count == items.Count
                ? $"wilson|conf:{options.Confidence}"
                : $"wilson|clusters|effective_items:{effective:0.0}|conf:{options.Confidence}",
        };
    }

    private static MetricValue WithStudent(
        MetricValue value, MetricSpec metric, IReadOnlyList<ItemOutcome> items, ClusterIndex clusters, EvaluationOptions options)
    {
        var scores = items.Select(i => i.Scores[metric.Name]).ToArray();
        var (mean, error, _, interval) = StudentTests.Paired(scores, options.Confidence, clusters);
        return double.IsNaN(error)
            ? value with { Value = mean }
            : value with
            {
                Value = mean,
                Low = Math.Max(0, interval.Low),
                High = Math.Min(1, interval.High),
                Interval = clusters.IsClustered ? $"student|clusters|conf:{options.Confidence}" : $"student|conf:{options.Confidence}",
            };
    }

    private static MetricValue WithBootstrap(
        MetricValue value, MetricSpec metric, IReadOnlyList<ItemOutcome> items, ClusterIndex clusters, EvaluationOptions options)
    {
        var labels = LabelledItems.Of(items, metric.Field!);
        if (labels is null)
        {
            return value;
        }

        var counts = new ConfusionCounts(labels.Labels);
        var interval = Bootstrap.Percentile(clusters, options.Resamples, options.Confidence, options.Seed, members => labels.MacroF1(counts, members));
        return value with
        {
            Value = labels.MacroF1(counts, Enumerable.Range(0, items.Count).ToArray()),
            Low = interval.Low,
            High = interval.High,
            Interval = $"bootstrap|clusters|resamples:{options.Resamples}|seed:{options.Seed}|conf:{options.Confidence}",
        };
    }
}
