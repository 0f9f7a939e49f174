using System.Runtime.ExceptionServices;

namespace Lauter.Training.Natives;

/// <summary>
/// A few threads that work side by side, each on its own part of a batch with single-threaded matrix products. On small networks this beats
/// one batch on many-threaded products: there is no barrier inside a layer, and what is no matrix product runs on all cores too.
/// </summary>
internal sealed class Lanes : IDisposable
{
    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _start;
    private readonly SemaphoreSlim _done = new(0);
    private readonly Exception?[] _faults;
    private Action<int>? _work;

    /// <param name="count">Lanes, 1 or more.</param>
    public Lanes(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        _faults = new Exception?[count];
        _start = [.. Enumerable.Range(1, count - 1).Select(_ => new SemaphoreSlim(0))];
        _threads = [.. Enumerable.Range(1, count - 1).Select(lane => new Thread(() => Work(lane)) { IsBackground = true, Name = $"training lane {lane}" })];
        Array.ForEach(_threads, t => t.Start());
    }

    public int Count { get; }

    /// <summary>Runs <paramref name="work"/> once per lane, lane 0 on the calling thread, and waits for all.</summary>
    public void Run(Action<int> work)
    {
        _work = work;
        Array.ForEach(_start, s => s.Release());
        Once(0);
        for (var i = 1; i < Count; i++)
        {
            _done.Wait();
        }

        _work = null;
        if (Array.Find(_faults, f => f is not null) is { } fault)
        {
            Array.Clear(_faults);
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    public void Dispose()
    {
        _work = null;
        Array.ForEach(_start, s => s.Release());
        Array.ForEach(_threads, t => t.Join());
        Array.ForEach(_start, s => s.Dispose());
        _done.Dispose();
    }

    private void Work(int lane)
    {
        while (true)
        {
            _start[lane - 1].Wait();
            if (_work is null)
            {
                return;
            }

            Once(lane);
            _done.Release();
        }
    }

    private void Once(int lane)
    {
        var before = Blas.UseThreads(1);
        try
        {
            _work!(lane);
        }
        catch (Exception e)
        {
            // Thrown again on the calling thread, with its stack, once every lane has ended.
            _faults[lane] = e;
        }
        finally
        {
            Blas.UseThreads(before);
        }
    }
}
