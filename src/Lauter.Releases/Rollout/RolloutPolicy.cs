using System.Text.Json.Serialization;

namespace Lauter.Releases.Rollout;

/// <summary>What counts as a bad answer of a rollout.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RolloutSignal>))]
public enum RolloutSignal
{
    /// <summary>The request failed, or its answer did not fit the output schema. Known at once, for every request.</summary>
    [JsonStringEnumMemberName("failures")]
    Failures,

    /// <summary>Somebody rated the answer bad or corrected it; a good rating is the opposite. Known only for answers with feedback.</summary>
    [JsonStringEnumMemberName("feedback")]
    Feedback,
}

/// <summary>The stable codes of <see cref="RolloutSignal"/>, as the project file and the console know them.</summary>
public static class RolloutSignals
{
    /// <summary><c>failures</c> or <c>feedback</c>.</summary>
    public static string Code(this RolloutSignal signal) => signal == RolloutSignal.Failures ? "failures" : "feedback";
}

/// <summary>What happens when the time is over and the evidence is not enough for a promotion.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RolloutEnd>))]
public enum RolloutEnd
{
    /// <summary>The rollout stays at its share until a person decides.</summary>
    [JsonStringEnumMemberName("hold")]
    Hold,

    /// <summary>All requests go back to the live release.</summary>
    [JsonStringEnumMemberName("abort")]
    Abort,
}

/// <summary>How a release that passed its gate takes over from the live one, step by step.</summary>
public sealed record RolloutPolicy
{
    /// <summary>
    /// Requests that are mirrored to the candidate before it answers anybody, 0 to 1,000,000: judged, paid, never answered. Default 0: no such phase.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Shadow { get; init; }

    /// <summary>Share of the requests that the candidate answers in each step, rising, each above 0 and below 1. Default 0.05, 0.25, 0.5.</summary>
    public IReadOnlyList<double> Shares { get; init; } = [0.05, 0.25, 0.5];

    /// <summary>Answers of the candidate that each step must see before the next one begins, 1 to 1,000,000. Default 50.</summary>
    public int Requests { get; init; } = 50;

    /// <summary>Shortest time of a step. Default none.</summary>
    public TimeSpan StepTime { get; init; }

    /// <summary>Longest time from the start to the decision. Default 7 days.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How much more often than the live release the candidate may be bad, as a share, 0.001 to 0.5. Default 0.02.</summary>
    public double Margin { get; init; } = 0.02;

    /// <summary>Risk of a false alarm, and separately of a false promotion, 0.0001 to 0.5. Default 0.05.</summary>
    public double Alpha { get; init; } = 0.05;

    /// <summary>What counts as bad. Default failures.</summary>
    public IReadOnlyList<RolloutSignal> Signals { get; init; } = [RolloutSignal.Failures];

    /// <summary>What happens at <see cref="Limit"/>. Default hold.</summary>
    public RolloutEnd AtLimit { get; init; } = RolloutEnd.Hold;

    /// <summary>
    /// Evidence of harm that takes a candidate out: phases × candidates / alpha, so that the best of all arms is taken out with a probability of at most
    /// <see cref="Alpha"/>, in shadow and canary together.
    /// </summary>
    public double HarmLimit(int candidates) => (Shadow > 0 ? 2 : 1) * candidates / Alpha;

    /// <summary>
    /// Evidence of safety that promotes one: candidates / alpha, so that one that is worse by the margin than the live release is promoted with a probability of
    /// at most <see cref="Alpha"/>.
    /// </summary>
    public double SafetyLimit(int candidates) => candidates / Alpha;

    /// <summary>Throws when a member is out of its range.</summary>
    /// <exception cref="ArgumentException">Names the member and its value.</exception>
    public void Check()
    {
        if (Shares.Count == 0 || Shares.Any(s => !(s > 0 && s < 1)) || Shares.Zip(Shares.Skip(1)).Any(p => p.First >= p.Second))
        {
            throw new ArgumentException($"The shares of a rollout must rise and lie between 0 and 1, but are [{string.Join(", ", Shares)}].");
        }

        if (Requests is < 1 or > 1_000_000)
        {
            throw new ArgumentException($"'requests' must be 1 to 1,000,000, but is {Requests}.");
        }

        if (Shadow is < 0 or > 1_000_000)
        {
            throw new ArgumentException($"'shadow' must be 0 to 1,000,000, but is {Shadow}.");
        }

        if (!(Margin is >= 0.001 and <= 0.5))
        {
            throw new ArgumentException($"'margin' must be 0.001 to 0.5, but is {Margin}.");
        }

        if (!(Alpha is >= 0.0001 and <= 0.5))
        {
            throw new ArgumentException($"'alpha' must be 0.0001 to 0.5, but is {Alpha}.");
        }

        if (Signals.Count == 0 || StepTime < TimeSpan.Zero || Limit <= TimeSpan.Zero)
        {
            throw new ArgumentException("A rollout needs at least one signal, a step time of at least 0 and a limit above 0.");
        }
    }
}
