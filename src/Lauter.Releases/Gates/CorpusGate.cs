using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;

namespace Lauter.Releases.Gates;

/// <summary>
/// A gate on a metric of the whole set, which has no score for single items to pair (BLEU, chrF, macro-F1): both sides are measured on the same resamples of
/// clusters, and the interval of their difference decides.
/// </summary>
/// <remarks>
/// Percentile intervals of few clusters are short, so their level is that of Student's (Hesterberg 2015, "expanded percentile"). What no resample can show is
/// counted in full: a kind of item that makes up ln(1/level)/n of the traffic is missed by n clusters with that chance, and could be lost altogether.
/// Metrics with a score for each item are decided by <see cref="Gate"/>, whose intervals are exact or nearly so.
/// </remarks>
public static class CorpusGate
{
    private const int LeastClusters = 20;
    private const int DefaultResamples = 10_000;
    private const ulong Seed = 1;

    /// <summary>Decides whether the candidate may take the place of the baseline.</summary>
    /// <param name="policy">Non-inferiority or superiority; the margin is a share of the metric's scale (0.02 = 2 BLEU).</param>
    /// <param name="metric">The metric.</param>
    /// <param name="baseline">Name and rows of what serves.</param>
    /// <param name="candidate">Name and rows of what wants to serve.</param>
    /// <param name="evidence">Banks, approvals, looks.</param>
    /// <exception cref="ArgumentException">The policy has faults, or asks for a minimum.</exception>
    public static GateVerdict Decide(
        GatePolicy policy, IMetric metric, (string Name, IReadOnlyList<MetricRow> Rows) baseline, (string Name, IReadOnlyList<MetricRow> Rows) candidate, GateEvidence? evidence = null) =>
        Decide(policy, metric, baseline, candidate, evidence, DefaultResamples);

    /// <summary>As above with fewer resamples, for simulations of many gates.</summary>
    internal static GateVerdict Decide(
        GatePolicy policy, IMetric metric, (string Name, IReadOnlyList<MetricRow> Rows) baseline, (string Name, IReadOnlyList<MetricRow> Rows) candidate, GateEvidence? evidence, int resamples)
    {
        if (policy.Faults() is { Count: > 0 } faults)
        {
            throw new ArgumentException($"The gate policy cannot be used: {string.Join(" ", faults)}", nameof(policy));
        }

        if (policy.Kind == GateKind.Minimum || policy.Minimum is not null)
        {
            throw new ArgumentException($"minimum: '{metric.Name}' has no score for single items, so only a comparison can be decided.", nameof(policy));
        }

        var (before, after) = (baseline.Rows.OrderBy(r => r.Id, StringComparer.Ordinal).ToArray(), candidate.Rows.OrderBy(r => r.Id, StringComparer.Ordinal).ToArray());
        var (was, now) = (metric.Measure(before), metric.Measure(after));
        Scorecard left = Card(baseline.Name, before, was, metric), right = Card(candidate.Name, after, now, metric);
        if (was.ItemScores is not null && was.Width == 2 && now.HigherIsBetter && was.ItemScores.Concat(now.ItemScores!).All(s => s is >= 0 and <= 1))
        {
            return Gate.Decide(policy, left, right, evidence);
        }

        return GateExtras.Apply(Compared(policy, metric, (baseline.Name, before, was), (candidate.Name, after, now), left, right, resamples), left, right, evidence ?? GateEvidence.None);
    }

