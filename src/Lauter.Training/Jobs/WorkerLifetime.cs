using System.Runtime.InteropServices;

namespace Lauter.Training.Jobs;

/// <summary>
/// Ties the child to its parent by standard input: the line "stop" asks for a clean end, and the end of input means that the parent is gone.
/// A death signal from the kernel would not do: it fires when the parent's *thread* that forked ends, and that is a pool thread.
/// </summary>
internal sealed class WorkerLifetime : IDisposable
{
    public const string StopLine = "stop";

    private static readonly TimeSpan OrphanGrace = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    public WorkerLifetime(TextReader input)
    {
        // Ctrl+C reaches the whole group; the parent decides and sends "stop".
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            _stop.Cancel();
        });
        new Thread(() => Watch(input)) { IsBackground = true, Name = "parent watch" }.Start();
    }

    public CancellationToken Stopping => _stop.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
    }

    private void Watch(TextReader input)
    {
        while (input.ReadLine() is { } line)
        {
            if (line == StopLine)
            {
                _stop.Cancel();
                return;
            }
        }

        // Nobody is left to read a result: leave a checkpoint if that is quick, and go.
        _stop.Cancel();
        using var never = new ManualResetEvent(initialState: false);
        never.WaitOne(OrphanGrace);
        Environment.Exit(TrainingWorker.ExitOrphaned);
    }
}
