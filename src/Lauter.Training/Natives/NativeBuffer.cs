using System.Runtime.InteropServices;

namespace Lauter.Training.Natives;

/// <summary>
/// Float memory outside the garbage collector, aligned for vector instructions. It only grows, so a training step allocates nothing once the
/// longest batch was seen. Not thread-safe.
/// </summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const int Alignment = 64;

    private float* _pointer;

    public NativeBuffer(long count = 0) => Reserve(count);

    ~NativeBuffer() => Free();

    /// <summary>Floats there is room for.</summary>
    public long Capacity { get; private set; }

    public float* Pointer => _pointer;

    /// <summary>Room for <paramref name="count"/> floats; the contents are lost when it must grow.</summary>
    public float* Reserve(long count)
    {
        if (count > Capacity)
        {
            Free();
            _pointer = (float*)NativeMemory.AlignedAlloc(checked((nuint)(count * sizeof(float))), Alignment);
            Capacity = count;
        }

        return _pointer;
    }

    public Span<float> Span(long start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Capacity - count);
        return new Span<float>(_pointer + start, count);
    }

    public void Clear() => NativeMemory.Clear(_pointer, (nuint)(Capacity * sizeof(float)));

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        Capacity = 0;
    }
}
