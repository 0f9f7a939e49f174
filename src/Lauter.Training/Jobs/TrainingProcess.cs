using System.Diagnostics;
using Lauter.Training.Loop;

namespace Lauter.Training.Jobs;

/// <summary>The program that trains: it is started with <paramref name="Arguments"/> and, last, the path of the job file.</summary>
/// <param name="Program">Executable.</param>
/// <param name="Arguments">For example <c>worker train</c>.</param>
public sealed record TrainingLaunch(string Program, IReadOnlyList<string> Arguments);

/// <summary>
/// Trains in a child process: a crash of native code is a failed run, never a dead server. The child lives only as long as its standard input
/// is open, so it cannot outlive this process, however it ends.
/// </summary>
public static class TrainingProcess
{
    private const int LogLinesKept = 30;
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(3);

    /// <summary>Runs <paramref name="job"/> to its end.</summary>
    /// <param name="launch">What to start.</param>
    /// <param name="job">Its job file is written to the output directory.</param>
    /// <param name="progress">Receives each event in order; null when nobody looks.</param>
    /// <param name="cancellationToken">Asks the child to stop with a checkpoint, and kills it after 3 s.</param>
    /// <exception cref="TrainingFailedException">The run failed or the child crashed; the message has its reason, signal and last lines.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; the next run of the same job continues it.</exception>
    public static async Task<TrainingResult> RunAsync(
        TrainingLaunch launch, TrainingJob job, IProgress<TrainingEvent>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(launch);
        ArgumentNullException.ThrowIfNull(job);
        var jobPath = Path.Combine(job.OutputDirectory, "job.json");
        job.Write(jobPath);
        var start = new ProcessStartInfo(launch.Program, [.. launch.Arguments, jobPath])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // OpenMP's threads spin at every barrier. Endless spinning made steps ten times slower while another process held a core; sleeping at once
        // halves the speed of an idle machine (5,900 against 12,600 tokens/s with the nano preset on two cores). A short spin keeps nearly all of
        // it (11,700), and ends soon enough for others.
        if (!start.Environment.ContainsKey("OMP_WAIT_POLICY"))
        {
            start.Environment.TryAdd("GOMP_SPINCOUNT", "10000");
        }

        using var child = Process.Start(start) ?? throw new TrainingFailedException($"{launch.Program} did not start.");
        var log = new LogTail(LogLinesKept);
        TrainingEvent? last = null;
        var events = ReadLinesAsync(child.StandardOutput, line =>
        {
            if (TrainingEvent.TryParse(line) is { } trainingEvent)
            {
                last = trainingEvent;
                progress?.Report(trainingEvent);
            }
            else
            {
                log.Add(line);
            }
        });
        var errors = ReadLinesAsync(child.StandardError, log.Add);
        try
        {
            await child.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await StopAsync(child);
            await Task.WhenAll(events, errors);
            throw;
        }

        await Task.WhenAll(events, errors);
        return child.ExitCode == 0 && last?.Result is { } result ? result : throw new TrainingFailedException(Describe(child.ExitCode, last, log));
    }

    private static async Task ReadLinesAsync(StreamReader reader, Action<string> receive)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            receive(line);
        }
    }

    private static async Task StopAsync(Process child)
    {
        using var grace = new CancellationTokenSource(StopGrace);
        try
        {
            await child.StandardInput.WriteLineAsync(WorkerLifetime.StopLine);
            await child.StandardInput.FlushAsync(grace.Token);
            await child.WaitForExitAsync(grace.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // Too slow, or its input is closed because it is ending: either way it must not stay.
            child.Kill(entireProcessTree: true);
            await child.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static string Describe(int exitCode, TrainingEvent? last, LogTail log)
    {
        var used = last?.CpuSeconds is { } cpu ? $" It had used {cpu:F1} CPU seconds and at most {(last.PeakMemoryBytes ?? 0) / 1048576} MiB." : "";
        if (last is { Kind: TrainingEventKinds.Failed, Message: { } message })
        {
            return message + used;
        }

        // .NET reports a child that a signal ended as 128 + signal.
        var how = exitCode > 128 ? $"was ended by signal {SignalName(exitCode - 128)}" : $"ended with exit code {exitCode} and no model";
        var step = last?.Step is { } at ? $" after step {at} of {last.Steps}" : "";
        var lines = log.ToString();
        return $"The training process {how}{step}.{used} Run again to continue from its last checkpoint.{(lines.Length > 0 ? $" Its last lines:\n{lines}" : "")}";
    }

    private static string SignalName(int signal) => signal switch
    {
        4 => "4 (SIGILL: the processor lacks an instruction)",
        6 => "6 (SIGABRT: native code gave up)",
        7 => "7 (SIGBUS)",
        9 => "9 (SIGKILL: killed, often because memory ran out)",
        11 => "11 (SIGSEGV: native code crashed)",
        15 => "15 (SIGTERM)",
        _ => $"{signal}",
    };

    /// <summary>The last lines written, from two readers.</summary>
    private sealed class LogTail(int capacity)
    {
        private readonly Queue<string> _lines = new();
        private readonly Lock _lock = new();

        public void Add(string line)
        {
            lock (_lock)
            {
                _lines.Enqueue(line);
                if (_lines.Count > capacity)
                {
                    _lines.Dequeue();
                }
            }
        }

        public override string ToString()
        {
            lock (_lock)
            {
                return string.Join('\n', _lines);
            }
        }
    }
}
