using System.Runtime.InteropServices;
using Lauter.Catalog.Objects;
using Lauter.Models.Gguf;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Models.Peft;
using Lauter.Training.Checkpoints;
using Lauter.Training.Decoders;
using Lauter.Training.Losses;
using Lauter.Training.Examples;
using Lauter.Training.Loop;
using Lauter.Training.Natives;
using TorchSharp;

namespace Lauter.Training.Jobs;

/// <summary>The child's side of a training: reads a job file, trains, writes the model. Everything it has to say goes out as JSON lines.</summary>
public static class TrainingWorker
{
    /// <summary>The complete model inside the output directory.</summary>
    public const string ModelFile = "model.gguf";

    /// <summary>The trained adapter in PEFT's form; a folder.</summary>
    public const string AdapterDirectory = "adapter";

    /// <summary>The trained adapter as llama.cpp loads it.</summary>
    public const string AdapterFile = "adapter.gguf";

    /// <summary>The model is written.</summary>
    public const int ExitOk = 0;

    /// <summary>The run failed; the last event says why.</summary>
    public const int ExitFailed = 1;

    /// <summary>The parent process was gone.</summary>
    public const int ExitOrphaned = 3;

    /// <summary>Stopped on request, with a checkpoint.</summary>
    public const int ExitCancelled = 130;

    /// <summary>
    /// Runs as a child of <see cref="TrainingProcess"/>: events on standard output, stopped by the line "stop" or the end of standard input.
    /// It handles SIGINT and SIGTERM itself.
    /// </summary>
    public static async Task<int> RunAsChildAsync(string jobPath)
    {
        using var lifetime = new WorkerLifetime(Console.In);
        return await RunAsync(jobPath, Console.Out, lifetime.Stopping);
    }

    /// <summary>Trains in this process.</summary>
    /// <param name="jobPath">A <see cref="TrainingJob"/> as JSON.</param>
    /// <param name="events">Receives a <see cref="TrainingEvent"/> a line.</param>
    /// <param name="cancellationToken">Stops after the step that is running, with a checkpoint.</param>
    /// <returns>One of the exit codes of this class.</returns>
    public static Task<int> RunAsync(string jobPath, TextWriter events, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);

