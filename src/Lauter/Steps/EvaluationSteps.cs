using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Data.Export;
using Lauter.Data.Text;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Suites;
using Lauter.Hosting;
using Lauter.Inference.Engine;
using Lauter.Models.Templates;
using Lauter.Releases.Gates;
using Lauter.Retrieval.Embedding;
using Lauter.Retrieval;
using Lauter.Retrieval.Nearest;

namespace Lauter.Steps;

/// <summary>Candidates to scorecards, scorecards to a verdict.</summary>
internal static class EvaluationSteps
{
    private const int Parallelism = 8;
    private static readonly TimeSpan ItemTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The steps of one application with a suite.</summary>
    /// <param name="workspace">The project.</param>
    /// <param name="application">The application.</param>
    /// <param name="baseline">The release to compare with, or null: then the nearest labelled example is the rival.</param>
    public static IEnumerable<Step> Of(Workspace workspace, ApplicationDefinition application, LiveRelease? baseline) =>
        application.Index is { } index ? OfIndex(workspace, application, index) : OfModel(workspace, application, baseline);

    private static IEnumerable<Step> OfModel(Workspace workspace, ApplicationDefinition application, LiveRelease? baseline)
    {
        var name = application.Name;
        var dataset = application.Suite!.Split('/')[0];
        var training = application.Model!;
        var files = ApplicationFiles.Sources(workspace, application);
        var outputFields = workspace.Project.Datasets[dataset].OutputFields;
        yield return Make($"suite:{name}", application, [], new() { ["dataset"] = $"build:{dataset}" }, (context, _) =>
        {
            var suite = Suite.FromExamples(application.Suite!, Rows(context), outputFields);
            return Task.FromResult(SuiteManifest(context, name, suite));
        });
        yield return Make($"nearest:{name}", application, [], new() { ["dataset"] = $"build:{dataset}" }, async (context, cancellationToken) =>
        {
            var rows = Rows(context).Where(r => r.Split == SplitNames.Train).ToList();
            var output = Directory.CreateDirectory(Path.Combine(context.WorkDirectory, "out")).FullName;
            NearestExamples.Build(rows).Save(Path.Combine(output, "lexical.bin"));
            using var embedder = new MiniLmEmbedder(Environment.ProcessorCount);
            (await NearestVectors.BuildAsync(rows, embedder, null, cancellationToken)).Save(Path.Combine(output, "vectors.bin"));
            return new Manifest
            {
                Kind = "nearest",
                Name = name,
                Objects = context.StoreFiles(output),
                Inputs = [context.Link("dataset")],
                Facts = new JsonObject { ["rows"] = rows.Count, ["embedder"] = embedder.Name },
            };
        }, cores: 0);
        yield return Make($"evaluate:{name}/nearest", application, [], new() { ["suite"] = $"suite:{name}", ["nearest"] = $"nearest:{name}" }, (context, cancellationToken) =>
        {
            var nearest = NearestExamples.Load(StoredFiles.PathOf(context.Objects, context.Inputs["nearest"].Manifest, "lexical.bin"));
            return ScoreAsync(context, application, new DelegateCandidate("nearest labelled example (lexical)", CandidateKinds.Nearest, (item, _) =>
            {
                var clock = Stopwatch.GetTimestamp();
                var prediction = nearest.Predict(item.Text);
                return Task.FromResult(Answer(prediction.Neighbour.Output, clock));
            }), "nearest", cancellationToken);
        });
        yield return Make($"evaluate:{name}/nearest-vectors", application, [], new() { ["suite"] = $"suite:{name}", ["nearest"] = $"nearest:{name}" }, async (context, cancellationToken) =>
        {
            using var embedder = new MiniLmEmbedder(1);
            var nearest = NearestVectors.Load(StoredFiles.PathOf(context.Objects, context.Inputs["nearest"].Manifest, "vectors.bin"), embedder);
            return await ScoreAsync(context, application, new DelegateCandidate("nearest labelled example (vectors)", CandidateKinds.Nearest, async (item, token) =>
            {
                var clock = Stopwatch.GetTimestamp();
                var prediction = await nearest.PredictAsync(item.Text, token);
                return Answer(prediction.Neighbour.Output, clock);
            }), "nearest", cancellationToken);
        });
        yield return Make(
            $"evaluate:{name}/model", application, files, new() { ["suite"] = $"suite:{name}", ["model"] = $"train:{training}", ["parity"] = $"parity:{training}" },
            (context, cancellationToken) => ScoreModelAsync(context, application, training, context.Inputs["model"].Manifest, ApplicationFiles.Read(workspace, application), cancellationToken),
            cores: 0);
        if (baseline is not null)
        {
            yield return Make($"evaluate:{name}/live", application, [], new() { ["suite"] = $"suite:{name}" }, (context, cancellationToken) =>
            {
                var release = context.Inputs["release"].Manifest;
                var model = Manifest.Read(context.Objects, release.Inputs.First(i => i.Role == "model").Sha256);
                return ScoreModelAsync(context, application, baseline.Id, model, ApplicationFiles.Read(context.Objects, release), cancellationToken);
            }, cores: 0, existing: new() { ["release"] = baseline.Manifest });
        }

        var rival = baseline is null ? "nearest" : "live";
        yield return Make($"gate:{name}", application, [], new() { ["baseline"] = $"evaluate:{name}/{rival}", ["candidate"] = $"evaluate:{name}/model" }, (context, _) =>
        {
            var policy = Policy(application) with { Kind = baseline is null ? GateKind.Superiority : GateKind.NonInferiority };
            return Task.FromResult(GateManifest(context, application, Gate.Decide(policy, Card(context, "baseline"), Card(context, "candidate"))));
        }, GateArguments(application));
    }

