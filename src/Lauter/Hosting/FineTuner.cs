using System.Globalization;
using System.Text;
using System.Text.Json;
using Lauter.Gateway.FineTuning;
using Lauter.Ledger;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Lora;

namespace Lauter.Hosting;

/// <summary>Runs the gateway's fine-tuning jobs in training children of this program, and lets nothing out that does not pass the parity gate.</summary>
internal sealed class FineTuner
{
    private const int DefaultEpochs = 3;
    private const int ParityProbes = 12;
    private const double PreferenceRate = 1e-4;

    private readonly IReadOnlyDictionary<string, string> _bases;

    private FineTuner(IReadOnlyDictionary<string, string> bases) => _bases = bases;

    /// <summary>A trainer for the named GGUF files; null when there is none.</summary>
    public static FineTuningTrainer? Of(IReadOnlyDictionary<string, string> bases)
    {
        var tuner = new FineTuner(bases);
        return bases.Count == 0 ? null : new FineTuningTrainer { Models = [.. bases.Keys.Order(StringComparer.Ordinal)], RunAsync = tuner.RunAsync };
    }

    private async Task<FineTuningOutcome> RunAsync(FineTuningWork work, Action<FineTuningNote> note, CancellationToken cancellationToken)
    {
        var job = Job(work);
        try
        {
            var result = await TrainingProcess.RunAsync(Children.Training, job, new Notes(note), cancellationToken);
            var (report, used) = await ParityGate.CompareAsync(Path.Combine(job.OutputDirectory, result.Model), Messages(work.RowsPath), cancellationToken);
            if (!report.Passed)
            {
                throw new FineTuningFailedException($"The model is not handed out: {ParityGate.Explain(report)}");
            }

            note(new FineTuningNote
            {
                Message = string.Create(CultureInfo.InvariantCulture, $"Parity gate passed: largest log-probability difference {report.MaximumDifference:0.0000} over {report.Tokens} tokens of {report.Probes} probes."),
            });
            return new FineTuningOutcome(result.TrainedTokens, result.CpuSeconds + used.TotalSeconds, result.Steps, job.Options.Epochs, job.Options.BatchExamples, Files(job, result));
        }
        catch (Exception e) when (e is TrainingFailedException or InvalidDataException)
        {
            throw new FineTuningFailedException(e.Message, e);
        }
    }

    private TrainingJob Job(FineTuningWork work)
    {
        var options = TrainingOptions.ForAdapters;
        var rate = work.Preferences ? PreferenceRate : options.LearningRate;
        return new TrainingJob
        {
            Name = work.Name,
            BasePath = _bases[work.Model],
            ExamplesPath = work.RowsPath,
            OutputDirectory = Directory.CreateDirectory(work.Directory).FullName,
            Method = work.Preferences ? "dpo" : TrainingJob.Sft,
            Lora = new LoraOptions(),
            KeepEpochs = true,
            Options = options with
            {
                Epochs = work.Epochs ?? DefaultEpochs,
                BatchExamples = work.BatchSize ?? Math.Clamp(work.Rows / 32, 1, options.BatchExamples),
                LearningRate = rate * work.LearningRateMultiplier,
                Beta = work.Beta is > 0 ? work.Beta.Value : options.Beta,
                RollBacks = 2,
                Seed = (ulong)work.Seed,
            },
        };
    }

    /// <summary>The last user message of some rows.</summary>
    private static IEnumerable<(string, string)> Messages(string path)
    {
        foreach (var line in File.ReadLines(path).Take(ParityProbes))
        {
            using var row = JsonDocument.Parse(line);
            var messages = row.RootElement.TryGetProperty("messages", out var all) ? all : row.RootElement.GetProperty("prompt");
            if (messages.EnumerateArray().LastOrDefault(m => m.GetProperty("role").GetString() == "user") is { ValueKind: JsonValueKind.Object } message)
            {
                yield return (row.RootElement.GetProperty("id").GetString()!, message.GetProperty("content").GetString()!);
            }
        }
    }

    private static List<(string, string)> Files(TrainingJob job, TrainingResult result)
    {
        var metrics = Path.Combine(job.OutputDirectory, "step_metrics.csv");
        WriteMetrics(Path.Combine(job.OutputDirectory, "metrics.jsonl"), metrics);
        List<(string, string)> files = [("step_metrics.csv", metrics)];
        foreach (var name in new[] { "adapter_config.json", "adapter_model.safetensors" })
        {
            files.Add((name, Path.Combine(job.OutputDirectory, result.Adapter!, name)));
        }

        files.Add((TrainingWorker.AdapterFile, Path.Combine(job.OutputDirectory, TrainingWorker.AdapterFile)));
        return [.. files.Where(f => File.Exists(f.Item2))];
    }

    /// <summary>The columns that OpenAI's result files have.</summary>
    private static void WriteMetrics(string source, string target)
    {
        using var writer = new StreamWriter(target, append: false, new UTF8Encoding(false));
        writer.WriteLine("step,train_loss,valid_loss,valid_mean_token_accuracy");
        foreach (var e in File.ReadLines(source).Select(TrainingEvent.TryParse).OfType<TrainingEvent>())
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{e.Step},{e.Loss},{e.ValidationLoss},{e.ValidationTokenAccuracy}"));
        }
    }

    private sealed class Notes(Action<FineTuningNote> note) : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent e)
        {
            var plain = new FineTuningNote { Step = e.Step, Steps = e.Steps, CpuSeconds = e.CpuSeconds };
            var told = e.Kind switch
            {
                TrainingEventKinds.Report when e.Report is { } r => plain with
                {
                    Message = string.Create(CultureInfo.InvariantCulture, $"{r.Rows} rows, {r.Tokens} tokens an epoch, {r.TrainedTokens} of them trained; cut {r.Cut}, left out {r.Dropped + r.WithoutTarget}; {r.Steps} steps")
                        + (r.Seconds is { } s ? string.Create(CultureInfo.InvariantCulture, $", about {s:0} s") : "") + ".",
                    Warns = r.Cut + r.Dropped + r.WithoutTarget > 0,
                },
                TrainingEventKinds.Progress => plain with { Loss = e.Loss, SecondsLeft = e.SecondsLeft },
                TrainingEventKinds.Validation => plain with { ValidationLoss = e.ValidationLoss, ValidationAccuracy = e.ValidationTokenAccuracy },
                TrainingEventKinds.Epoch => plain with { Epoch = int.Parse(Path.GetFileName(e.Message!), CultureInfo.InvariantCulture) },
                TrainingEventKinds.RolledBack => plain with { Message = e.Message, Warns = true },
                _ => plain,
            };
            note(told);
        }
    }
}
