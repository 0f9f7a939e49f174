using System.Text.Json.Serialization;

namespace Lauter.Evaluation.Judges;

/// <summary>What became of one item under a judge. Only <see cref="Judged"/> says anything about the answer.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JudgeOutcome>))]
public enum JudgeOutcome
{
    /// <summary>The reply was of the form asked for.</summary>
    [JsonStringEnumMemberName("judged")]
    Judged,

    /// <summary>The judge answered, and its reply could not be read: neither a pass nor a fail.</summary>
    [JsonStringEnumMemberName("unparsed")]
    Unparsed,

    /// <summary>The judge refused to judge.</summary>
    [JsonStringEnumMemberName("refused")]
    Refused,

    /// <summary>The judge could not be reached in time, or failed.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>There was nothing to judge: the candidate gave no answer.</summary>
    [JsonStringEnumMemberName("unanswered")]
    Unanswered,

    /// <summary>The budget was over before this item's turn.</summary>
    [JsonStringEnumMemberName("not_reached")]
    NotReached,
}

/// <summary>One answer (or pair of answers) to be judged.</summary>
/// <param name="Id">Unique among the items.</param>
/// <param name="Question">What was asked.</param>
/// <param name="Answer">The answer; null when the candidate gave none. Of a pair: the first.</param>
public sealed record JudgeItem(string Id, string Question, string? Answer)
{
    /// <summary>Of a pair: the second answer.</summary>
    public string? Other { get; init; }

    /// <summary>The right answer, where there is one.</summary>
    public string? Reference { get; init; }

    /// <summary>What people say of this answer: passes or not.</summary>
    public bool? Human { get; init; }

    /// <summary>Of a pair: what people say, of the answers in their given order.</summary>
    public PairWinner? HumanWinner { get; init; }

    /// <summary>Items of one cluster are no independent evidence; default the id.</summary>
    public string? Cluster { get; init; }

    /// <summary><c>en</c>, <c>zh</c> or <c>und</c>.</summary>
    public string Language { get; init; } = "und";
}

/// <summary>The verdict on one item, with its evidence.</summary>
public sealed record JudgeVerdict
{
    /// <summary>The item.</summary>
    public required JudgeItem Item { get; init; }

    /// <summary>What became of it.</summary>
    public required JudgeOutcome Outcome { get; init; }

    /// <summary>
    /// 0 to 1: (score - 1)/4, share of criteria met, 1 or 0 for correct or not; of a pair 1 for the first, 0.5 for a tie or a verdict that changed with
    /// the order, 0 for the second. Null unless judged.
    /// </summary>
    public double? Score { get; init; }

    /// <summary>Whether the answer passes; null unless judged, and for pairs.</summary>
    public bool? Passed { get; init; }

    /// <summary>The criteria of a rubric, met or not.</summary>
    public IReadOnlyList<bool>? Criteria { get; init; }

    /// <summary>Of a pair: the winner with the first answer shown as A.</summary>
    public PairWinner? Shown { get; init; }

    /// <summary>Of a pair: the winner with the second answer shown as A, in the order shown.</summary>
    public PairWinner? Swapped { get; init; }

    /// <summary>What the judge wrote, one text for each request.</summary>
    public IReadOnlyList<string> Replies { get; init; } = [];

    /// <summary>Why there is no verdict, in words; null when there is one.</summary>
    public string? Detail { get; init; }
}

/// <summary>How a judging ended.</summary>
/// <param name="Verdicts">One for each item, in their order.</param>
/// <param name="Asked">Requests whose reply is new.</param>
/// <param name="Cached">Replies taken from the journal.</param>
/// <param name="Spent">Cost of the new replies; null when prices are unknown.</param>
/// <param name="BudgetReached">True when items were not reached.</param>
public sealed record JudgeRunResult(IReadOnlyList<JudgeVerdict> Verdicts, int Asked, int Cached, double? Spent, bool BudgetReached)
{
    /// <summary>Items that nothing is known about: unread, refused, failed or not reached.</summary>
    public int Unjudged => Verdicts.Count(v => v.Outcome is not (JudgeOutcome.Judged or JudgeOutcome.Unanswered));
}
