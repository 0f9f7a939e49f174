namespace Lauter.Console;

/// <summary>
/// Everything the console shows of one project at one moment, in the order in which data flows. A section that is null has no numbers
/// yet: the page says so and which step brings them.
/// </summary>
public sealed record ConsoleSnapshot
{
    /// <summary>Name of the project.</summary>
    public required string Project { get; init; }

    /// <summary>When the numbers were read.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What runs now; the page refreshes by itself while this is not empty.</summary>
    public IReadOnlyList<ActivityView> Activities { get; init; } = [];

    /// <summary>Datasets: rows in, kept, dropped and why.</summary>
    public DataSection? Data { get; init; }

    /// <summary>Indexes of passages.</summary>
    public IndexSection? Index { get; init; }

    /// <summary>The newest training.</summary>
    public TrainingSection? Training { get; init; }

    /// <summary>Candidate and baselines on the frozen suite.</summary>
    public ScorecardSection? Scorecard { get; init; }

    /// <summary>The newest gate decision.</summary>
    public GateSection? Gate { get; init; }

    /// <summary>What serves, what served before, and on which evidence.</summary>
    public ReleaseSection? Releases { get; init; }

    /// <summary>The newest way of a release to become live, step by step.</summary>
    public RolloutSection? Rollout { get; init; }

    /// <summary>Turns of the flywheel, oldest first.</summary>
    public IReadOnlyList<IterationView> Iterations { get; init; } = [];

    /// <summary>Requests of the last 24 hours.</summary>
    public RequestSection? Requests { get; init; }

    /// <summary>What it cost.</summary>
    public BillSection? Bill { get; init; }
}

/// <summary>Where the console's numbers come from; implemented by the program.</summary>
public interface IConsoleSource
{
    /// <summary>The newest numbers of a project. Called about every two seconds by each open page while something runs: keep it cheap.</summary>
    ValueTask<ConsoleSnapshot> GetAsync(string project, CancellationToken cancellationToken);
}

/// <summary>The parts of the flow, in its order; also the anchors of the page.</summary>
public enum FlowPart
{
    /// <summary>Documents to datasets.</summary>
    Data,

    /// <summary>Datasets to indexes.</summary>
    Index,

    /// <summary>Datasets to models.</summary>
    Training,

    /// <summary>Candidates to scorecards.</summary>
    Scorecard,

    /// <summary>Scorecards to a decision.</summary>
    Gate,

    /// <summary>Decisions to releases.</summary>
    Releases,

    /// <summary>Requests to answers.</summary>
    Requests,

    /// <summary>Everything to money.</summary>
    Bill,
}

/// <summary>A step that runs now.</summary>
/// <param name="Step">Name of the step as <c>lauter plan</c> shows it.</param>
/// <param name="Part">Which part of the page it fills.</param>
/// <param name="Fraction">0 to 1; null when unknown.</param>
/// <param name="Left">Time left; null when unknown.</param>
/// <param name="Detail">One line in English from the step; null when it says nothing.</param>
public sealed record ActivityView(string Step, FlowPart Part, double? Fraction = null, TimeSpan? Left = null, string? Detail = null);

/// <summary>A label with a number.</summary>
/// <param name="Name">A stable code (reason, language, split) or a name.</param>
/// <param name="Count">How many.</param>
public sealed record CountView(string Name, long Count);
