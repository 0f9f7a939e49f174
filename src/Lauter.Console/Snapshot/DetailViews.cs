namespace Lauter.Console;

/// <summary>What the pages behind the flow ask for; every question stands in the page's address.</summary>
public interface IConsoleDetails
{
    /// <summary>Requests, newest first.</summary>
    RequestList Requests(RequestQuery query);

    /// <summary>One request in full; null when there is none of that id.</summary>
    RequestDetail? Request(string id);

    /// <summary>The items on which two scorecards of an application differ; null when there are not two.</summary>
    ScoreDiff? Differences(ScoreQuery query);

    /// <summary>The suites of the project, one for each application that is tested.</summary>
    IReadOnlyList<SuiteView> Suites();

    /// <summary>Costs split by one dimension, and the entries behind them.</summary>
    CostSplit Costs(CostQuery query);
}

/// <summary>Which requests.</summary>
/// <param name="Text">Words that request or answer must hold; null = any.</param>
/// <param name="Application">Of this application; null = any.</param>
/// <param name="Outcome">With this outcome, a stable code; null = any.</param>
/// <param name="Release">Answered by this release; null = any.</param>
/// <param name="Before">That began earlier; null = the newest.</param>
public sealed record RequestQuery(string? Text, string? Application, string? Outcome, string? Release, DateTimeOffset? Before);

/// <summary>A page of requests.</summary>
/// <param name="Rows">Newest first.</param>
/// <param name="Applications">Names to choose from.</param>
/// <param name="Outcomes">Stable codes to choose from.</param>
/// <param name="Next">Where the next page begins; null at the end.</param>
public sealed record RequestList(IReadOnlyList<TraceView> Rows, IReadOnlyList<string> Applications, IReadOnlyList<string> Outcomes, DateTimeOffset? Next);

/// <summary>One request in full.</summary>
/// <param name="Trace">Its row.</param>
/// <param name="Tenant">Whose it is.</param>
/// <param name="Key">Id of the key.</param>
/// <param name="FinishReason"><c>stop</c>, <c>length</c> …, or null.</param>
/// <param name="ErrorCode">The error that the caller got, or null.</param>
/// <param name="Stream">True for a streamed answer.</param>
/// <param name="TimeToFirst">Until the first byte; null when none was.</param>
/// <param name="Request">The caller's request; null when texts are not kept.</param>
/// <param name="Response">The answer; null when texts are not kept.</param>
/// <param name="Truncated">True when one of them was cut.</param>
/// <param name="Charges">What was used.</param>
/// <param name="Feedback">What was said about it, oldest first.</param>
public sealed record RequestDetail(
    TraceView Trace, string Tenant, string Key, string? FinishReason, string? ErrorCode, bool Stream, TimeSpan? TimeToFirst, string? Request, string? Response, bool Truncated,
    IReadOnlyList<ChargeView> Charges, IReadOnlyList<FeedbackLine> Feedback);

/// <summary>One charge.</summary>
/// <param name="Meter">Stable code of the meter.</param>
/// <param name="Quantity">In the meter's unit.</param>
/// <param name="Source">Where the quantity comes from, a stable code.</param>
/// <param name="Sku">The product.</param>
/// <param name="Amount">What it cost; null when unknown.</param>
/// <param name="Currency">Three letters; null without an amount.</param>
/// <param name="PriceSource">Where the price comes from; null when unknown.</param>
public sealed record ChargeView(string Meter, long Quantity, string Source, string Sku, decimal? Amount, string? Currency, string? PriceSource);

/// <summary>One feedback.</summary>
/// <param name="At">When.</param>
/// <param name="Rating">-1, 0, 1 or null.</param>
/// <param name="Comment">Free text, or null.</param>
/// <param name="Correction">The right answer as JSON, or null.</param>
public sealed record FeedbackLine(DateTimeOffset At, int? Rating, string? Comment, string? Correction);

