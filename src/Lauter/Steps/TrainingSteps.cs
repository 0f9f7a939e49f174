using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Data.Export;
using Lauter.Hosting;
using Lauter.Models.Templates;
using Lauter.Training.Jobs;
using Lauter.Training.Lora;
using Lauter.Training.Parity;

namespace Lauter.Steps;

/// <summary>Datasets of examples to models.</summary>
internal static class TrainingSteps
{
    private const int ParityProbes = 12;

    /// <summary><c>train:NAME</c> in a child process, then <c>parity:NAME</c>: what was trained and what is served must agree.</summary>
    public static IEnumerable<Step> Of(Workspace workspace, TrainingDefinition training)
    {
        var project = workspace.Project;
        var application = project.Applications.Values.FirstOrDefault(a => a.Model == training.Name);
        var model = project.Models[training.Base];
        List<ManifestSource> sources = [];
        if (application?.Prompt is { } prompt)
        {
            sources.Add(workspace.Sources.Hash(prompt));
        }

        if (model.File is { } file)
        {
            sources.Add(workspace.Sources.Hash(file));
        }

        var options = Options(training, model);
        yield return new Step
        {
            Name = $"train:{training.Name}",
            CodeVersion = 1,
            Arguments = new JsonObject
            {
                ["base"] = model.Scratch ?? "file",
                ["shape"] = model.Scratch is { } scratch ? JsonSerializer.SerializeToNode(ScratchPresets.Find(scratch)!.Value.Shape) : null,
                ["options"] = JsonSerializer.SerializeToNode(options),
                ["method"] = training.Method,
                ["lora"] = Lora(training) is { } lora ? JsonSerializer.SerializeToNode(lora) : null,
            },
            Phase = StepPhase.Training,
            Application = application?.Name,
            Cores = 0,
            Sources = sources,
            Inputs = new Dictionary<string, string> { ["dataset"] = $"build:{training.Data}" },
            RunAsync = (context, cancellationToken) => TrainAsync(workspace, training, model, application, options, context, cancellationToken),
        };
        yield return new Step
        {
            Name = $"parity:{training.Name}",
            CodeVersion = 1,
            Arguments = new JsonObject { ["tolerance"] = ParityCheck.DefaultTolerance, ["probes"] = ParityProbes },
            Phase = StepPhase.Training,
            Application = application?.Name,
            Cores = 0,
            Inputs = new Dictionary<string, string> { ["model"] = $"train:{training.Name}", ["dataset"] = $"build:{training.Data}" },
            RunAsync = (context, cancellationToken) => CompareAsync(workspace, training, context, cancellationToken),
        };
    }

    /// <summary>The user message of an example: the application's prompt over the input fields, or the text alone.</summary>
    public static string UserMessage(PromptTemplate? prompt, JsonObject input, string text) => prompt is null ? text : prompt.Render(input);

    /// <summary>The prompt template of an application, or null when it has none.</summary>
    public static PromptTemplate? Prompt(Project project, ApplicationDefinition? application) =>
        application?.Prompt is { } path ? PromptTemplate.Parse(File.ReadAllText(Path.Combine(project.Directory, path))) : null;

    private static TrainingOptions Options(TrainingDefinition training, ModelDefinition model)
    {
        var options = model.Scratch is { } preset ? ScratchPresets.Find(preset)!.Value.Training : training.Lora is null ? new TrainingOptions() : TrainingOptions.ForAdapters;
        return options with
        {
            Epochs = training.Epochs ?? options.Epochs,
            BatchExamples = training.Batch ?? options.BatchExamples,
            LearningRate = training.LearningRate ?? options.LearningRate,
            Seed = (ulong)training.Seed,
        };
    }

    private static LoraOptions? Lora(TrainingDefinition training)
    {
        if (training.Lora is not { } lora)
        {
            return null;
        }

        var options = new LoraOptions();
        return options with
        {
            Rank = lora.Rank ?? options.Rank,
            Alpha = lora.Alpha,
            Targets = lora.Targets.Count == 0 ? options.Targets : lora.Targets,
            RankStabilised = lora.RankStabilised,
            RateRatio = lora.RateRatio ?? options.RateRatio,
        };
    }

