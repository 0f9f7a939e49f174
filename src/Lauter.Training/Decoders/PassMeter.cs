using System.Diagnostics;

namespace Lauter.Training.Decoders;

/// <summary>Where the time of a training step goes.</summary>
internal enum Part
{
    /// <summary>Products with the base's matrices.</summary>
    Products,

    /// <summary>Products of the adapter's gradients.</summary>
    Adapter,

    Attention,

    /// <summary>Norms, gates, rotations, sums.</summary>
    Elementwise,

    /// <summary>Output matrix and loss.</summary>
    Head,

    /// <summary>Widening layers and adding the adapter to them.</summary>
    Weights,
}

/// <summary>A stopwatch per lane that is read after each piece of work; some twenty nanoseconds a reading.</summary>
internal sealed class PassMeter
{
    private readonly long[] _ticks = new long[Enum.GetValues<Part>().Length];
    private long _last = Stopwatch.GetTimestamp();

    /// <summary>Begins anew without counting what was before.</summary>
    public void Start() => _last = Stopwatch.GetTimestamp();

    /// <summary>Counts the time since the last reading for <paramref name="part"/>.</summary>
    public void Mark(Part part)
    {
        var now = Stopwatch.GetTimestamp();
        _ticks[(int)part] += now - _last;
        _last = now;
    }

    /// <summary>Seconds so far.</summary>
    public double Seconds(Part part) => (double)_ticks[(int)part] / Stopwatch.Frequency;
}
