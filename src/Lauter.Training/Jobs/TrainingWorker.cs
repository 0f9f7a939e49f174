using System.Runtime.InteropServices;
using Lauter.Catalog.Objects;
using Lauter.Models.Gguf;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Training.Checkpoints;
using Lauter.Training.Examples;
using Lauter.Training.Loop;
using Lauter.Training.Natives;
using TorchSharp;

namespace Lauter.Training.Jobs;

/// <summary>The child's side of a training: reads a job file, trains, writes the model. Everything it has to say goes out as JSON lines.</summary>
public static class TrainingWorker
{
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
            or GgufFormatException or TokenizerException or TemplateException or TorchUnavailableException or ExternalException)
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
        using var start = StartingPoint.Of(job, rows, checkpoints, cancellationToken);
        var limit = Math.Min(job.Options.MaximumTokens ?? int.MaxValue, start.Network.Config.ContextLength);
        var encoder = new ExampleEncoder(start.Template, start.Tokenizer, limit);
        var training = encoder.Encode(rows, ExampleFile.Train);
        var validation = encoder.Encode(rows, ExampleFile.Validation);
        if (training.Count == 0)
        {
            throw new TrainingFailedException($"{job.ExamplesPath} has no example to train on: {rows.Count} rows of train and validation, {encoder.TooLong} of them longer than {limit} tokens.");
        }

        // 2. The reporter must know the step before the loop runs, so the loop reports through it later.
        var relay = new Relay();
        var loop = new TrainingLoop(
            start.Network, training, validation, job.Options, start.ControlTokens, RunDigest.Of(job), Path.Combine(checkpoints, CheckpointFile.Name), relay, time)
        {
            CpuSeconds = ProcessMeters.CpuSeconds,
        };
        var resumed = loop.TryResume();
        using var reporter = new TrainingReporter(events, Path.Combine(job.OutputDirectory, "metrics.jsonl"), loop.Step, time)
        {
            EarlierCpuSeconds = loop.EarlierCpuSeconds,
        };
        relay.Target = reporter;
        reporter.Send(new TrainingEvent
        {
            Kind = TrainingEventKinds.Started,
            Step = loop.Step,
            Steps = loop.Steps,
            Message = $"{start.Network.ParameterCount} parameters, vocabulary {start.Tokenizer.VocabularySize}, {training.Count} examples ({encoder.TooLong} too long), "
                + $"{training.Sum(e => (long)e.Ids.Length)} tokens an epoch{(resumed ? $", continued after step {loop.Step}" : "")}",
        });

        // 3.
        loop.Run(cancellationToken);

        // 4., 5. The result last: where it is, everything is.
        start.Save(Path.Combine(job.OutputDirectory, "model.gguf"), job.Name);
        var result = new TrainingResult
        {
            Model = "model.gguf",
            Parameters = start.Network.ParameterCount,
            VocabularySize = start.Tokenizer.VocabularySize,
            TrainingExamples = training.Count,
            ExamplesTooLong = encoder.TooLong,
            Steps = loop.Steps,
            BestStep = loop.BestStep,
            TrainedTokens = loop.TrainedTokens,
            Validation = loop.BestValidation,
            Seconds = time.GetElapsedTime(started).TotalSeconds,
            CpuSeconds = loop.EarlierCpuSeconds + ProcessMeters.CpuSeconds(),
            PeakMemoryBytes = ProcessMeters.PeakMemoryBytes(),
        };
        AtomicFile.WriteJson(Path.Combine(job.OutputDirectory, "result.json"), result, TrainingJson.Default.TrainingResult);
        reporter.Send(new TrainingEvent { Kind = TrainingEventKinds.Result, Step = loop.Steps, Steps = loop.Steps, Result = result });
    }

    private sealed class Relay : ITrainingObserver
    {
        public ITrainingObserver? Target { get; set; }

        public void Stepped(StepReport report) => Target?.Stepped(report);

        public void Validated(int step, ValidationResult result, bool isBest) => Target?.Validated(step, result, isBest);

        public void Saved(int step) => Target?.Saved(step);
    }
}