    private static async Task<Manifest> TrainAsync(
        Workspace workspace, TrainingDefinition training, ModelDefinition model, ApplicationDefinition? application, TrainingOptions options,
        StepContext context, CancellationToken cancellationToken)
    {
        foreach (var source in context.Step.Sources)
        {
            context.Objects.WriteFile(Path.Combine(workspace.Project.Directory, source.Path));
        }

        var rows = StoredFiles.Show(context.Objects, context.Inputs["dataset"].Manifest, Path.Combine(context.WorkDirectory, "dataset"));
        var examples = Path.Combine(context.WorkDirectory, "examples.jsonl");
        WriteExamples(ParquetDataset.ReadExamples(rows), Prompt(workspace.Project, application), examples);
        var job = new TrainingJob
        {
            Name = training.Name,
            BasePath = model.File is { } file ? Path.Combine(workspace.Project.Directory, file) : null,
            Scratch = model.Scratch is { } preset ? ScratchPresets.Find(preset)!.Value.Shape : null,
            Lora = Lora(training),
            ExamplesPath = examples,
            OutputDirectory = Directory.CreateDirectory(Path.Combine(context.WorkDirectory, "out")).FullName,
            Options = options,
        };
        var progress = new DirectProgress<TrainingEvent>(e => Report(context, e));
        var last = default(TrainingEvent);
        TrainingResult result;
        try
        {
            result = await TrainingProcess.RunAsync(
                Children.Training, job, new DirectProgress<TrainingEvent>(e => { last = e.CpuSeconds is null ? last : e; progress.Report(e); }), cancellationToken);
            context.AddChild(TimeSpan.FromSeconds(result.CpuSeconds), result.PeakMemoryBytes);
        }
        catch (Exception) when (last?.CpuSeconds is not null)
        {
            // A run that did not reach its end still cost what it used.
            context.AddChild(TimeSpan.FromSeconds(last.CpuSeconds.Value), last.PeakMemoryBytes ?? 0);
            throw;
        }

        var output = Directory.CreateDirectory(Path.Combine(context.WorkDirectory, "keep")).FullName;
        File.Copy(Path.Combine(job.OutputDirectory, result.Model), Path.Combine(output, "model.gguf"), overwrite: true);
        if (result.Adapter is not null)
        {
            // Side by side they are a PEFT folder.
            foreach (var part in new[] { TrainingWorker.AdapterFile, Path.Combine(result.Adapter, "adapter_config.json"), Path.Combine(result.Adapter, "adapter_model.safetensors") })
            {
                File.Copy(Path.Combine(job.OutputDirectory, part), Path.Combine(output, Path.GetFileName(part)), overwrite: true);
            }
        }

        KeepCurve(Path.Combine(job.OutputDirectory, "metrics.jsonl"), Path.Combine(output, "curve.jsonl"));
        return new Manifest
        {
            Kind = "model",
            Name = training.Name,
            Objects = context.StoreFiles(output),
            Inputs = [context.Link("dataset")],
            Sources = context.Step.Sources,
            Facts = new JsonObject
            {
                ["base"] = model.Scratch ?? model.File,
                ["parameters"] = result.Parameters,
                ["vocabulary"] = result.VocabularySize,
                ["examples"] = result.TrainingExamples,
                ["tooLong"] = result.ExamplesTooLong,
                ["steps"] = result.Steps,
                ["bestStep"] = result.BestStep,
                ["trainedTokens"] = result.TrainedTokens,
                ["validationLoss"] = result.Validation?.Loss,
                ["validationExactMatch"] = result.Validation?.ExactMatch,
            },
        };
    }

