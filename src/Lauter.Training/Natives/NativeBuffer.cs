using System.Runtime.InteropServices;

namespace Lauter.Training.Natives;

/// <summary>
/// Float memory outside the garbage collector, aligned for vector instructions. It only grows, so a training step allocates nothing once the
/// longest batch was seen. Not thread-safe.
/// </summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    private const int Alignment = 64;
    private const nuint LargePage = 2 << 20;
    private const int UseLargePages = 14;

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
            var bytes = checked((nuint)(count * sizeof(float)));
            if (bytes >= LargePage && OperatingSystem.IsLinux())
            {
                // Large pages spare most of the page faults and address look-ups of buffers that are walked through from end to end.
                bytes = (bytes + LargePage - 1) / LargePage * LargePage;
                _pointer = (float*)NativeMemory.AlignedAlloc(bytes, LargePage);
                _ = Advise(_pointer, bytes, UseLargePages);
            }
            else
            {
                _pointer = (float*)NativeMemory.AlignedAlloc(bytes, Alignment);
            }

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

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* address, nuint length, int advice);

    private void Free()
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        Capacity = 0;
    }
}
