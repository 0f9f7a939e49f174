using System.Globalization;

namespace Lauter.Releases.Rollout;

/// <summary>The numbers of a rollout as they stand in its reasons.</summary>
internal static class RolloutWords
{
    public static string Counts(RolloutEvidence evidence) => string.Join("; ", evidence.Signals.Select(s => string.Create(
        CultureInfo.InvariantCulture, $"{(s.Signal == RolloutSignal.Failures ? "failures" : "bad feedback")} {s.CandidateBad} of {s.Candidate} ({s.Release ?? "candidate"}), {s.LiveBad} of {s.Live} (live)")));

    public static string Of(ShadowEvidence shadow) => string.Create(
        CultureInfo.InvariantCulture,
        $"{shadow.Candidate} alone failed {shadow.OnlyCandidateFailed} of {shadow.Mirrored}, the live release alone {shadow.OnlyLiveFailed}, and they agreed on {shadow.Agreed} of {shadow.Compared}");

    public static string Number(double value) => value >= 1e6 ? "above 1,000,000" : value.ToString("0.##", CultureInfo.InvariantCulture);

    public static string Points(double share) => (share * 100).ToString("0.##", CultureInfo.InvariantCulture) + " points";
}
