namespace Lauter.Console;

/// <summary>Requests of the last 24 hours.</summary>
public sealed record RequestSection
{
    /// <summary>Requests of any outcome.</summary>
    public required long Total { get; init; }

    /// <summary>Requests that got an answer.</summary>
    public required long Answered { get; init; }

    /// <summary>Requests refused or failed.</summary>
    public required long Failed { get; init; }

    /// <summary>Median time to the last byte; null without answered requests.</summary>
    public TimeSpan? P50 { get; init; }

    /// <summary>95th percentile; null without answered requests.</summary>
    public TimeSpan? P95 { get; init; }

    /// <summary>The last 24 hours, oldest first.</summary>
    public IReadOnlyList<HourView> Hours { get; init; } = [];

    /// <summary>Good ratings, bad ratings and corrections received in the same time.</summary>
    public FeedbackView Feedback { get; init; } = new(0, 0, 0);

    /// <summary>The newest requests, newest first; at most 20 are shown.</summary>
    public IReadOnlyList<TraceView> Recent { get; init; } = [];
}

/// <summary>Requests of one hour.</summary>
/// <param name="Start">Start of the hour.</param>
/// <param name="Answered">Answered requests.</param>
/// <param name="Failed">Refused or failed requests.</param>
public sealed record HourView(DateTimeOffset Start, long Answered, long Failed);

/// <summary>Feedback received.</summary>
/// <param name="Good">Good ratings.</param>
/// <param name="Bad">Bad ratings.</param>
/// <param name="Corrections">Corrections: labels for the next iteration.</param>
public sealed record FeedbackView(long Good, long Bad, long Corrections);

/// <summary>One request.</summary>
/// <param name="Id">Trace id.</param>
/// <param name="Application">Application asked.</param>
/// <param name="Release">Release that answered; null when none did.</param>
/// <param name="Started">When it came in.</param>
/// <param name="Elapsed">Time to the last byte.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Outcome">Stable code of the outcome.</param>
/// <param name="PromptTokens">Prompt tokens; null when unknown.</param>
/// <param name="CompletionTokens">Completion tokens; null when unknown.</param>
/// <param name="Cost">Cost in the currency of <see cref="Currency"/>; null when unknown.</param>
/// <param name="Currency">Three-letter code; null without a cost.</param>
public sealed record TraceView(
    string Id, string Application, string? Release, DateTimeOffset Started, TimeSpan Elapsed, int Status, string Outcome,
    long? PromptTokens, long? CompletionTokens, decimal? Cost, string? Currency);

/// <summary>What the project cost so far.</summary>
public sealed record BillSection
{
    /// <summary>Three-letter code of all amounts here.</summary>
    public required string Currency { get; init; }

    /// <summary>Phases in the order of the flow: <c>data</c>, <c>vectorising</c>, <c>training</c>, <c>evaluation</c>, <c>serving</c>, <c>idle</c>, or others.</summary>
    public required IReadOnlyList<PhaseCostView> Phases { get; init; }

    /// <summary>Sum of the known amounts.</summary>
    public required decimal Total { get; init; }

    /// <summary>False when something has no known price: the total is then a lower bound.</summary>
    public required bool Complete { get; init; }

    /// <summary>Answers nobody corrected or rated bad.</summary>
    public required long AcceptedAnswers { get; init; }

    /// <summary>Serving cost of one accepted answer; null without accepted answers.</summary>
    public decimal? ServingPerAcceptedAnswer { get; init; }

    /// <summary>Whole cost of one accepted answer; null without accepted answers.</summary>
    public decimal? WholePerAcceptedAnswer { get; init; }

    /// <summary>What is unknown, one line each.</summary>
    public IReadOnlyList<string> Unknowns { get; init; } = [];

    /// <summary>Prices that nobody confirmed, one line each.</summary>
    public IReadOnlyList<string> Assumptions { get; init; } = [];

    /// <summary>Budgets of applications in the current window.</summary>
    public IReadOnlyList<BudgetView> Budgets { get; init; } = [];
}

/// <summary>Cost of one phase.</summary>
/// <param name="Phase">Stable code.</param>
/// <param name="CoreSeconds">Core-seconds of the local machine.</param>
/// <param name="Amount">Known cost; null when nothing of it is known.</param>
/// <param name="Complete">False when part of it has no known price.</param>
public sealed record PhaseCostView(string Phase, double CoreSeconds, decimal? Amount, bool Complete);

/// <summary>A budget.</summary>
/// <param name="Application">Whose.</param>
/// <param name="Spent">Spent in the window, leases included.</param>
/// <param name="Limit">Limit of the window.</param>
/// <param name="Window">Stable code: <c>day</c>, <c>month</c> …</param>
public sealed record BudgetView(string Application, decimal Spent, decimal Limit, string Window);
