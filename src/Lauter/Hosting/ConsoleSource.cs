using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Commands;
using Lauter.Console;
using Lauter.Evaluation.Runs;
using Lauter.Ledger;
using Lauter.Releases.Gates;
using Lauter.Steps;
using Lauter.Traces;

namespace Lauter.Hosting;

/// <summary>Reads what the console shows from the state of a project: the newest record of each step, the releases, the traces, the ledger.</summary>
internal sealed class ConsoleSource(Workspace workspace, TimeProvider time) : IConsoleSource
{
    private readonly FlowSections _sections = new(workspace, step => workspace.Records.Last(step) is { } record && workspace.Objects.Contains(record.Manifest)
        ? (record, Manifest.Read(workspace.Objects, record.Manifest))
        : null);

    private (DateTimeOffset At, IReadOnlyList<IterationView> Turns)? _iterations;

    private static readonly TimeSpan IterationsInterval = TimeSpan.FromSeconds(60);
    private const int RecentRequests = 20;
    private const int RequestsForPercentiles = 10_000;

    public ValueTask<ConsoleSnapshot> GetAsync(string project, CancellationToken cancellationToken)
    {
        var application = workspace.Project.Applications.Values.FirstOrDefault(a => a.Model is not null) ?? workspace.Project.Applications.Values.FirstOrDefault();
        return ValueTask.FromResult(new ConsoleSnapshot
        {
            Project = workspace.Project.Name,
            At = time.GetUtcNow(),
            Activities = ActivityFile.Read(workspace.State, time),
            Data = _sections.Data(),
            Index = _sections.Indexes(),
            Training = _sections.Training(),
            Scorecard = application is null ? null : _sections.Scorecards(application.Name),
            Gate = application is null ? null : _sections.Gate(application.Name),
            Releases = application is null ? null : Releases(application.Name),
            Rollout = application is null ? null : ReleaseSections.Rollout(workspace, application.Name, time),
            Iterations = application is null ? [] : Iterations(application.Name),
            Requests = Requests(),
            Bill = Bill(),
        });
    }

    /// <summary>Reads every trace of every release, so it is read again only now and then.</summary>
    private IReadOnlyList<IterationView> Iterations(string application)
    {
        var now = time.GetUtcNow();
        if (_iterations is not { } kept || now - kept.At > IterationsInterval)
        {
            _iterations = kept = (now, ReleaseSections.Iterations(workspace, application));
        }

        return kept.Turns;
    }

    private ReleaseSection? Releases(string application)
    {
        var releases = workspace.Releases.List(application);
        if (releases.Count == 0)
        {
            return null;
        }

        var live = workspace.Releases.Live(application);
        return new ReleaseSection
        {
            Application = application,
            Live = live?.ReleaseId,
            History = [.. releases.Reverse().Select(r => new ReleaseView(r.Id, r.CandidateName, r.Created, Withdrawn(application, r.Id), r.Manifest))],
            Evidence = live is null ? [] : _sections.Evidence(live.Manifest),
        };
    }

    /// <summary>Who went back from a release and why, or whose approval it waits for; null for the usual course.</summary>
    private string? Withdrawn(string application, string release)
    {
        if (workspace.Releases.Find(release) is { } waiting && workspace.Releases.MissingApprovals(waiting) is { Count: > 0 } missing)
        {
            return $"waits for {string.Join(", ", missing)}";
        }

        if (!workspace.Releases.IsWithdrawn(application, release))
        {
            return null;
        }

        var back = workspace.Releases.History(application).Last(e => e.Action == "release.rolled_back");
        return $"{back.By} → {back.ReleaseId}: {back.Why}";
    }

    private RequestSection? Requests()
    {
        var path = workspace.StatePath("traces.db");
        if (!File.Exists(path))
        {
            return null;
        }

        using var traces = new TraceStore(path);
        var since = time.GetUtcNow().AddHours(-24);
        var day = traces.Recent(RequestsForPercentiles).Where(t => t.Started >= since).ToList();
        var answered = day.Where(t => t.Outcome == TraceOutcome.Answered).Select(t => t.Duration).Order().ToList();
        var use = traces.Use(since);
        return new RequestSection
        {
            Total = day.Count,
            Answered = answered.Count,
            Failed = day.Count - answered.Count,
            P50 = At(answered, 0.50),
            P95 = At(answered, 0.95),
            Hours =
            [
                .. from hour in day.GroupBy(t => new DateTimeOffset(t.Started.UtcDateTime.Date.AddHours(t.Started.UtcDateTime.Hour), TimeSpan.Zero))
                   orderby hour.Key
                   select new HourView(hour.Key, hour.Count(t => t.Outcome == TraceOutcome.Answered), hour.Count(t => t.Outcome != TraceOutcome.Answered)),
            ],
            Feedback = new FeedbackView(0, use.Sum(u => u.RatedBad), use.Sum(u => u.Corrected)),
            Recent =
            [
                .. from t in day.Take(RecentRequests)
                   select RequestViews.Row(t),
            ],
        };
    }

    /// <summary>What the project cost so far.</summary>
    public BillSection Bill()
    {
        var bill = CostCommand.Of(workspace);
        var currency = bill.Total.Count > 0 ? bill.Total[0].Currency : ProjectPrices.Of(workspace.Project).Machine.CoreHour.Currency;
        return new BillSection
        {
            Currency = currency,
            Phases =
            [
                .. from phase in bill.Phases
                   select new PhaseCostView(phase.Phase.ToString().ToLowerInvariant(), (double)phase.CoreSeconds, phase.Quantities.Count == 0 ? 0 : In(phase.Amounts, currency), phase.Complete),
            ],
            Total = In(bill.Total, currency) ?? 0,
            Complete = bill.Complete && bill.Total.All(t => t.Currency == currency),
            AcceptedAnswers = bill.Applications.Sum(a => a.Accepted),
            ServingPerAcceptedAnswer = PerAnswer(bill, currency),
            WholePerAcceptedAnswer = In(bill.WholeCostPerAcceptedAnswer, currency),
            Unknowns = [.. bill.Unknowns.Select(u => u.ToString())],
            Assumptions = bill.Assumptions,
        };
    }

    private static decimal? PerAnswer(Bill bill, string currency)
    {
        var accepted = bill.Applications.Sum(a => a.Accepted);
        var serving = bill.Applications.Select(a => In(a.Serving, currency)).Where(a => a is not null).Sum();
        return accepted == 0 ? null : serving / accepted;
    }

    private static decimal? In(IReadOnlyList<Money> amounts, string currency) =>
        amounts.Any(a => a.Currency == currency) ? amounts.First(a => a.Currency == currency).Units : null;

    private static TimeSpan? At(List<TimeSpan> sorted, double share) =>
        sorted.Count == 0 ? null : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];
}
