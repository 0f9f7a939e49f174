using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;

namespace Lauter.Releases.Gates;

/// <summary>
/// The decision from a policy and scorecards.
/// <code>
/// scorecards ─1 same suite, signature, items?─► pairs ─2 enough answers?─► 2×2 table ─3 interval─► primary decision
///                      │ no                           │ no                  └─4 strata (Holm)─► a stratum worse: fail
///                      └────────────► insufficient evidence                 └─5 minimum
/// </code>
/// </summary>
/// <remarks>
/// 3: Tango's score interval with a continuity correction of ½, at four fifths of alpha (<see cref="GatePolicy.SpentShare"/>). Where items share clusters, the critical value is Student's with
/// (clusters - 1) degrees of freedom times the root of the design effect. Pure functions; nothing here reads a clock or a file.
/// </remarks>
public static class Gate
{
    private const int LeastClusters = 20;

    /// <summary>Decides whether <paramref name="candidate"/> may take the place of <paramref name="baseline"/>.</summary>
    /// <exception cref="ArgumentException">The policy has faults.</exception>
    public static GateVerdict Decide(GatePolicy policy, Scorecard baseline, Scorecard candidate, GateEvidence? evidence = null)
    {
        Check(policy);
        return GateExtras.Apply(
            policy.Kind == GateKind.Minimum ? MinimumOf(policy, candidate) : Compared(policy, baseline, candidate), baseline, candidate, evidence ?? GateEvidence.None);
    }

    /// <summary>Whether the primary comparison passes, from counts and differences alone: what <see cref="Decide"/> does with complete scorecards, for simulations.</summary>
    internal static bool PassesOnCounts(GatePolicy policy, PairedTable table, double[]? differences = null, ClusterIndex? clusters = null)
    {
        if (clusters is { IsClustered: true } && clusters.Count < LeastClusters)
        {
            return false;
        }

        var comparison = clusters is null
            ? PairedComparison.OfIndependent(table, policy.Spent)
            : PairedComparison.OfCounts(table, differences!, clusters, policy.Spent);
        return comparison.Interval.Low > -policy.Margin;
    }

    private static GateVerdict Compared(GatePolicy policy, Scorecard baseline, Scorecard candidate)
    {

        // 1. Comparable?
        var (pairs, reasons) = PairedItems.Join(policy.Metric, baseline, candidate);
        if (pairs is null)
        {
            return Undecided(policy, baseline, candidate, reasons);
        }

        // 2. Answered?
        var n = pairs.Items.Length;
        var verdict = Undecided(policy, baseline, candidate, []) with
        {
            Signature = pairs.Signature,
            Items = n,
            Baseline = new GateSide(baseline.CandidateName, baseline.CandidateKind, Share(pairs.Baseline), pairs.BaselineUnanswered),
            Candidate = new GateSide(candidate.CandidateName, candidate.CandidateKind, Share(pairs.Candidate), pairs.CandidateUnanswered),
        };
        var unanswered = new List<GateReason>();
        AddUnanswered(unanswered, verdict.Candidate, n, policy);
        AddUnanswered(unanswered, verdict.Baseline, n, policy);

        // 3. The primary comparison.
        var all = Compare(pairs, [.. Enumerable.Range(0, n)], policy);
        verdict = all.Fill(verdict, policy);
        if (unanswered.Count > 0)
        {
            return verdict with { Reasons = unanswered };
        }

        if (all.Clusters.IsClustered && all.Clusters.Count < LeastClusters)
        {
            return verdict with { Reasons = [GateTexts.TooFewClusters(all.Clusters.Count, LeastClusters)] };
        }

        if (!pairs.IsBinary && n < LeastClusters)
        {
            return verdict with { Reasons = [GateTexts.TooFewItems(n, LeastClusters)] };
        }

        var primary = Primary(policy, all.Interval, verdict);
        if (primary.Decision == GateDecision.Fail && pairs.Unjudged > 0 && !FailsWhateverTheJudge(policy, baseline, candidate, verdict))
        {
            primary = (GateDecision.InsufficientEvidence, GateTexts.Unjudged(pairs.Unjudged));
        }

        var findings = new List<(GateDecision Decision, GateReason Reason)> { primary };

        // 4. Strata.
        var strata = Strata(pairs, policy);
        verdict = verdict with { Strata = strata };
        findings.AddRange(strata.Where(s => s.Regressed).Select(s => (GateDecision.Fail, GateTexts.StratumRegressed(s))));
        if (policy.StratumMargin is { } margin)
        {
            findings.AddRange(strata.Where(s => !s.Regressed && !(s.Low > -margin)).Select(s => (GateDecision.InsufficientEvidence, GateTexts.StratumUncertain(s, margin))));
        }

        // 5. The floor.
        if (policy.Minimum is { } minimum)
        {
            findings.Add(Floor(policy, pairs.Candidate, ClusterIndex.Of(pairs.Items.Select(i => i.Cluster)), minimum).Finding);
        }

        return Conclude(verdict, findings);
    }