    private static IEnumerable<Step> OfIndex(Workspace workspace, ApplicationDefinition application, string index)
    {
        var name = application.Name;
        IReadOnlyList<ManifestSource> questions = [workspace.Sources.Hash(application.Suite!)];
        yield return Make($"suite:{name}", application, questions, [], (context, _) =>
        {
            var path = Path.Combine(workspace.Project.Directory, application.Suite!);
            context.Objects.WriteFile(path);
            var suite = Suite.Create(application.Suite!, Questions(path), MetricSpec.DefaultsFor(["path"]));
            return Task.FromResult(SuiteManifest(context, name, suite));
        });
        yield return Make($"evaluate:{name}/passages", application, [], new() { ["suite"] = $"suite:{name}", ["index"] = $"index:{index}" }, async (context, cancellationToken) =>
        {
            using var embedder = new MiniLmEmbedder(1);
            var opened = RetrievalIndex.Open(StoredFiles.Show(context.Objects, context.Inputs["index"].Manifest, Path.Combine(context.WorkDirectory, "index")), embedder);
            return await ScoreAsync(context, application, new DelegateCandidate($"first passage of {index}", "passages", async (item, token) =>
            {
                var clock = Stopwatch.GetTimestamp();
                var hits = await opened.SearchAsync(item.Text, 1, token);
                return Answer(new JsonObject { ["path"] = hits.Count > 0 ? hits[0].Path : null }.ToJsonString(), clock);
            }), "index", cancellationToken);
        });
        yield return Make($"gate:{name}", application, [], new() { ["candidate"] = $"evaluate:{name}/passages" }, (context, _) =>
            Task.FromResult(GateManifest(context, application, Gate.DecideMinimum(Policy(application) with { Kind = GateKind.Minimum }, Card(context, "candidate")))), GateArguments(application));
    }

    /// <summary>The scorecard behind a manifest of kind <c>scorecard</c>.</summary>
    public static Scorecard ReadCard(ObjectStore objects, Manifest manifest) => Scorecard.FromBytes(objects.ReadAllBytes(manifest.Object("scorecard.json").Sha256));