/// <summary>Which two scorecards.</summary>
/// <param name="Application">The application; null = the first with scorecards.</param>
/// <param name="Before">The first candidate; null = what is compared with by the gate.</param>
/// <param name="After">The second candidate; null = the candidate.</param>
/// <param name="Language">Items of this language; null = all.</param>
/// <param name="Won">True = only those the second has right, false = only those the first has right, null = both.</param>
public sealed record ScoreQuery(string? Application, string? Before, string? After, string? Language, bool? Won);

/// <summary>The items on which two scorecards differ.</summary>
/// <param name="Application">The application.</param>
/// <param name="Applications">Applications to choose from.</param>
/// <param name="Candidates">Candidates to choose from.</param>
/// <param name="Before">The first one.</param>
/// <param name="After">The second one.</param>
/// <param name="Metric">What is compared.</param>
/// <param name="Items">Items that both answered.</param>
/// <param name="Won">Items that only the second has right.</param>
/// <param name="Lost">Items that only the first has right.</param>
/// <param name="Groups">By what was said, largest first, lost ones before won ones.</param>
public sealed record ScoreDiff(
    string Application, IReadOnlyList<string> Applications, IReadOnlyList<string> Candidates, string Before, string After, string Metric, long Items, long Won, long Lost,
    IReadOnlyList<ScoreDiffGroup> Groups);

/// <summary>Items that flipped in the same way.</summary>
/// <param name="Name">For example <c>intent: refund → repair</c>; empty for items that flipped each in its own way.</param>
/// <param name="Won">True when the second candidate has them right.</param>
/// <param name="Items">The items; at most 50 of a group.</param>
/// <param name="Count">How many the group has.</param>
public sealed record ScoreDiffGroup(string Name, bool Won, IReadOnlyList<ScoreDiffItem> Items, long Count);

/// <summary>One flipped item.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Language">Its language.</param>
/// <param name="Input">What was asked; null when the suite is not in the store.</param>
/// <param name="Reference">The right answer.</param>
/// <param name="Before">What the first candidate said.</param>
/// <param name="After">What the second candidate said.</param>
public sealed record ScoreDiffItem(string Id, string Language, string? Input, string Reference, string Before, string After);

/// <summary>Which costs.</summary>
/// <param name="By">How the total is split, a stable code of <see cref="CostSplit.Dimensions"/>.</param>
/// <param name="Values">Values that other dimensions must have, by stable code.</param>
public sealed record CostQuery(string By, IReadOnlyDictionary<string, string> Values);

/// <summary>Costs split by one dimension.</summary>
public sealed record CostSplit
{
    /// <summary>Stable codes of the dimensions a total can be split by.</summary>
    public static IReadOnlyList<string> Dimensions { get; } = ["phase", "application", "release", "sku", "meter", "tenant", "key", "user", "day", "month"];

    /// <summary>How it is split.</summary>
    public required string By { get; init; }

    /// <summary>What is fixed.</summary>
    public required IReadOnlyDictionary<string, string> Values { get; init; }

    /// <summary>The parts, largest first.</summary>
    public required IReadOnlyList<CostPart> Parts { get; init; }

    /// <summary>The newest entries behind the total, at most 50.</summary>
    public required IReadOnlyList<CostEntry> Entries { get; init; }
}

/// <summary>One part of a total.</summary>
/// <param name="Value">The dimension's value; empty for use without one.</param>
/// <param name="Amount">Known cost in the project's currency; null when nothing of it is known in that currency.</param>
/// <param name="Currency">Three letters.</param>
/// <param name="Entries">Entries in it.</param>
/// <param name="Unpriced">Charges without a known price: the amount is then a lower bound.</param>
public sealed record CostPart(string Value, decimal? Amount, string Currency, long Entries, long Unpriced);

/// <summary>One entry of the ledger.</summary>
/// <param name="At">When it is booked.</param>
/// <param name="Phase">Stable code.</param>
/// <param name="Application">The application, or null.</param>
/// <param name="Description">One line.</param>
/// <param name="Trace">Id of the request behind it, or null.</param>
/// <param name="Amount">What it cost; null when unknown.</param>
/// <param name="Currency">Three letters; null without an amount.</param>
public sealed record CostEntry(DateTimeOffset At, string Phase, string? Application, string? Description, string? Trace, decimal? Amount, string? Currency);
