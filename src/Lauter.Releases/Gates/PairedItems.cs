using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;

namespace Lauter.Releases.Gates;

/// <summary>Two scorecards joined item by item, or the reasons why they cannot be.</summary>
internal sealed class PairedItems
{
    private PairedItems(MetricSpec metric, ItemOutcome[] items, double[] baseline, double[] candidate, int baselineUnanswered, int candidateUnanswered, int unjudged)
    {
        Signature = metric.Signature;
        IsBinary = metric.IsBinary || (Array.TrueForAll(baseline, s => s is 0 or 1) && Array.TrueForAll(candidate, s => s is 0 or 1));
        Items = items;
        Baseline = baseline;
        Candidate = candidate;
        BaselineUnanswered = baselineUnanswered;
        CandidateUnanswered = candidateUnanswered;
        Unjudged = unjudged;
    }

    public string Signature { get; }

    /// <summary>True when every score is 0 or 1.</summary>
    public bool IsBinary { get; }

    public ItemOutcome[] Items { get; }

    /// <summary>Scores from 0 to 1, 1 the best.</summary>
    public double[] Baseline { get; }

    /// <inheritdoc cref="Baseline"/>
    public double[] Candidate { get; }

    public int BaselineUnanswered { get; }

    public int CandidateUnanswered { get; }

    /// <summary>Items on which a judge or scorer gave no verdict, on either side.</summary>
    public int Unjudged { get; }

    /// <summary>Either the pairs or at least one reason.</summary>
    /// <param name="metric">The metric's name.</param>
    /// <param name="baseline">What serves.</param>
    /// <param name="candidate">What wants to serve.</param>
    /// <param name="lowerIsBetter">True for shares of something bad.</param>
    /// <param name="hopeful">True: items without a verdict take the best case for the candidate, to see whether a fail rests on them.</param>
    public static (PairedItems? Pairs, IReadOnlyList<GateReason> Reasons) Join(
        string metric, Scorecard baseline, Scorecard candidate, bool lowerIsBetter = false, bool hopeful = false)
    {
        if (baseline.SuiteHash != candidate.SuiteHash)
        {
            return (null, [GateTexts.SuiteMismatch(baseline, candidate)]);
        }

        if (Find(baseline, metric) is not { } left || Find(candidate, metric) is not { } right)
        {
            return (null, [GateTexts.MetricMissing(metric, Find(baseline, metric) is null ? baseline : candidate)]);
        }

        if (left.Signature != right.Signature)
        {
            return (null, [GateTexts.SignatureMismatch(left, right)]);
        }

        if (!left.IsPerItem)
        {
            return (null, [GateTexts.MetricNotPaired(metric)]);
        }

        if (baseline.Items.Count == 0 || candidate.Items.Count == 0)
        {
            return (null, [GateTexts.NoItems(baseline.Items.Count == 0 ? baseline : candidate)]);
        }

        var byId = new Dictionary<string, ItemOutcome>(baseline.Items.Count, StringComparer.Ordinal);
        foreach (var item in baseline.Items)
        {
            if (!byId.TryAdd(item.Id, item))
            {
                return (null, [GateTexts.ItemTwice(item.Id, baseline)]);
            }
        }

        return Pair(left, byId, baseline, candidate, lowerIsBetter, hopeful);
    }

    private static (PairedItems? Pairs, IReadOnlyList<GateReason> Reasons) Pair(
        MetricSpec metric, Dictionary<string, ItemOutcome> byId, Scorecard baseline, Scorecard candidate, bool lowerIsBetter, bool hopeful)
    {
        var n = candidate.Items.Count;
        var was = new double[n];
        var now = new double[n];
        var seen = new HashSet<string>(n, StringComparer.Ordinal);
        int baselineUnanswered = 0, candidateUnanswered = 0, strangers = 0, unjudged = 0;
        for (var i = 0; i < n; i++)
        {
            var item = candidate.Items[i];
            if (!seen.Add(item.Id))
            {
                return (null, [GateTexts.ItemTwice(item.Id, candidate)]);
            }

            if (!byId.TryGetValue(item.Id, out var other))
            {
                strangers++;
                continue;
            }

            var fault = Scored(metric, item, candidate, out now[i]) ?? Scored(metric, other, baseline, out was[i]);
            if (fault is not null)
            {
                return (null, [fault]);
            }

            // What an item without an answer is worth is not known. The gate takes the worst case for the candidate: its own such
            // items are wrong, and the baseline's are right unless it answered with something unusable, which is a wrong answer.
            candidateUnanswered += IsUnanswered(metric, item) ? 1 : 0;
            baselineUnanswered += IsUnanswered(metric, other) ? 1 : 0;
            now[i] = item.Failure is not null ? hopeful && item.Failure == FailureKinds.Unjudged ? 1 : 0 : lowerIsBetter ? 1 - now[i] : now[i];
            was[i] = FailureKinds.IsUnknown(other.Failure) ? hopeful && other.Failure == FailureKinds.Unjudged ? 0 : 1 : lowerIsBetter ? 1 - was[i] : was[i];
            unjudged += item.Failure == FailureKinds.Unjudged || other.Failure == FailureKinds.Unjudged ? 1 : 0;
        }

        var missing = byId.Count - (n - strangers);
        return strangers + missing > 0
            ? (null, [GateTexts.ItemsMismatch(missing, strangers)])
            : (new PairedItems(metric, [.. candidate.Items], was, now, baselineUnanswered, candidateUnanswered, unjudged), []);
    }

    /// <summary>Items that only one side has better, both have fully right, and the rest that are equal, over <paramref name="members"/>; the candidate first.</summary>
    public PairedTable Table(IEnumerable<int> members)
    {
        long both = 0, onlyCandidate = 0, onlyBaseline = 0, neither = 0;
        foreach (var i in members)
        {
            var gap = Candidate[i] - Baseline[i];
            onlyCandidate += gap > 0 ? 1 : 0;
            onlyBaseline += gap < 0 ? 1 : 0;
            both += gap == 0 && Candidate[i] == 1 ? 1 : 0;
            neither += gap == 0 && Candidate[i] != 1 ? 1 : 0;
        }

        return new PairedTable(both, onlyCandidate, onlyBaseline, neither);
    }

    internal static MetricSpec? Find(Scorecard scorecard, string metric) => scorecard.Metrics.FirstOrDefault(m => m.Name == metric);

    internal static bool IsUnanswered(MetricSpec metric, ItemOutcome item) =>
        item.Failure is not null && !(metric.Kind == MetricKind.ParseRate && item.Failure == FailureKinds.Unparsed);

    /// <summary>Reads the score of one item; a reason when there is none, or it is not a number from 0 to 1 (0 or 1 for a metric that says so).</summary>
    internal static GateReason? Scored(MetricSpec metric, ItemOutcome item, Scorecard scorecard, out double score)
    {
        if (!item.Scores.TryGetValue(metric.Name, out score))
        {
            return GateTexts.ScoreMissing(metric.Name, item.Id, scorecard);
        }

        return (metric.IsBinary ? score is 0 or 1 : score is >= 0 and <= 1) ? null : GateTexts.ScoreInvalid(metric.Name, item.Id, score, scorecard, !metric.IsBinary);
    }
}