    private static async Task<Manifest> ScoreModelAsync(
        StepContext context, ApplicationDefinition application, string candidate, Manifest model, ApplicationFiles files, CancellationToken cancellationToken)
    {
        var path = StoredFiles.PathOf(context.Objects, model, "model.gguf");
        await using var engine = await EngineProcess.StartAsync(Children.Engine, new EngineOptions { ModelPath = path, Sequences = Parallelism }, cancellationToken: cancellationToken);
        var prompt = files.Prompt is null ? null : PromptTemplate.Parse(files.Prompt);
        var schema = files.Output is null ? null : JsonNode.Parse(files.Output);
        var manifest = await ScoreAsync(context, application, new DelegateCandidate(candidate, CandidateKinds.Model, async (item, token) =>
        {
            var clock = Stopwatch.GetTimestamp();
            var user = TrainingSteps.UserMessage(prompt, item.Input, item.Text);
            var answer = await engine.Client.ChatAsync(
                new ChatRequest([new ChatMessage("user", user)]) { MaxTokens = ApplicationFiles.MaximumAnswerTokens, Schema = schema?.DeepClone() }, token);
            return new CandidateAnswer(answer.Text, null, null, Stopwatch.GetElapsedTime(clock), answer.PromptTokens, answer.CompletionTokens);
        }), "model", cancellationToken);
        context.AddChild(engine.CpuTime, 0);
        return manifest;
    }

    private static async Task<Manifest> ScoreAsync(StepContext context, ApplicationDefinition application, ICandidate candidate, string role, CancellationToken cancellationToken)
    {
        var suiteManifest = context.Inputs["suite"].Manifest;
        var suite = Suite.FromBytes(context.Objects.ReadAllBytes(suiteManifest.Object("suite.json").Sha256));
        var progress = new DirectProgress<EvaluationProgress>(p => context.Progress.Report(
            new StepProgress((double)p.Done / p.Total, $"{p.Done:#,0} of {p.Total:#,0} answered, {p.Correct:#,0} right")));
        var options = new EvaluationOptions { Parallelism = candidate.Kind == CandidateKinds.Model ? Parallelism : Environment.ProcessorCount, ItemTimeout = ItemTimeout };
        var card = await EvaluationRun.RunAsync(suite, candidate, options, progress, cancellationToken);
        var bytes = card.ToBytes();
        var metric = MetricName(application);
        var overall = card.Overall(metric);
        return new Manifest
        {
            Kind = "scorecard",
            Name = $"{application.Name}/{context.Step.Name.Split('/')[^1]}",
            Objects = [new ManifestObject("scorecard.json", context.Objects.Write(bytes), bytes.Length)],
            Inputs = [.. context.Inputs.Keys.Order(StringComparer.Ordinal).Select(context.Link)],
            Sources = context.Step.Sources,
            Facts = new JsonObject
            {
                ["candidate"] = candidate.Name, ["candidateKind"] = candidate.Kind, ["from"] = role, ["items"] = suite.Items.Count,
                ["metric"] = metric, ["value"] = overall?.Value, ["low"] = overall?.Low, ["high"] = overall?.High,
            },
        };
    }

    private static Manifest SuiteManifest(StepContext context, string name, Suite suite)
    {
        if (suite.Items.Count == 0)
        {
            throw new StepFailedException($"the suite of '{name}' is empty. Give the split a larger 'test', or more rows that may be tested on.");
        }

        var bytes = suite.ToBytes();
        return new Manifest
        {
            Kind = "suite",
            Name = name,
            Objects = [new ManifestObject("suite.json", context.Objects.Write(bytes), bytes.Length)],
            Inputs = [.. context.Inputs.Keys.Select(context.Link)],
            Sources = context.Step.Sources,
            Facts = new JsonObject { ["items"] = suite.Items.Count, ["hash"] = suite.Hash },
        };
    }

