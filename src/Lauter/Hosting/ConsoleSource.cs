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
    private const int RecentRequests = 20;
    private const int RequestsForPercentiles = 10_000;

    public ValueTask<ConsoleSnapshot> GetAsync(string project, CancellationToken cancellationToken)
    {
        var application = workspace.Project.Applications.Values.FirstOrDefault(a => a.Model is not null) ?? workspace.Project.Applications.Values.FirstOrDefault();
        return ValueTask.FromResult(new ConsoleSnapshot
        {
            Project = workspace.Project.Name,
            At = time.GetUtcNow(),
            Data = Data(),
            Index = Indexes(),
            Training = Training(),
            Scorecard = application is null ? null : Scorecards(application.Name),
            Gate = application is null ? null : Gate(application.Name),
            Releases = application is null ? null : Releases(application.Name),
            Requests = Requests(),
            Bill = Bill(),
        });
    }

    private DataSection? Data()
    {
        List<DatasetView> views = [];
        foreach (var dataset in workspace.Project.Datasets.Values)
        {
            var documents = dataset.Kind == "documents";
            if (Last($"{(documents ? "clean" : "build")}:{dataset.Name}") is not { } built)
            {
                continue;
            }

            var raw = documents ? Last($"read:{dataset.Name}") : null;
            var facts = built.Manifest.Facts;
            views.Add(new DatasetView
            {
                Name = dataset.Name,
                Kind = dataset.Kind,
                Files = documents ? Number(raw?.Manifest.Facts["files"]) : built.Manifest.Sources.Count,
                Read = documents ? Number(raw?.Manifest.Facts["documents"]) + Number(raw?.Manifest.Facts["rejected"]) : Number(facts["in"]),
                Kept = Number(facts["rows"]),
                Dropped = [.. Counts(raw?.Manifest.Facts["reasons"]), .. Counts(facts["dropped"])],
                Languages = Counts(facts["languages"]),
                Splits = Counts(facts["splits"]),
                Masked = Counts(facts["redactions"]),
                Version = built.Record.Manifest,
            });
        }

        return views.Count == 0 ? null : new DataSection(views);
    }

    private IndexSection? Indexes()
    {
        List<IndexView> views =
        [
            .. from index in workspace.Project.Indexes.Values
               let last = Last($"index:{index.Name}")
               where last is not null
               let facts = last.Value.Manifest.Facts
               select new IndexView(
                   index.Name, Number(facts["documents"]), Number(facts["chunks"]), Counts(facts["languages"]), Number(facts["terms"]), facts["embedder"]?.ToString() ?? "",
                   (int)Number(facts["dimensions"]), TimeSpan.FromSeconds(last.Value.Record.WallSeconds)),
        ];
        return views.Count == 0 ? null : new IndexSection(views);
    }

    private TrainingSection? Training()
    {
        if (workspace.Project.Trainings.Values.FirstOrDefault() is not { } training || Last($"train:{training.Name}") is not { } trained)
        {
            return null;
        }

        var facts = trained.Manifest.Facts;
        var parity = Last($"parity:{training.Name}");
        return new TrainingSection
        {
            Name = training.Name,
            Base = facts["base"]?.ToString() ?? training.Base,
            Parameters = Number(facts["parameters"]),
            State = TrainingState.Done,
            Step = Number(facts["steps"]),
            Steps = Number(facts["steps"]),
            Elapsed = TimeSpan.FromSeconds(trained.Record.WallSeconds),
            CoreSeconds = trained.Record.CoreSeconds,
            PeakBytes = trained.Record.ChildPeakBytes == 0 ? null : trained.Record.ChildPeakBytes,
            Losses = Curve(trained.Manifest),
            ParityDifference = ManifestFacts.Number(parity?.Manifest.Facts["largestDifference"]),
            ParityPassed = parity is null ? null : true,
        };
    }

    private IReadOnlyList<LossPoint> Curve(Manifest model)
    {
        if (model.Objects.FirstOrDefault(o => o.Name == "curve.jsonl") is not { } curve || !workspace.Objects.Contains(curve.Sha256))
        {
            return [];
        }

        return
        [
            .. from line in Encoding.UTF8.GetString(workspace.Objects.ReadAllBytes(curve.Sha256)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
               let point = JsonNode.Parse(line)!
               where point["step"] is not null
               select new LossPoint(point["step"]!.GetValue<long>(), ManifestFacts.Number(point["loss"]), ManifestFacts.Number(point["validationLoss"])),
        ];
    }

    private ScorecardSection? Scorecards(string application)
    {
        var candidates = new (string Step, CandidateRole Role)[]
        {
            ("model", CandidateRole.Candidate), ("passages", CandidateRole.Candidate), ("live", CandidateRole.Live),
            ("nearest", CandidateRole.Baseline), ("nearest-vectors", CandidateRole.Baseline),
        };
        List<(CandidateRole Role, Scorecard Card, string Metric)> cards =
        [
            .. from candidate in candidates
               let last = Last($"evaluate:{application}/{candidate.Step}")
               where last is not null && workspace.Objects.Contains(last.Value.Manifest.Object("scorecard.json").Sha256)
               select (candidate.Role, EvaluationSteps.ReadCard(workspace.Objects, last.Value.Manifest), last.Value.Manifest.Facts["metric"]!.ToString()),
        ];
        if (cards.Count == 0)
        {
            return null;
        }

        // A live release that was scored on an older suite does not compare.
        var suite = cards[0].Card.SuiteHash;
        return new ScorecardSection
        {
            Suite = cards[0].Card.SuiteName,
            Items = cards[0].Card.Items.Count,
            Metric = cards[0].Metric,
            Candidates =
            [
                .. from entry in cards
                   where entry.Card.SuiteHash == suite
                   select new CandidateScores(
                       entry.Card.CandidateName, entry.Card.CandidateKind, entry.Role,
                       [.. entry.Card.Values.Select(v => new ScoreView(v.Metric, v.Stratum.Replace("language=", ""), v.Items, v.Value, v.Low, v.High))],
                       entry.Card.Items.Count(i => i.Failure is not null)),
            ],
        };
    }

    private GateSection? Gate(string application)
    {
        if (Last($"gate:{application}") is not { } gate || !workspace.Objects.Contains(gate.Manifest.Object("verdict.json").Sha256))
        {
            return null;
        }

        var verdict = ReleaseFlow.ReadVerdict(workspace.Objects, gate.Record.Manifest);
        return new GateSection
        {
            Outcome = verdict.Decision switch { GateDecision.Pass => GateOutcome.Pass, GateDecision.Fail => GateOutcome.Fail, _ => GateOutcome.InsufficientEvidence },
            NonInferiority = verdict.Policy.Kind == GateKind.NonInferiority,
            Candidate = verdict.Candidate.Name,
            Baseline = verdict.Baseline?.Name ?? "",
            Metric = verdict.Policy.Metric,
            Margin = verdict.Policy.Kind == GateKind.NonInferiority ? verdict.Policy.Margin : 0,
            Alpha = verdict.Policy.Alpha,
            Power = verdict.Policy.Power,
            Effect = verdict.Effect,
            Low = verdict.Low,
            High = verdict.High,
            Items = verdict.Items,
            OnlyCandidate = verdict.CandidateOnly,
            OnlyBaseline = verdict.BaselineOnly,
            PValue = verdict.P,
            NeededItems = verdict.ItemsNeeded,
            Reasons = [.. verdict.Reasons.Select(r => new GateReasonView(r.Code, r.Text))],
            Decided = gate.Record.Started,
        };
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
            History = [.. releases.Reverse().Select(r => new ReleaseView(r.Id, r.CandidateName, r.Created, null, r.Manifest))],
            Evidence = live is null ? [] : Evidence(live.Manifest),
        };
    }

    private List<EvidenceView> Evidence(string root)
    {
        List<EvidenceView> lines = [];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Walk(root, 0);
        return lines;

        void Walk(string sha256, int depth)
        {
            if (!seen.Add(sha256) || !workspace.Objects.Contains(sha256))
            {
                return;
            }

            var manifest = Manifest.Read(workspace.Objects, sha256);
            lines.Add(new EvidenceView(depth, manifest.Kind, manifest.Name, sha256));
            foreach (var input in manifest.Inputs)
            {
                Walk(input.Sha256, depth + 1);
            }
        }
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
                   select new TraceView(
                       t.Id.ToString("N"), t.Application, t.Release, t.Started, t.Duration, t.Status, JsonNamingPolicy.SnakeCaseLower.ConvertName(t.Outcome.ToString()),
                       Tokens(t, output: false), Tokens(t, output: true), t.Cost?.Units, t.Cost?.Currency),
            ],
        };
    }

    private BillSection Bill()
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

    private static long? Tokens(TraceRecord trace, bool output)
    {
        var meters = trace.Charges.Where(c => (c.Meter is Meter.TextOutput or Meter.ReasoningOutput) == output && MeterNames.CountsTokens(c.Meter)).ToList();
        return meters.Count == 0 || meters.Any(m => m.Source == MeterSource.Missing) ? null : meters.Sum(m => m.Quantity);
    }

    private (StepRecord Record, Manifest Manifest)? Last(string step) =>
        workspace.Records.Last(step) is { } record && workspace.Objects.Contains(record.Manifest) ? (record, Manifest.Read(workspace.Objects, record.Manifest)) : null;

    private static long Number(JsonNode? node) => ManifestFacts.Count(node) ?? 0;

    private static IReadOnlyList<CountView> Counts(JsonNode? node) => node is JsonObject counts ? [.. counts.Select(c => new CountView(c.Key, Number(c.Value)))] : [];
}