    /// <summary>Decides whether the value of <paramref name="candidate"/> reaches <see cref="GatePolicy.Minimum"/>, without a rival.</summary>
    /// <exception cref="ArgumentException">The policy has faults or no minimum.</exception>
    public static GateVerdict DecideMinimum(GatePolicy policy, Scorecard candidate, GateEvidence? evidence = null)
    {
        Check(policy);
        return GateExtras.Apply(MinimumOf(policy, candidate), null, candidate, evidence ?? GateEvidence.None);
    }

    private static GateVerdict MinimumOf(GatePolicy policy, Scorecard candidate)
    {
        var minimum = policy.Minimum ?? throw new ArgumentException("minimum: this decision needs one.", nameof(policy));

        // A scorecard joined with itself meets the same checks as a comparison of two.
        var (pairs, reasons) = PairedItems.Join(policy.Metric, candidate, candidate);
        var verdict = Undecided(policy, null, candidate, reasons);
        if (pairs is null)
        {
            return verdict;
        }

        var n = pairs.Items.Length;
        var clusters = ClusterIndex.Of(pairs.Items.Select(i => i.Cluster));
        var floor = Floor(policy, pairs.Candidate, clusters, minimum);
        verdict = verdict with
        {
            Signature = pairs.Signature,
            Items = n,
            Clusters = clusters.Count,
            Candidate = new GateSide(candidate.CandidateName, candidate.CandidateKind, Share(pairs.Candidate), pairs.CandidateUnanswered),
            BothRight = pairs.Candidate.Count(r => r == 1),
            BothWrong = pairs.Candidate.Count(r => r != 1),
            Effect = Share(pairs.Candidate),
            Low = floor.Interval.Low,
            High = floor.Interval.High,
            Confidence = 1 - (2 * policy.Alpha),
            Method = floor.Method,
            DesignEffect = floor.DesignEffect,
            ItemsNeeded = floor.Needed,
        };
        var unanswered = new List<GateReason>();
        AddUnanswered(unanswered, verdict.Candidate, n, policy);
        if (!pairs.IsBinary && n < LeastClusters)
        {
            unanswered.Add(GateTexts.TooFewItems(n, LeastClusters));
        }

        if (clusters.IsClustered && clusters.Count < LeastClusters)
        {
            unanswered.Add(GateTexts.TooFewClusters(clusters.Count, LeastClusters));
        }

        return unanswered.Count > 0 ? verdict with { Reasons = unanswered } : Conclude(verdict, [floor.Finding]);
    }

    /// <summary>A verdict that could not be read is neither right nor wrong: a fail stands only if it stands with all of them in the candidate's favour.</summary>
    private static bool FailsWhateverTheJudge(GatePolicy policy, Scorecard baseline, Scorecard candidate, GateVerdict verdict)
    {
        var pairs = PairedItems.Join(policy.Metric, baseline, candidate, hopeful: true).Pairs!;
        return Primary(policy, Compare(pairs, [.. Enumerable.Range(0, pairs.Items.Length)], policy).Interval, verdict).Decision == GateDecision.Fail;
    }

    internal static (GateDecision Decision, GateReason Reason) Primary(GatePolicy policy, Interval interval, GateVerdict verdict)
    {
        var (low, high) = interval;
        if (policy.Kind == GateKind.NonInferiority)
        {
            return low > -policy.Margin ? (GateDecision.Pass, GateTexts.NonInferior(low, policy.Margin, policy.Alpha))
                : high < -policy.Margin ? (GateDecision.Fail, GateTexts.WorseThanMargin(high, policy.Margin))
                : (GateDecision.InsufficientEvidence, GateTexts.IntervalTooWide(low, high, -policy.Margin, verdict.Items, verdict.ItemsNeeded));
        }

        return low > 0 && verdict.P <= policy.Spent ? (GateDecision.Pass, GateTexts.Superior(low, verdict.P!.Value))
            : high <= 0 ? (GateDecision.Fail, GateTexts.NotBetter(high))
            : (GateDecision.InsufficientEvidence, GateTexts.IntervalTooWide(low, high, 0, verdict.Items, verdict.ItemsNeeded));
    }

    /// <summary>A fault anywhere beats doubt anywhere, doubt beats a pass; the deciding reasons come first.</summary>
    internal static GateVerdict Conclude(GateVerdict verdict, List<(GateDecision Decision, GateReason Reason)> findings)
    {
        var decision = findings.Any(f => f.Decision == GateDecision.Fail) ? GateDecision.Fail
            : findings.Any(f => f.Decision == GateDecision.InsufficientEvidence) ? GateDecision.InsufficientEvidence
            : GateDecision.Pass;
        return verdict with
        {
            Decision = decision,
            Reasons = [.. findings.OrderBy(f => f.Decision == decision ? 0 : 1).Select(f => f.Reason)],
        };
    }

