using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;

namespace Lauter.Releases.Gates;

/// <summary>
/// What a policy asks for beyond its primary metric: guardrails, limits, banks, approvals, and that nobody peeked. Each finds pass,
/// fail or insufficient; the verdict keeps the worst of all.
/// </summary>
internal static class GateExtras
{
    private const double BankConfidence = 0.95;

    public static GateVerdict Apply(GateVerdict verdict, Scorecard? baseline, Scorecard candidate, GateEvidence evidence)
    {
        var policy = verdict.Policy;
        var findings = new List<(GateDecision Decision, GateReason Reason)>();
        if (evidence.Looks > policy.MaximumLooks)
        {
            findings.Add((GateDecision.InsufficientEvidence, GateTexts.Peeked(evidence.Looks, policy.MaximumLooks)));
        }

        var guardrails = Guardrails(policy, baseline, candidate, findings);
        var limits = Limits(policy, baseline, candidate, findings);
        var banks = policy.Banks?.Select(rule => Bank(rule, evidence, findings)).ToArray();
        foreach (var rule in policy.Approvals ?? [])
        {
            var given = evidence.Approvals.Where(a => a.Role == rule.Role).Select(a => a.By).Distinct(StringComparer.Ordinal).Count();
            if (given < rule.Count)
            {
                findings.Add((GateDecision.InsufficientEvidence, GateTexts.ApprovalMissing(rule, given)));
            }
        }

        var worst = findings.Select(f => f.Decision).Append(verdict.Decision).MaxBy(Severity);
        return verdict with
        {
            Decision = worst,
            Guardrails = guardrails,
            Limits = limits,
            Banks = banks,
            Reasons =
            [
                .. findings.Where(f => f.Decision == worst && worst != verdict.Decision).Select(f => f.Reason),
                .. verdict.Reasons,
                .. findings.Where(f => f.Decision != worst || worst == verdict.Decision).Select(f => f.Reason),
            ],
        };
    }

    /// <summary>A fault anywhere beats doubt anywhere, doubt beats a pass.</summary>
    internal static int Severity(GateDecision decision) => decision switch { GateDecision.Pass => 0, GateDecision.InsufficientEvidence => 1, _ => 2 };

    private static IReadOnlyList<GuardrailResult>? Guardrails(
        GatePolicy policy, Scorecard? baseline, Scorecard candidate, List<(GateDecision Decision, GateReason Reason)> findings)
    {
        if (policy.Guardrails is not { Count: > 0 } rules)
        {
            return null;
        }

        var compared = new List<(Guardrail Rule, PairedComparison Comparison)>();
        foreach (var rule in rules)
        {
            if (baseline is null)
            {
                findings.Add((GateDecision.InsufficientEvidence, GateTexts.NothingToCompare(rule.Metric)));
                continue;
            }

            var (pairs, reasons) = PairedItems.Join(rule.Metric, baseline, candidate, rule.LowerIsBetter);
            if (pairs is null)
            {
                findings.AddRange(reasons.Select(r => (GateDecision.InsufficientEvidence, r)));
                continue;
            }

            compared.Add((rule, PairedComparison.Of(pairs, [.. Enumerable.Range(0, pairs.Items.Length)], policy.Spent)));
        }

        var adjusted = MultipleTests.Holm([.. compared.Select(c => c.Comparison.RegressionP())]);
        var results = new List<GuardrailResult>();
        for (var i = 0; i < compared.Count; i++)
        {
            var (rule, comparison) = compared[i];
            var (low, high) = comparison.Interval;

            // Worse beyond chance is not enough: in a large suite that would forbid what the margin allows.
            var decision = adjusted[i] <= policy.Alpha && comparison.Effect < -rule.Margin ? GateDecision.Fail
                : rule.MustShow && !(low > -rule.Margin) ? GateDecision.InsufficientEvidence
                : GateDecision.Pass;
            results.Add(new GuardrailResult(rule.Metric, comparison.Effect, low, high, rule.Margin, adjusted[i], decision));
            if (decision != GateDecision.Pass)
            {
                findings.Add((decision, GateTexts.Guardrail(results[^1])));
            }
        }

        return results;
    }

    private static IReadOnlyList<LimitResult>? Limits(
        GatePolicy policy, Scorecard? baseline, Scorecard candidate, List<(GateDecision Decision, GateReason Reason)> findings)
    {
        if (policy.Limits is not { } limits)
        {
            return null;
        }

        var results = new List<LimitResult>();
        double[]? Latency(Scorecard? card) => card?.Measurements?.LatencyMilliseconds is { Count: > 0 } times && times.Count == card.Items.Count ? [.. times] : null;
        double[]? Cost(Scorecard? card) => card?.Measurements?.CostOfItems is { Count: > 0 } costs && costs.Count == card.Items.Count ? [.. costs] : null;

        if (limits.LatencyP95Milliseconds is { } most)
        {
            Add("latencyP95Milliseconds", most, Latency(candidate) is { } times ? Percentile(times, policy.Alpha) : null);
        }

        if (limits.LatencyIncrease is { } slower)
        {
            // Each side's bound takes half the risk.
            var (now, before) = (Latency(candidate), Latency(baseline));
            (double?, double?, double?)? ratio = now is null || before is null ? null
                : (Percentile(now, policy.Alpha / 2), Percentile(before, policy.Alpha / 2)) is var (n, b)
                    ? (n.Value / b.Value, b.High is { } high ? n.Low / high : null, b.Low is > 0 and { } low ? n.High / low : null)
                    : null;
            Add("latencyIncrease", 1 + slower, ratio);
        }

        if (limits.CostPerItem is { } price)
        {
            Add("costPerItem", price, Cost(candidate) is { } costs ? Mean(costs, policy.Alpha) : null);
        }

        if (limits.CostIncrease is { } dearer)
        {
            // Costs of the same items are paired: what must not exceed 0 is cost - (1 + increase) × the baseline's cost.
            (double?, double?, double?)? gap = Cost(candidate) is { } now && Cost(baseline) is { } before && now.Length == before.Length
                ? Mean([.. now.Zip(before, (c, b) => c - ((1 + dearer) * b))], policy.Alpha) : null;
            Add("costIncrease", 0, gap);
        }

        return results;

        void Add(string name, double allowed, (double? Value, double? Low, double? High)? measured)
        {
            var decision = measured is not { } m ? GateDecision.InsufficientEvidence
                : m.High <= allowed ? GateDecision.Pass
                : m.Low > allowed ? GateDecision.Fail
                : GateDecision.InsufficientEvidence;
            results.Add(new LimitResult(name, measured?.Value, measured?.Low, measured?.High, allowed, decision));
            if (decision != GateDecision.Pass)
            {
                findings.Add((decision, GateTexts.Limit(results[^1])));
            }
        }
    }

