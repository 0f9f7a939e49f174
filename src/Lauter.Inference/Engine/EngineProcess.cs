using System.Diagnostics;
using System.Text.Json;

namespace Lauter.Inference.Engine;

/// <summary>How the engine's program is started: normally this program itself with its hidden engine verb.</summary>
/// <param name="FileName">The executable.</param>
/// <param name="Arguments">Its arguments; it must end up in <see cref="EngineServer.RunChildAsync"/>.</param>
public sealed record EngineLaunch(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>Environment variables set besides the inherited ones.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}

/// <summary>What happened to an engine's process.</summary>
public enum EngineEventKind
{
    /// <summary>A process was started.</summary>
    Started,

    /// <summary>It answers requests.</summary>
    Ready,

    /// <summary>It ended without being asked to.</summary>
    Crashed,

    /// <summary>It ended because it was asked to.</summary>
    Stopped,
}

/// <summary>One event of an engine's process.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="ProcessId">The process.</param>
/// <param name="ExitCode">Exit code of a crashed process; 128 + n when signal n ended it.</param>
/// <param name="Signal">The signal that ended it, for instance <c>SIGKILL</c>, or null.</param>
/// <param name="LastLines">What it last wrote to standard error.</param>
public sealed record EngineEvent(EngineEventKind Kind, int ProcessId, int? ExitCode, string? Signal, IReadOnlyList<string> LastLines);

/// <summary>The engine could not be started or did not become ready.</summary>
/// <param name="message">For people; holds the process's last lines.</param>
public sealed class EngineStartException(string message) : Exception(message);