    private static GateVerdict Compared(
        GatePolicy policy, IMetric metric, (string Name, MetricRow[] Rows, MetricTable Table) baseline, (string Name, MetricRow[] Rows, MetricTable Table) candidate, Scorecard left, Scorecard right, int resamples)
    {
        var verdict = new GateVerdict
        {
            Decision = GateDecision.InsufficientEvidence, Policy = policy, SuiteName = right.SuiteName, SuiteHash = right.SuiteHash, Reasons = [],
            Baseline = new GateSide(baseline.Name, "file", null, baseline.Table.Unusable), Candidate = new GateSide(candidate.Name, "file", null, candidate.Table.Unusable),
        };
        if (left.SuiteHash != right.SuiteHash)
        {
            return verdict with { Reasons = [GateTexts.SuiteMismatch(left, right)] };
        }

        if (baseline.Table.Signature != candidate.Table.Signature)
        {
            return verdict with { Reasons = [GateTexts.SignatureMismatch(left.Metrics[0], right.Metrics[0])] };
        }

        if (baseline.Rows.Length == 0)
        {
            return verdict with { Reasons = [GateTexts.NoItems(right)] };
        }

        int n = baseline.Rows.Length, unknown = baseline.Rows.Count(r => FailureKinds.IsUnknown(r.Failure));
        var clusters = ClusterIndex.Of(baseline.Rows.Select(r => r.Cluster));
        var all = Measure(policy, metric, baseline.Table, candidate.Table, clusters, resamples);
        verdict = verdict with
        {
            Signature = candidate.Table.Signature, Items = n, Clusters = clusters.Count, Effect = Finite(all.Effect), Low = Finite(all.Interval.Low), High = Finite(all.Interval.High),
            Confidence = 1 - (2 * Tail(policy)), P = policy.Kind == GateKind.Superiority ? all.P : null, AchievedPower = all.Power, ItemsNeeded = all.Needed is { } needed ? (long)Math.Ceiling(needed * n) : null,
            Method = $"bootstrap|paired|{(clusters.IsClustered ? "clusters|" : "")}expanded|unseen|resamples:{resamples}|seed:{Seed}",
            Baseline = verdict.Baseline! with { Value = Finite(all.Baseline) }, Candidate = verdict.Candidate with { Value = Finite(all.Candidate) },
        };
        var reasons = new List<GateReason>();
        foreach (var side in new[] { verdict.Candidate, verdict.Baseline }.Where(s => s.Unanswered > policy.MaximumUnanswered * n))
        {
            reasons.Add(GateTexts.Unanswered(side.Name, side.Unanswered, n, policy.MaximumUnanswered));
        }

        // The worst case of an answer that is not known cannot be set into a corpus metric; scoring it as wrong would favour the candidate.
        if (unknown > 0)
        {
            reasons.Add(GateTexts.Unanswered(baseline.Name, unknown, n, 0));
        }

        if (clusters.Count < LeastClusters)
        {
            reasons.Add(GateTexts.TooFewClusters(clusters.Count, LeastClusters));
        }

        if (!(double.IsFinite(all.Interval.Low) && double.IsFinite(all.Interval.High)))
        {
            reasons.Add(GateTexts.MetricMissing(metric.Name, right));
        }

        if (reasons.Count > 0)
        {
            return verdict with { Reasons = reasons };
        }

        var findings = new List<(GateDecision Decision, GateReason Reason)> { Gate.Primary(policy, all.Interval, verdict) };
        var strata = Strata(policy, metric, baseline.Rows, candidate.Rows, resamples);
        findings.AddRange(strata.Where(s => s.Regressed).Select(s => (GateDecision.Fail, GateTexts.StratumRegressed(s))));
        if (policy.StratumMargin is { } margin)
        {
            findings.AddRange(strata.Where(s => !s.Regressed && !(s.Low > -margin)).Select(s => (GateDecision.InsufficientEvidence, GateTexts.StratumUncertain(s, margin))));
        }

        return Gate.Conclude(verdict with { Strata = strata }, findings);
    }

    private sealed record Comparison(double Baseline, double Candidate, double Effect, Interval Interval, double P, double RegressionP, double? Power, double? Needed);

