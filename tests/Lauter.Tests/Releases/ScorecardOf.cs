using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;

namespace Lauter.Tests.Releases;

/// <summary>Scorecards of one metric, made by hand.</summary>
internal static class ScorecardOf
{
    public const string Metric = "exact_match(intent)";

    public static Scorecard Items(string name, IEnumerable<ItemOutcome> items, string suite = "suite-a", string? signature = null) => new()
    {
        SuiteName = "tickets/test",
        SuiteHash = suite,
        CandidateName = name,
        CandidateKind = "model",
        Metrics = [new MetricSpec(MetricKind.ExactMatch, "intent", signature)],
        Values = [],
        Items = [.. items],
    };

    public static ItemOutcome Item(int index, bool right, string language = "en", string? cluster = null, string? failure = null) => new()
    {
        Id = $"{index:00000}",
        Cluster = cluster ?? $"{index}",
        Language = language,
        Failure = failure,
        Scores = new Dictionary<string, double>(StringComparer.Ordinal) { [Metric] = right ? 1 : 0 },
    };

    /// <summary>Baseline and candidate with these counts: both right, only the candidate, only the baseline, both wrong.</summary>
    public static (Scorecard Baseline, Scorecard Candidate) Pair(int both, int onlyCandidate, int onlyBaseline, int neither)
    {
        var n = both + onlyCandidate + onlyBaseline + neither;
        bool Candidate(int i) => i < both + onlyCandidate;
        bool Baseline(int i) => i < both || (i >= both + onlyCandidate && i < both + onlyCandidate + onlyBaseline);
        return (Items("live", Enumerable.Range(0, n).Select(i => Item(i, Baseline(i)))), Items("new", Enumerable.Range(0, n).Select(i => Item(i, Candidate(i)))));
    }
}
