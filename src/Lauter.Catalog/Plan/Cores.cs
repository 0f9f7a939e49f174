using System.Diagnostics;

namespace Lauter.Catalog.Plan;

/// <summary>Hands out cores; a request for all of them (0) or for more than there are waits until the machine is free.</summary>
internal sealed class CoreSlots(int cores) : IDisposable
{
    private readonly SemaphoreSlim _free = new(cores, cores);
    private readonly SemaphoreSlim _turn = new(1, 1);

    public async Task<IDisposable> TakeAsync(int wanted, CancellationToken cancellationToken)
    {
        var count = wanted <= 0 ? cores : Math.Min(wanted, cores);

        // One taker collects at a time, so two large requests cannot hold half of the cores each and wait for ever.
        await _turn.WaitAsync(cancellationToken);
        var taken = 0;
        try
        {
            for (; taken < count; taken++)
            {
                await _free.WaitAsync(cancellationToken);
            }
        }
        catch
        {
            if (taken > 0)
            {
                _free.Release(taken);
            }

            throw;
        }
        finally
        {
            _turn.Release();
        }

        return new Slot(_free, count);
    }

    public void Dispose()
    {
        _free.Dispose();
        _turn.Dispose();
    }

    private sealed class Slot(SemaphoreSlim free, int count) : IDisposable
    {
        public void Dispose() => free.Release(count);
    }
}

/// <summary>
/// Divides this process's CPU time among the steps that run in it: at every beginning and end, what was used since the last one is
/// shared equally by the steps then running, so the shares add up to what the process used.
/// </summary>
internal sealed class CpuShares
{
    private readonly Lock _lock = new();
    private readonly List<Share> _running = [];
    private TimeSpan _last;

    public Share Begin()
    {
        lock (_lock)
        {
            Divide();
            var share = new Share();
            _running.Add(share);
            return share;
        }
    }

    public TimeSpan End(Share share)
    {
        lock (_lock)
        {
            Divide();
            _running.Remove(share);
            return share.Used;
        }
    }

    private void Divide()
    {
        using var process = Process.GetCurrentProcess();
        var now = process.TotalProcessorTime;
        foreach (var share in _running)
        {
            share.Used += (now - _last) / _running.Count;
        }

        _last = now;
    }

    internal sealed class Share
    {
        public TimeSpan Used { get; set; }
    }
}