        // One thread from start to end: dispose scopes of native tensors belong to a thread.
        return Task.Factory.StartNew(
            () => Run(jobPath, events, TimeProvider.System, cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private static int Run(string jobPath, TextWriter events, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            Train(TrainingJob.Read(jobPath), events, time, cancellationToken);
            return ExitOk;
        }
        catch (OperationCanceledException)
        {
            Say(TrainingEventKinds.Cancelled, "Stopped; the next run continues.");
            return ExitCancelled;
        }
        catch (Exception e) when (e is TrainingFailedException or InvalidDataException or IOException or UnauthorizedAccessException
            or AdapterException or GgufFormatException or TokenizerException or TemplateException or TorchUnavailableException or ExternalException)
        {
            Say(TrainingEventKinds.Failed, e.Message);
            return ExitFailed;
        }

        void Say(string kind, string message)
        {
            events.WriteLine(new TrainingEvent
            {
                Kind = kind, Message = message, CpuSeconds = ProcessMeters.CpuSeconds(), PeakMemoryBytes = ProcessMeters.PeakMemoryBytes(),
            }.ToJson());
            events.Flush();
        }
    }

    /// <summary>1. examples and starting point, 2. resume, 3. train, 4. model, 5. result.</summary>
    private static void Train(TrainingJob job, TextWriter events, TimeProvider time, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        Torch.EnsureLoaded();
        torch.set_num_threads(job.Options.Threads ?? Environment.ProcessorCount);
        var checkpoints = Path.Combine(job.OutputDirectory, "checkpoint");

        // 1.
        var rows = ExampleFile.Read(job.ExamplesPath);
        Check(job, rows);
        using var start = StartingPoint.Of(job, rows, checkpoints, cancellationToken);
        var limit = Math.Min(job.Options.MaximumTokens ?? int.MaxValue, start.Context);
        var encoder = new ExampleEncoder(start.Template, start.Tokenizer, limit, job.Options.LongRows);
        var training = encoder.Encode(rows, ExampleFile.Train);
        var counted = (encoder.TooLong, encoder.Cut, encoder.WithoutTarget);
        var validation = encoder.Encode(rows, ExampleFile.Validation);
        if (training.Count == 0)
        {
            throw new TrainingFailedException(counted.WithoutTarget > 0 && counted.TooLong == 0
                ? $"{job.ExamplesPath}: every label is masked: none of its {counted.WithoutTarget} rows has a trained token. A row needs an assistant message with content and a weight above 0."
                : $"{job.ExamplesPath} has no example to train on: {rows.Count} rows of train and validation, {encoder.TooLong} of them longer than {limit} tokens, {encoder.WithoutTarget} without a trained token.");
        }

        // 2. The reporter must know the step before the loop runs, so the loop reports through it later.
        var relay = new Relay();
        var loop = new TrainingLoop(
            start.Learner, training, validation, job.Options, RunDigest.Of(job), Path.Combine(checkpoints, CheckpointFile.Name), relay, time)
        {
            CpuSeconds = ProcessMeters.CpuSeconds,
        };
        loop.PauseAt = job.PauseAt is { } part ? (int)Math.Ceiling(part * loop.Steps) : null;
        var report = Report(job, start, training, validation, counted, loop.Steps);
        if (report.Refusals(job.Limits) is { Count: > 0 } refusals)
        {
            events.WriteLine(new TrainingEvent { Kind = TrainingEventKinds.Report, Report = report }.ToJson());
            events.Flush();
            throw new TrainingFailedException($"The training does not start: {string.Join("; ", refusals)}.");
        }

        if (job.ReportOnly)
        {
            var empty = new TrainingResult
            {
                Model = "", Parameters = start.Trainable, VocabularySize = start.Tokenizer.VocabularySize, TrainingExamples = training.Count, ExamplesTooLong = counted.TooLong,
                Steps = 0, BestStep = 0, TrainedTokens = 0, Seconds = time.GetElapsedTime(started).TotalSeconds, CpuSeconds = ProcessMeters.CpuSeconds(), PeakMemoryBytes = ProcessMeters.PeakMemoryBytes(),
            };
            events.WriteLine(new TrainingEvent { Kind = TrainingEventKinds.Report, Report = report }.ToJson());
            events.WriteLine(new TrainingEvent { Kind = TrainingEventKinds.Result, Result = empty }.ToJson());
            events.Flush();
            return;
        }

        var resumed = loop.TryResume();
        using var reporter = new TrainingReporter(events, Path.Combine(job.OutputDirectory, "metrics.jsonl"), loop.Step, time)
        {
            EarlierCpuSeconds = loop.EarlierCpuSeconds,
        };
        relay.Target = reporter;
        reporter.Send(new TrainingEvent { Kind = TrainingEventKinds.Report, Step = loop.Step, Steps = loop.Steps, Report = report });
        reporter.Send(new TrainingEvent
        {
            Kind = TrainingEventKinds.Started,
            Step = loop.Step,
            Steps = loop.Steps,
            Message = $"{start.Trainable} trained values, vocabulary {start.Tokenizer.VocabularySize}, {training.Count} examples ({counted.TooLong} too long), "
                + $"{report.Tokens} tokens an epoch{(resumed ? $", continued after step {loop.Step}" : "")}",
        });

        // 3.
        if (job.KeepEpochs)
        {
            loop.EpochEnded = (epoch, step) =>
            {
                var folder = Path.Combine("epochs", $"{epoch}");
                start.SaveAdapter(Path.Combine(job.OutputDirectory, folder));
                reporter.Send(new TrainingEvent { Kind = TrainingEventKinds.Epoch, Step = step, Steps = loop.Steps, Message = folder });
            };
        }

        loop.Run(cancellationToken);
        if (loop.Paused)
        {
            reporter.Send(new TrainingEvent { Kind = TrainingEventKinds.Result, Step = loop.Step, Steps = loop.Steps, Result = Outcome("", null) });
            return;
        }

        // 4., 5. The result last: where it is, everything is.
        start.Save(job.OutputDirectory, job.Name);
        var result = Outcome(ModelFile, job.Lora is null ? null : AdapterDirectory);
        AtomicFile.WriteJson(Path.Combine(job.OutputDirectory, "result.json"), result, TrainingJson.Default.TrainingResult);
        reporter.Send(new TrainingEvent { Kind = TrainingEventKinds.Result, Step = loop.Step, Steps = loop.Steps, Result = result });

        TrainingResult Outcome(string model, string? adapter) => new()
        {
            Model = model,
            Adapter = adapter,
            Paused = loop.Paused,
            Parameters = start.Trainable,
            VocabularySize = start.Tokenizer.VocabularySize,
            TrainingExamples = training.Count,
            ExamplesTooLong = counted.TooLong,
            Steps = loop.Step,
            BestStep = loop.BestStep,
            TrainedTokens = loop.TrainedTokens,
            Validation = loop.Paused ? loop.PausedValidation : loop.BestValidation,
            Seconds = time.GetElapsedTime(started).TotalSeconds,
            CpuSeconds = loop.EarlierCpuSeconds + ProcessMeters.CpuSeconds(),
            PeakMemoryBytes = ProcessMeters.PeakMemoryBytes(),
        };
    }

    /// <summary>Faults of rows and method together, before anything costly is opened.</summary>
    private static void Check(TrainingJob job, IReadOnlyList<TrainingRow> rows)
    {
        if (rows is not [var first, ..])
        {
            throw new TrainingFailedException($"{job.ExamplesPath} has no row of the splits {ExampleFile.Train} and {ExampleFile.Validation}.");
        }

        var wanted = PreferenceLosses.Find(job.Method) is { } loss ? loss.Paired ? RowKind.Preference : RowKind.Judged : first.Kind is RowKind.Text ? RowKind.Text : RowKind.Conversation;
        if (first.Kind != wanted)
        {
            throw new TrainingFailedException($"{job.ExamplesPath} has rows of the form {first.Kind}, but the method {job.Method} needs {wanted}.");
        }

        if (job.Lora is null && rows.FirstOrDefault(r => r.Teacher is not null) is { } taught)
        {
            throw new TrainingFailedException($"The row {taught.Id} carries a teacher's log-probabilities, which only adapter training (lora) learns from; leave them out to learn from its answer.");
        }
    }

    private static DataReport Report(
        TrainingJob job, StartingPoint start, IReadOnlyList<TrainingExample> training, IReadOnlyList<TrainingExample> validation,
        (int TooLong, int Cut, int WithoutTarget) counted, int steps)
    {
        long tokens = training.Sum(e => (long)e.Length), trained = training.Sum(e => (long)e.TrainedCount + (e.Rejected?.TrainedCount ?? 0));
        var prefix = job.Lora is not null && job.Options.SharePrefix && training.Count > 1 ? Pack.CommonPrefix([.. training.Select(e => e.Document())]) : 0;
        double? seconds = null;
        if (start.Flops is { } flops)
        {
            // Of each pass's shared beginning only one copy is computed.
            var computed = tokens - (prefix * (long)training.Sum(e => e.Rejected is null ? 1 : 2));
            seconds = job.Options.Epochs * ((computed * flops.Token) + (trained * flops.Target)) / (MachineSpeed.ExpectedShare * MachineSpeed.FlopsPerSecond(job.Options.Threads ?? Environment.ProcessorCount));
        }

        return new DataReport
        {
            Rows = training.Count,
            ValidationRows = validation.Count,
            Tokens = tokens,
            TrainedTokens = trained,
            Cut = counted.Cut,
            Dropped = counted.TooLong,
            WithoutTarget = counted.WithoutTarget,
            Longest = training.Max(e => Math.Max(e.Ids.Length, e.Rejected?.Ids.Length ?? 0)),
            SharedPrefix = prefix,
            Steps = steps,
            TrainableValues = start.Trainable,
            Seconds = seconds,
            MemoryBytes = start.MemoryBytes((int)Math.Min(job.Options.MicroBatchTokens, job.Options.BatchExamples * (tokens / training.Count))),
            Price = seconds / 3600 * job.Limits?.HourPrice,
            Currency = job.Limits?.Currency,
        };
    }

    private sealed class Relay : ITrainingObserver
    {
        public ITrainingObserver? Target { get; set; }

        public void Stepped(StepReport report) => Target?.Stepped(report);

        public void Validated(int step, ValidationResult result, bool isBest) => Target?.Validated(step, result, isBest);

        public void RolledBack(int step, int to, string message) => Target?.RolledBack(step, to, message);

        public void Saved(int step) => Target?.Saved(step);
    }
}