    private static Comparison Measure(GatePolicy policy, IMetric metric, MetricTable baseline, MetricTable candidate, ClusterIndex clusters, int resamples)
    {
        var scale = Scale(metric.Name) * (baseline.HigherIsBetter ? 1 : -1);
        var tail = Tail(policy);
        var n = clusters.Count;

        // The level at which the normal percentile reaches as far as Student's does.
        var expanded = n < 2 ? 0 : Normal.UpperTail(Math.Sqrt(n / (n - 1.0)) * BetaFunction.StudentQuantile(1 - tail, n - 1));
        var result = TableBootstrap.Paired(baseline, candidate, clusters, resamples, 1 - (2 * expanded), Seed);
        var effect = result.Difference / scale;
        double one = result.Interval.Low / scale, other = result.Interval.High / scale, unseen = Math.Log(1 / tail) / n;
        var interval = new Interval(Math.Max(-1, Math.Min(Math.Min(one, other), effect - unseen)), Math.Min(1, Math.Max(Math.Max(one, other), effect + unseen)));
        var error = (interval.High - interval.Low) / (2 * Normal.Quantile(1 - tail));
        var room = policy.Kind == GateKind.Superiority ? effect : policy.Margin + Math.Min(0, effect);
        double z = Normal.Quantile(1 - tail), reach = z + Normal.Quantile(policy.Power);
        return new Comparison(
            baseline.Value() / Math.Abs(scale), candidate.Value() / Math.Abs(scale), effect, interval, result.P, effect < 0 ? result.P / 2 : 1 - (result.P / 2),
            error > 0 ? Normal.Cdf(((policy.Kind == GateKind.Superiority ? effect : policy.Margin) / error) - z) : null,
            room > 0 && error > 0 ? Math.Max(1.0 / n, reach * error / room * (reach * error / room)) : null);
    }

    private static IReadOnlyList<StratumResult> Strata(GatePolicy policy, IMetric metric, MetricRow[] baseline, MetricRow[] candidate, int resamples)
    {
        // Rows of plain files carry one dimension.
        var groups = policy.Strata.Contains("language", StringComparer.Ordinal)
            ? Enumerable.Range(0, baseline.Length).GroupBy(i => baseline[i].Language, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).ToArray() : [];
        var results = new List<StratumResult>();
        foreach (var group in groups.Length > 1 ? groups : [])
        {
            MetricRow[] was = [.. group.Select(i => baseline[i])], now = [.. group.Select(i => candidate[i])];
            var c = Measure(policy, metric, metric.Measure(was), metric.Measure(now), ClusterIndex.Of(was.Select(r => r.Cluster)), resamples);
            results.Add(new StratumResult($"language={group.Key}", was.Length, c.Baseline, c.Candidate, 0, 0, c.Effect, c.Interval.Low, c.Interval.High, c.RegressionP, 1, Regressed: false));
        }

        var allowed = policy.Kind == GateKind.NonInferiority ? -policy.Margin : 0;
        var adjusted = MultipleTests.Holm([.. results.Select(r => r.RegressionP)]);
        return [.. results.Select((r, i) => r with { RegressionHolm = adjusted[i], Regressed = adjusted[i] <= policy.Alpha && r.Effect < allowed })];
    }

    /// <summary>A scorecard of the rows, with scores where the metric has them for single items.</summary>
    private static Scorecard Card(string name, MetricRow[] rows, MetricTable table, IMetric metric) => new()
    {
        SuiteName = "plain file", SuiteHash = HashOf(rows), CandidateName = name, CandidateKind = "file", Values = [], Metrics = [new MetricSpec(MetricKind.Score, metric.Name, table.Signature)],
        Items =
        [
            .. rows.Select((r, i) => new ItemOutcome
            {
                Id = r.Id, Cluster = r.Cluster, Language = r.Language, Failure = r.Failure ?? (r.Prediction is null ? FailureKinds.Unparsed : null),
                Scores = table.ItemScores is { } scores ? new Dictionary<string, double>(StringComparer.Ordinal) { [metric.Name] = scores[i] } : new Dictionary<string, double>(StringComparer.Ordinal),
            }),
        ],
    };

    private static string HashOf(MetricRow[] rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var row in rows)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{row.Id}\0{row.Cluster}\0{row.Language}\0"));
            hash.AppendData(CanonicalJson.Serialize(new JsonArray([.. row.References.Select(r => r?.DeepClone())])));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Points that are the whole of a metric's scale.</summary>
    private static double Scale(string metric) => metric.Split(':')[0] is "bleu" or "chrf" or "ter" ? 100 : 1;

    private static double Tail(GatePolicy policy) => policy.Kind == GateKind.Superiority ? policy.Spent / 2 : policy.Spent;

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