    /// <summary>The 95th percentile with bounds from order statistics: no assumption about the distribution.</summary>
    private static (double? Value, double? Low, double? High) Percentile(double[] times, double alpha)
    {
        const double Share = 0.95;
        var sorted = times.Order().ToArray();
        var n = sorted.Length;
        double? low = null, high = null;

        // At most k values lie at or below the percentile with probability P(Binomial(n, 0.95) ≤ k).
        for (var k = n - 1; k >= 0 && AtMost(k) >= 1 - alpha; k--)
        {
            high = sorted[k];
        }

        for (var k = 0; k < n && 1 - AtMost(k) >= 1 - alpha; k++)
        {
            low = sorted[k];
        }

        return (sorted[(int)Math.Ceiling(Share * n) - 1], low, high);

        double AtMost(int k) => k >= n ? 1 : BetaFunction.Regularised(1 - Share, n - k, k + 1);
    }

    private static (double? Value, double? Low, double? High) Mean(double[] values, double alpha)
    {
        var (mean, error, _, interval) = StudentTests.Paired(values, 1 - (2 * alpha));
        return double.IsNaN(error) ? (mean, null, null) : (mean, interval.Low, interval.High);
    }

    private static BankResult Bank(BankRule rule, GateEvidence evidence, List<(GateDecision Decision, GateReason Reason)> findings)
    {
        var answers = evidence.Banks.GetValueOrDefault(rule.Bank) ?? [];
        int n = answers.Count, passed = answers.Count(a => a.Passed == true), unjudged = answers.Count(a => a.Passed is null);
        var byRisk = answers.CountBy(a => a.Risk, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        string[] missing =
        [
            .. (rule.Risks ?? []).Union(byRisk.Keys.Where(r => r.Length > 0), StringComparer.Ordinal)
                .Where(r => byRisk.GetValueOrDefault(r) < Math.Max(rule.MinimumPerRisk, rule.Risks?.Contains(r) == true ? 1 : 0))
                .Order(StringComparer.Ordinal),
        ];
        double? confidence = n == 0 ? null : 1 - AtLeast(passed, n, rule.Rate);
        double? low = n == 0 ? null : ProportionIntervals.ClopperPearson(passed, n, (2 * BankConfidence) - 1).Low;
        int? needed = null;
        for (var k = (int)Math.Floor(rule.Rate * n); k <= n && n > 0; k++)
        {
            if (AtLeast(k, n, rule.Rate) <= 1 - BankConfidence)
            {
                needed = k;
                break;
            }
        }

        var duplicate = answers.GroupBy(a => a.Id, StringComparer.Ordinal).FirstOrDefault(g => g.Skip(1).Any())?.Key;
        var rate = n == 0 ? (double?)null : passed / (double)n;

        // Fail only on what was answered: too small a bank says nothing, unless it could not reach the rate even if all the rest passed.
        var hopeless = passed + unjudged + Math.Max(0, rule.Items - n) < rule.Rate * Math.Max(n, rule.Items);
        var (decision, reason) =
            duplicate is not null ? (GateDecision.InsufficientEvidence, GateTexts.BankTwice(rule, duplicate))
            : n == 0 ? (GateDecision.InsufficientEvidence, GateTexts.BankMissing(rule))
            : hopeless ? (GateDecision.Fail, GateTexts.BankFailed(rule, passed, n))
            : n < rule.Items || missing.Length > 0 ? (GateDecision.InsufficientEvidence, GateTexts.BankSmall(rule, n, missing))
            : rate < rule.Rate ? (unjudged > 0 ? GateDecision.InsufficientEvidence : GateDecision.Fail, unjudged > 0 ? GateTexts.BankUnjudged(rule, unjudged) : GateTexts.BankFailed(rule, passed, n))
            : rule.Confidence is { } asked && confidence < asked ? (GateDecision.InsufficientEvidence, GateTexts.BankUncertain(rule, confidence!.Value, asked))
            : (GateDecision.Pass, (GateReason?)null);
        if (reason is not null)
        {
            findings.Add((decision, reason));
        }

        return new BankResult(rule.Bank, n, passed, unjudged, rate, rule.Rate, low, confidence, needed, missing, decision);
    }

    /// <summary>P(X ≥ k) for X ~ Binomial(n, p).</summary>
    internal static double AtLeast(int k, int n, double p) => k <= 0 ? 1 : BetaFunction.Regularised(p, k, n - k + 1);
}