    private static IReadOnlyList<StratumResult> Strata(PairedItems pairs, GatePolicy policy)
    {
        var results = new List<StratumResult>();
        foreach (var dimension in policy.Strata)
        {
            var groups = Enumerable.Range(0, pairs.Items.Length)
                .Where(i => pairs.Items[i].Stratum(dimension) is not null)
                .GroupBy(i => pairs.Items[i].Stratum(dimension)!, StringComparer.Ordinal)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .ToArray();

            // A dimension with one value is the whole set again, which the primary comparison judges.
            foreach (var group in groups.Length > 1 ? groups : [])
            {
                var members = group.ToArray();
                var comparison = Compare(pairs, members, policy);
                var table = comparison.Table;
                results.Add(new StratumResult(
                    $"{dimension}={group.Key}", members.Length, members.Average(i => pairs.Baseline[i]),
                    members.Average(i => pairs.Candidate[i]), table.OnlyFirst, table.OnlySecond,
                    comparison.Effect, comparison.Interval.Low, comparison.Interval.High, comparison.RegressionP(), 1, Regressed: false));
            }
        }

        // Worse beyond chance is not enough: in a large stratum that would forbid what the margin allows.
        var allowed = policy.Kind == GateKind.NonInferiority ? -policy.Margin : 0;
        var adjusted = MultipleTests.Holm([.. results.Select(r => r.RegressionP)]);
        return [.. results.Select((r, i) => r with { RegressionHolm = adjusted[i], Regressed = adjusted[i] <= policy.Alpha && r.Effect < allowed })];
    }

    private static PairedComparison Compare(PairedItems pairs, int[] members, GatePolicy policy)
    {
        var tail = policy.Kind == GateKind.Superiority ? policy.Spent / 2 : policy.Spent;
        return PairedComparison.Of(pairs, members, tail);
    }

    private static ((GateDecision Decision, GateReason Reason) Finding, Interval Interval, string Method, double DesignEffect, long? Needed) Floor(
        GatePolicy policy, double[] scores, ClusterIndex clusters, double minimum)
    {
        // Clopper–Pearson, so that the level holds at every n; with clusters on the effective number of items. Of graded scores it is the
        // interval of scores of 0 and 1 with the same mean, which vary most: it errs on the safe side.
        var effective = ClusteredErrors.EffectiveItems(scores, clusters);
        var value = Share(scores)!.Value;
        var interval = ProportionIntervals.ClopperPearson(value * effective, effective, 1 - (2 * policy.Alpha));
        var effect = scores.Length / effective;
        long? needed = value > minimum ? (long)Math.Ceiling(SampleSize.OneProportion(minimum, value, policy.Alpha, policy.Power) * effect) : null;
        var finding = interval.Low >= minimum ? (GateDecision.Pass, GateTexts.MinimumReached(interval.Low, minimum, policy.Alpha))
            : interval.High < minimum ? (GateDecision.Fail, GateTexts.BelowMinimum(interval.High, minimum))
            : (GateDecision.InsufficientEvidence, GateTexts.MinimumUncertain(interval.Low, interval.High, minimum, needed));
        return (finding, interval, clusters.IsClustered ? "clopper_pearson|clusters" : "clopper_pearson", effect, needed);
    }

    private static GateVerdict Undecided(GatePolicy policy, Scorecard? baseline, Scorecard candidate, IReadOnlyList<GateReason> reasons) => new()
    {
        Decision = GateDecision.InsufficientEvidence,
        Policy = policy,
        SuiteName = candidate.SuiteName,
        SuiteHash = candidate.SuiteHash,
        Baseline = baseline is null ? null : new GateSide(baseline.CandidateName, baseline.CandidateKind, null, 0),
        Candidate = new GateSide(candidate.CandidateName, candidate.CandidateKind, null, 0),
        Reasons = reasons,
    };

    private static void AddUnanswered(List<GateReason> reasons, GateSide? side, int items, GatePolicy policy)
    {
        if (side is not null && side.Unanswered > policy.MaximumUnanswered * items)
        {
            reasons.Add(GateTexts.Unanswered(side.Name, side.Unanswered, items, policy.MaximumUnanswered));
        }
    }

    private static double? Share(double[] scores) => scores.Length == 0 ? null : scores.Average();

    private static void Check(GatePolicy policy)
    {
        if (policy.Faults() is { Count: > 0 } faults)
        {
            throw new ArgumentException($"The gate policy cannot be used: {string.Join(" ", faults)}", nameof(policy));
        }
    }
}
