using System.Text.Json.Serialization;

namespace Lauter.Releases.Rollout;

/// <summary>One request that the live release answered and a candidate answered silently.</summary>
/// <param name="Candidate">Which candidate.</param>
/// <param name="LiveFailed">The caller's answer failed.</param>
/// <param name="CandidateFailed">The silent one failed.</param>
/// <param name="Agrees">Both answers say the same; null when one of them failed.</param>
/// <param name="LiveMilliseconds">How long the caller's answer took.</param>
/// <param name="CandidateMilliseconds">How long the silent one took.</param>
/// <param name="CostUnits">What the silent one cost, in units of the currency; null when unknown.</param>
/// <param name="Currency">Of that cost.</param>
public sealed record ShadowPair(
    string Candidate, bool LiveFailed, bool CandidateFailed, bool? Agrees, double LiveMilliseconds, double CandidateMilliseconds, decimal? CostUnits, string? Currency);

/// <summary>What mirroring has shown of one candidate. Stored with the rollout: never rename.</summary>
public sealed record ShadowEvidence
{
    /// <summary>Which candidate.</summary>
    public required string Candidate { get; init; }

    /// <summary>Requests that both have answered or failed.</summary>
    public required long Mirrored { get; init; }

    /// <summary>The candidate alone failed.</summary>
    public required long OnlyCandidateFailed { get; init; }

    /// <summary>The live release alone failed.</summary>
    public required long OnlyLiveFailed { get; init; }

    /// <summary>Both failed.</summary>
    public required long BothFailed { get; init; }

    /// <summary>Both answered, and said the same.</summary>
    public required long Agreed { get; init; }

    /// <summary>Both answered.</summary>
    public required long Compared { get; init; }

    /// <summary>Median time of the live release's answers, milliseconds; null without any.</summary>
    public double? LiveP50Milliseconds { get; init; }

    /// <summary>Time within which 95 of 100 of the live release's answers came.</summary>
    public double? LiveP95Milliseconds { get; init; }

    /// <summary>Median time of the candidate's answers.</summary>
    public double? CandidateP50Milliseconds { get; init; }

    /// <summary>Time within which 95 of 100 of the candidate's answers came.</summary>
    public double? CandidateP95Milliseconds { get; init; }

    /// <summary>What mirroring has cost so far, in units of <see cref="Currency"/>; null when a part of it is unknown.</summary>
    public decimal? Cost { get; init; }

    /// <summary>Of that cost.</summary>
    public string? Currency { get; init; }

    /// <summary>
    /// Evidence that the candidate fails more often than the live release on the same requests: 1 = none. It may be looked at after every request.
    /// </summary>
    public required double Harm { get; init; }

    /// <summary>Share of the compared answers that said the same; null without any.</summary>
    [JsonIgnore]
    public double? Agreement => Compared == 0 ? null : (double)Agreed / Compared;

    /// <summary>Sums up what was mirrored to <paramref name="candidate"/>.</summary>
    public static ShadowEvidence Of(string candidate, IEnumerable<ShadowPair> pairs)
    {
        var own = pairs.Where(p => p.Candidate == candidate).ToList();
        long onlyCandidate = own.Count(p => p.CandidateFailed && !p.LiveFailed), onlyLive = own.Count(p => p.LiveFailed && !p.CandidateFailed);
        var live = own.Where(p => !p.LiveFailed).Select(p => p.LiveMilliseconds).Order().ToList();
        var silent = own.Where(p => !p.CandidateFailed).Select(p => p.CandidateMilliseconds).Order().ToList();
        var currencies = own.Select(p => p.Currency).Distinct(StringComparer.Ordinal).ToList();
        return new ShadowEvidence
        {
            Candidate = candidate,
            Mirrored = own.Count,
            OnlyCandidateFailed = onlyCandidate,
            OnlyLiveFailed = onlyLive,
            BothFailed = own.Count(p => p.LiveFailed && p.CandidateFailed),
            Agreed = own.Count(p => p.Agrees == true),
            Compared = own.Count(p => p.Agrees is not null),
            LiveP50Milliseconds = At(live, 0.5),
            LiveP95Milliseconds = At(live, 0.95),
            CandidateP50Milliseconds = At(silent, 0.5),
            CandidateP95Milliseconds = At(silent, 0.95),
            Cost = own.Count > 0 && currencies is [not null] && own.All(p => p.CostUnits is not null) ? own.Sum(p => p.CostUnits) : null,
            Currency = currencies is [not null and var one] ? one : null,
            Harm = PairedHarm(onlyCandidate, onlyLive),
        };
    }

    /// <summary>
    /// An e-process on the discordant requests. Under "the candidate alone fails at most as often as the live release alone" the next discordant request is the
    /// candidate's with a probability of at most ½, so each bet q above ½ multiplies its capital by 2q or 2(1-q), whose expectation is at most 1; the mean of
    /// the bets is evidence again (Ville's inequality bounds it at every moment). The order of the requests does not change a product.
    /// </summary>
    internal static double PairedHarm(long onlyCandidate, long onlyLive)
    {
        double[] bets = [0.6, 0.75, 0.9, 0.98];
        return Math.Min(1e300, bets.Average(q => Math.Exp((onlyCandidate * Math.Log(2 * q)) + (onlyLive * Math.Log(2 * (1 - q))))));
    }

    private static double? At(List<double> sorted, double share) => sorted.Count == 0 ? null : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];
}
