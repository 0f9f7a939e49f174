using System.Diagnostics;

namespace Lauter.Inference.Engine;

/// <summary>One run of the engine's program.</summary>
internal sealed class EngineChild : IAsyncDisposable
{
    /// <summary>Lines of standard error that a crash report shows.</summary>
    public const int KeptLines = 40;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly string _options;
    private readonly Queue<string> _lines = new();
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _started;

    public EngineChild(EngineLaunch launch, string options)
    {
        _options = options;
        var start = new ProcessStartInfo(launch.FileName, launch.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in launch.Environment)
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start };
    }

    public int Id { get; private set; }

    /// <summary>Completes when the program said that it takes requests.</summary>
    public Task Ready => _ready.Task;

    public int? ExitCode => _started && _process.HasExited ? _process.ExitCode : null;

    /// <summary>The runtime reports a signal as 128 + its number.</summary>
    public string? Signal => ExitCode switch
    {
        134 => "SIGABRT",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL",
        139 => "SIGSEGV",
        143 => "SIGTERM",
        > 128 and < 160 and var code => $"signal {code - 128}",
        _ => null,
    };

    public IReadOnlyList<string> LastLines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    private TimeSpan _lastCpu;

    /// <summary>Processor time so far; after the end what was last seen.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            try
            {
                _lastCpu = _started ? _process.TotalProcessorTime : TimeSpan.Zero;
            }
            catch (InvalidOperationException)
            {
                // It has ended; the kernel no longer keeps the figure.
            }

            return _lastCpu;
        }
    }

    public async Task StartAsync()
    {
        _process.OutputDataReceived += (_, line) =>
        {
            if (string.Equals(line.Data, EngineServer.ReadyLine, StringComparison.Ordinal))
            {
                _ready.TrySetResult();
            }
        };
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        await ProcessLauncher.StartAsync(_process);
        _started = true;
        Id = _process.Id;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        try
        {
            await _process.StandardInput.WriteLineAsync(_options);
            await _process.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            // It ended at once; its exit code and last lines say why.
        }
    }

    public async Task WaitForEndAsync() => await _process.WaitForExitAsync();

    /// <summary>Closes its standard input, which asks it to end, and kills it when it does not.</summary>
    public async Task StopAsync()
    {
        _ = CpuTime;
        _process.StandardInput.Close();
        try
        {
            await _process.WaitForExitAsync().WaitAsync(Grace);
        }
        catch (TimeoutException)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    public ValueTask DisposeAsync()
    {
        if (_started && !_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_gate)
        {
            _lines.Enqueue(line);
            if (_lines.Count > KeptLines)
            {
                _lines.Dequeue();
            }
        }
    }
}