/// <summary>
/// Keeps one engine running in a child process: starts it, waits until it answers, starts it again after a crash (waiting 0.25 s, then
/// twice as long each time up to 30 s), stops it within 3 s. Requests in flight during a crash fail with
/// <see cref="EngineException"/>; the socket path stays the same over restarts. Thread-safe.
/// </summary>
public sealed class EngineProcess : IAsyncDisposable
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(1);

    private readonly EngineLaunch _launch;
    private readonly EngineOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SocketPlace _place;
    private readonly TaskCompletionSource _firstReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile EngineChild? _child;
    private TimeSpan _cpuOfEnded;
    private Task _supervision = Task.CompletedTask;

    private EngineProcess(EngineLaunch launch, EngineOptions options, TimeProvider time)
    {
        _launch = launch;
        _time = time;
        _place = SocketPlace.Create(options.SocketPath);
        _options = options with { SocketPath = _place.SocketPath };
        Client = new EngineClient(_place.SocketPath);
    }

    /// <summary>Raised in order, from a pool thread; a handler must not block.</summary>
    public event Action<EngineEvent>? Changed;

    /// <summary>The engine's Unix socket; at most 107 bytes, in a directory that only this user may enter.</summary>
    public string SocketPath => _place.SocketPath;

    /// <summary>Typed calls to this engine.</summary>
    public EngineClient Client { get; }

    /// <summary>The present process, or null between a crash and the restart.</summary>
    public int? ProcessId => _child?.Id;

    /// <summary>Whether requests can be sent now.</summary>
    public bool IsReady => _ready.Task.IsCompletedSuccessfully;

    /// <summary>Processor time of all processes of this engine so far, user and system.</summary>
    public TimeSpan CpuTime => _cpuOfEnded + (_child?.CpuTime ?? TimeSpan.Zero);

    /// <summary>Starts an engine and returns when it answers.</summary>
    /// <param name="launch">The program.</param>
    /// <param name="options">The model and its limits; a null socket path is chosen here.</param>
    /// <param name="changed">Receives every event, the first included.</param>
    /// <param name="time">Clock of the restart delays. Default: the system's.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="EngineStartException">The first process ended before it was ready; it is not restarted.</exception>
    public static async Task<EngineProcess> StartAsync(
        EngineLaunch launch, EngineOptions options, Action<EngineEvent>? changed = null, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        var engine = new EngineProcess(launch, options, time ?? TimeProvider.System);
        engine.Changed += changed;
        engine._supervision = Task.Run(engine.SuperviseAsync, CancellationToken.None);
        try
        {
            await engine._firstReady.Task.WaitAsync(cancellationToken);
            return engine;
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>An HTTP client for raw OpenAI requests to this engine; the caller disposes it.</summary>
    public HttpClient CreateClient(TimeSpan? timeout = null) => EngineClient.Connect(SocketPath, timeout ?? TimeSpan.FromMinutes(10));

    /// <summary>Waits until requests can be sent: at once when running, after the restart when it has crashed.</summary>
    public Task WaitReadyAsync(CancellationToken cancellationToken) => _ready.Task.WaitAsync(cancellationToken);

    /// <summary>Ends the process: asks for 2 s, then kills. Requests in flight fail. Can be called again.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _supervision;
    }

    /// <summary>Stops the engine and removes its socket.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Client.Dispose();
        _place.Dispose();
    }

    private async Task SuperviseAsync()
    {
        var delay = FirstDelay;
        while (!_stopping.IsCancellationRequested)
        {
            var started = _time.GetTimestamp();
            await using var child = new EngineChild(_launch, JsonSerializer.Serialize(_options, EngineOptionsJson.Default.EngineOptions));
            try
            {
                await child.StartAsync();
            }
            catch (Exception error) when (error is System.ComponentModel.Win32Exception or InvalidOperationException)
            {
                Fail($"The engine's program '{_launch.FileName}' cannot be started: {error.Message}");
                return;
            }

            _child = child;
            Raise(new EngineEvent(EngineEventKind.Started, child.Id, null, null, []));
            await RunAsync(child);
            _child = null;
            _cpuOfEnded += child.CpuTime;
            if (_stopping.IsCancellationRequested)
            {
                Raise(new EngineEvent(EngineEventKind.Stopped, child.Id, child.ExitCode, child.Signal, child.LastLines));
                Fail("The engine was stopped.");
                return;
            }

            _ready = _ready.Task.IsCompleted ? new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously) : _ready;
            Raise(new EngineEvent(EngineEventKind.Crashed, child.Id, child.ExitCode, child.Signal, child.LastLines));
            if (!_firstReady.Task.IsCompleted)
            {
                Fail($"The engine ended with code {child.ExitCode} before it was ready:\n{string.Join('\n', child.LastLines)}");
                return;
            }

            // A process that ran for a while earns a fresh start; one that falls over at once waits longer each time.
            delay = _time.GetElapsedTime(started) > LongestDelay ? FirstDelay : delay;
            await DelayAsync(delay);
            delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
        }
    }

    private async Task RunAsync(EngineChild child)
    {
        var ended = child.WaitForEndAsync();
        if (await Task.WhenAny(child.Ready, ended, Cancelled()) == child.Ready)
        {
            _ready.TrySetResult();
            _firstReady.TrySetResult();
            Raise(new EngineEvent(EngineEventKind.Ready, child.Id, null, null, []));
        }

        var cancelled = Cancelled();
        while (!ended.IsCompleted && !cancelled.IsCompleted)
        {
            // The kernel forgets a process's times with the process, so they are read while it lives.
            _ = child.CpuTime;
            await Task.WhenAny(ended, cancelled, Task.Delay(SampleEvery, CancellationToken.None));
        }

        if (!ended.IsCompleted)
        {
            await child.StopAsync();
        }

        await ended;
    }

    private Task Cancelled() => Task.Delay(Timeout.InfiniteTimeSpan, _stopping.Token);

    private async Task DelayAsync(TimeSpan delay)
    {
        try
        {
            await Task.Delay(delay, _time, _stopping.Token);
        }
        catch (OperationCanceledException)
        {
            // Stopped while waiting: the loop ends.
        }
    }

    private void Fail(string message)
    {
        _firstReady.TrySetException(new EngineStartException(message));
        _ready.TrySetException(new EngineException(0, "engine_stopped", message));
        // Nobody need be waiting for either.
        _ = _firstReady.Task.Exception;
        _ = _ready.Task.Exception;
    }

    private void Raise(EngineEvent item) => Changed?.Invoke(item);
}