    private static Manifest GateManifest(StepContext context, ApplicationDefinition application, GateVerdict verdict)
    {
        var bytes = verdict.ToBytes();
        return new Manifest
        {
            Kind = "gate",
            Name = application.Name,
            Objects = [new ManifestObject("verdict.json", context.Objects.Write(bytes), bytes.Length)],
            Inputs = [.. context.Inputs.Keys.Order(StringComparer.Ordinal).Select(context.Link)],
            Facts = new JsonObject { ["verdict"] = verdict.Decision.Word(), ["summary"] = string.Join(" ", verdict.Reasons.Select(r => r.Text)) },
        };
    }

    private static Scorecard Card(StepContext context, string role) => ReadCard(context.Objects, context.Inputs[role].Manifest);

    private static string MetricName(ApplicationDefinition application) => application.MetricField is { } field ? $"exact_match({field})" : "exact_match";

    private static GatePolicy Policy(ApplicationDefinition application)
    {
        var gate = application.Gate ?? new GateDefinition(0.02, 0.05, 0.8, null);
        return new GatePolicy { Metric = MetricName(application), Margin = gate.Margin, Alpha = gate.Alpha, Power = gate.Power, Minimum = gate.Minimum, StratumMargin = gate.StratumMargin };
    }

    private static JsonObject GateArguments(ApplicationDefinition application)
    {
        var policy = Policy(application);
        var arguments = new JsonObject { ["metric"] = policy.Metric, ["margin"] = policy.Margin, ["alpha"] = policy.Alpha, ["power"] = policy.Power, ["minimum"] = policy.Minimum };
        if (policy.StratumMargin is { } stratum)
        {
            // Absent, not null: verdicts of projects without it keep their key.
            arguments["stratumMargin"] = stratum;
        }

        return arguments;
    }

    private static IEnumerable<ExampleRow> Rows(StepContext context) => ParquetDataset.ReadExamples(
        StoredFiles.Show(context.Objects, context.Inputs["dataset"].Manifest, Path.Combine(context.WorkDirectory, "dataset")));

    private static CandidateAnswer Answer(string output, long clock) =>
        new(output, null, null, Stopwatch.GetElapsedTime(clock), 0, 0);

    private static IEnumerable<SuiteItem> Questions(string path)
    {
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            JsonObject? row;
            try
            {
                row = JsonNode.Parse(line) as JsonObject;
            }
            catch (JsonException e)
            {
                throw new StepFailedException($"{Path.GetFileName(path)} line {number} is not JSON: {e.Message}", e);
            }

            var question = Text(row, "question") ?? throw new StepFailedException($"{Path.GetFileName(path)} line {number} needs the fields 'question' and 'path'.");
            var answer = Text(row, "path") ?? throw new StepFailedException($"{Path.GetFileName(path)} line {number} needs the fields 'question' and 'path'.");
            var language = Text(row, "language") ?? LanguageDetector.Detect(question);
            yield return new SuiteItem(Text(row, "id") ?? $"{number}", new JsonObject { ["text"] = question }, new JsonObject { ["path"] = answer }, language, answer) { Text = question };
        }
    }

    private static string? Text(JsonObject? row, string field) => row?[field] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

    private static Step Make(
        string name, ApplicationDefinition application, IReadOnlyList<ManifestSource> sources, Dictionary<string, string> inputs,
        Func<StepContext, CancellationToken, Task<Manifest>> run, JsonObject? arguments = null, int cores = 1, Dictionary<string, string>? existing = null) => new()
    {
        Name = name,
        CodeVersion = 1,
        Arguments = arguments ?? [],
        Phase = StepPhase.Evaluation,
        Application = application.Name,
        Sources = sources,
        Inputs = inputs,
        Existing = existing ?? [],
        Cores = cores,
        RunAsync = run,
    };
}
