using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Console;
using Lauter.Evaluation.Runs;
using Lauter.Releases.Gates;
using Lauter.Steps;

namespace Lauter.Hosting;

/// <summary>
/// What steps left behind, as the console and the reports show it. The newest record of each step makes the page of a project; the records in the
/// chain of a release make its report.
/// </summary>
/// <param name="workspace">The project.</param>
/// <param name="last">The record and the manifest of a step, by its name; null when there is none.</param>
internal sealed class FlowSections(Workspace workspace, Func<string, (StepRecord Record, Manifest Manifest)?> last)
{
    public DataSection? Data()
    {
        List<DatasetView> views = [];
        foreach (var dataset in workspace.Project.Datasets.Values)
        {
            var documents = dataset.Kind == "documents";
            if (last($"{(documents ? "clean" : "build")}:{dataset.Name}") is not { } built)
            {
                continue;
            }

            var raw = documents ? last($"read:{dataset.Name}") : null;
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

    public IndexSection? Indexes()
    {
        List<IndexView> views =
        [
            .. from index in workspace.Project.Indexes.Values
               let last = last($"index:{index.Name}")
               where last is not null
               let facts = last.Value.Manifest.Facts
               select new IndexView(
                   index.Name, Number(facts["documents"]), Number(facts["chunks"]), Counts(facts["languages"]), Number(facts["terms"]), facts["embedder"]?.ToString() ?? "",
                   (int)Number(facts["dimensions"]), TimeSpan.FromSeconds(last.Value.Record.WallSeconds)),
        ];
        return views.Count == 0 ? null : new IndexSection(views);
    }

    public TrainingSection? Training()
    {
        if (workspace.Project.Trainings.Values.FirstOrDefault() is not { } training || last($"train:{training.Name}") is not { } trained)
        {
            return null;
        }

        var facts = trained.Manifest.Facts;
        var parity = last($"parity:{training.Name}");
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

    public ScorecardSection? Scorecards(string application)
    {
        var candidates = new (string Step, CandidateRole Role)[]
        {
            ("model", CandidateRole.Candidate), ("passages", CandidateRole.Candidate), ("live", CandidateRole.Live),
            ("nearest", CandidateRole.Baseline), ("nearest-vectors", CandidateRole.Baseline),
        };
        List<(CandidateRole Role, Scorecard Card, string Metric)> cards =
        [
            .. from candidate in candidates
               let last = last($"evaluate:{application}/{candidate.Step}")
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

    public GateSection? Gate(string application)
    {
        if (last($"gate:{application}") is not { } gate || !workspace.Objects.Contains(gate.Manifest.Object("verdict.json").Sha256))
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

    public List<EvidenceView> Evidence(string root)
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
            lines.Add(new EvidenceView(depth, manifest.Kind, manifest.Name, sha256) { From = [.. manifest.Inputs.Select(i => i.Sha256), .. SourcesOf(manifest, sha256).Select(s => s.Sha256)], Note = Note(manifest) });
            foreach (var input in manifest.Inputs)
            {
                Walk(input.Sha256, depth + 1);
            }

            foreach (var source in SourcesOf(manifest, sha256).Where(s => seen.Add(s.Sha256)))
            {
                lines.Add(source with { Depth = depth + 1 });
            }
        }
    }

    /// <summary>The user's own files behind a manifest: each by its hash, or many as one.</summary>
    private static IEnumerable<EvidenceView> SourcesOf(Manifest manifest, string sha256)
    {
        const int Most = 3;
        return manifest.Sources.Count <= Most
            ? manifest.Sources.Select(s => new EvidenceView(0, "source", s.Path, s.Sha256))
            : [new EvidenceView(0, "source", manifest.Name, sha256 + EvidenceView.SourcesSuffix) { Note = manifest.Sources.Count.ToString("#,0", System.Globalization.CultureInfo.InvariantCulture) }];
    }

    /// <summary>The one figure that a reader of the chain looks for.</summary>
    private static string? Note(Manifest manifest) => manifest.Kind switch
    {
        "gate" => manifest.Facts["verdict"]?.ToString(),
        "scorecard" => ManifestFacts.Number(manifest.Facts["value"]) is { } value ? value.ToString("0.000", System.Globalization.CultureInfo.InvariantCulture) : null,
        _ => (ManifestFacts.Count(manifest.Facts["rows"]) ?? ManifestFacts.Count(manifest.Facts["items"]) ?? ManifestFacts.Count(manifest.Facts["chunks"])) is { } count
            ? count.ToString("#,0", System.Globalization.CultureInfo.InvariantCulture) : null,
    };

    private static long Number(JsonNode? node) => ManifestFacts.Count(node) ?? 0;

    private static IReadOnlyList<CountView> Counts(JsonNode? node) => node is JsonObject counts ? [.. counts.Select(c => new CountView(c.Key, Number(c.Value)))] : [];
}
