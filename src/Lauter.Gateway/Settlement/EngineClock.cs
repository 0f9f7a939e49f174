namespace Lauter.Gateway.Settlement;

/// <summary>
/// Divides the time of an engine's cores among the requests that run at the same time: while k requests run, each is charged 1/k of
/// <c>cores</c>. So charges plus idle time are exactly the time for which the cores were kept, whatever the concurrency.
/// </summary>
/// <remarks>Engines that share the cores of one machine share one clock: two clocks would charge the same cores twice. Safe for concurrent use. A share is computed from a virtual clock that advances by elapsed × cores / k: O(1) per request.</remarks>
public sealed class EngineClock
{
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private long _at;
    private int _active;
    private double _share;
    private double _idle;

    /// <param name="cores">Cores that the engine keeps, at least 1.</param>
    /// <param name="time">The clock.</param>
    /// <param name="name">The engine's name in postings of idle time.</param>
    public EngineClock(int cores, TimeProvider time, string name = "engine")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cores);
        Cores = cores;
        Name = name;
        _time = time;
        _at = time.GetTimestamp();
    }

    /// <summary>Cores that the engine keeps.</summary>
    public int Cores { get; }

    /// <summary>The engine's name in postings of idle time.</summary>
    public string Name { get; }

    /// <summary>A request begins; <see cref="Stop"/> takes what this returns.</summary>
    public double Start()
    {
        lock (_gate)
        {
            Advance();
            _active++;
            return _share;
        }
    }

    /// <summary>A request ends.</summary>
    /// <returns>Its share in core-microseconds.</returns>
    public long Stop(double start)
    {
        lock (_gate)
        {
            Advance();
            _active--;
            return (long)Math.Round(_share - start);
        }
    }

    /// <summary>Core-microseconds without any request since the last call.</summary>
    public long TakeIdle()
    {
        lock (_gate)
        {
            Advance();
            var idle = (long)_idle;
            _idle -= idle;
            return idle;
        }
    }

    private void Advance()
    {
        var now = _time.GetTimestamp();
        var cores = _time.GetElapsedTime(_at, now).TotalMicroseconds * Cores;
        _at = now;
        if (_active == 0)
        {
            _idle += cores;
        }
        else
        {
            _share += cores / _active;
        }
    }
}