    private static void WriteExamples(IEnumerable<ExampleRow> rows, PromptTemplate? prompt, string path)
    {
        using var writer = new StreamWriter(path, append: false, new UTF8Encoding(false));
        foreach (var row in rows.Where(r => r.Split != SplitNames.Test))
        {
            var user = UserMessage(prompt, JsonNode.Parse(row.Input)!.AsObject(), row.Text);
            writer.WriteLine(new JsonObject
            {
                ["id"] = row.Id,
                ["split"] = row.Split,
                ["messages"] = new JsonArray(
                    new JsonObject { ["role"] = "user", ["content"] = user },
                    new JsonObject { ["role"] = "assistant", ["content"] = row.Output }),
            }.ToJsonString());
        }
    }

    /// <summary>What a loss curve needs, without times: the same training gives the same file.</summary>
    private static void KeepCurve(string metrics, string path)
    {
        using var writer = new StreamWriter(path, append: false, new UTF8Encoding(false));
        foreach (var e in File.ReadLines(metrics).Select(TrainingEvent.TryParse).OfType<TrainingEvent>())
        {
            writer.WriteLine(new JsonObject
            {
                ["step"] = e.Step, ["loss"] = e.Loss, ["validationLoss"] = e.ValidationLoss, ["validationExactMatch"] = e.ValidationExactMatch,
            }.ToJsonString());
        }
    }

    private static void Report(StepContext context, TrainingEvent e)
    {
        if (e.Kind == TrainingEventKinds.Progress && e is { Step: { } step, Steps: { } steps })
        {
            context.Progress.Report(new StepProgress((double)step / steps, $"loss {e.Loss:0.000} · {e.TokensPerSecond:#,0} tokens/s · {e.SecondsLeft:0} s left"));
        }
        else if (e.Report is { } data)
        {
            context.Progress.Report(new StepProgress(null, $"{data.Rows} rows, {data.Tokens} tokens, {data.TrainedTokens} trained, {data.Cut} cut, {data.Dropped + data.WithoutTarget} left out, longest {data.Longest}"
                + (data.Seconds is { } seconds ? $", about {seconds:0} s" : "")));
        }
        else if (e.Message is { } message)
        {
            context.Progress.Report(new StepProgress(null, message));
        }
    }

    private static async Task<Manifest> CompareAsync(Workspace workspace, TrainingDefinition training, StepContext context, CancellationToken cancellationToken)
    {
        var path = StoredFiles.PathOf(context.Objects, context.Inputs["model"].Manifest, "model.gguf");
        var rows = StoredFiles.Show(context.Objects, context.Inputs["dataset"].Manifest, Path.Combine(context.WorkDirectory, "dataset"));
        var application = workspace.Project.Applications.Values.FirstOrDefault(a => a.Model == training.Name);
        var prompt = Prompt(workspace.Project, application);
        var messages = ParquetDataset.ReadExamples(rows).Where(r => r.Split == SplitNames.Validation).Take(ParityProbes)
            .Select(row => (row.Id, UserMessage(prompt, JsonNode.Parse(row.Input)!.AsObject(), row.Text)));
        ParityReport report;
        try
        {
            (report, var used) = await ParityGate.CompareAsync(path, messages, cancellationToken);
            context.AddChild(used, 0);
        }
        catch (InvalidDataException e)
        {
            throw new StepFailedException($"The model '{training.Name}': {e.Message}");
        }

        if (!report.Passed)
        {
            throw new StepFailedException($"{ParityGate.Explain(report)} It is not released.");
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(new JsonObject
        {
            ["probes"] = report.Probes, ["tokens"] = report.Tokens, ["meanDifference"] = report.MeanDifference, ["worstProbe"] = report.WorstProbe,
        });
        return new Manifest
        {
            Kind = "parity",
            Name = training.Name,
            Objects = [new ManifestObject("parity.json", context.Objects.Write(json), json.Length)],
            Inputs = [context.Link("model")],
            Facts = new JsonObject { ["largestDifference"] = report.MaximumDifference, ["greedyEqual"] = report.GreedyAgreement == 1, ["tokens"] = report.Tokens },
        };
    }
}
