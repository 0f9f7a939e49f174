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
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private const int Headroom = 8;

    private float* _pointer;
    private void* _start;
    private nuint _mapped;

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
            // A little more than asked for, or every slightly longer batch would ask the system for all of it again.
            count = Capacity == 0 ? count : count + (count / Headroom);
            Free();
            var bytes = checked((nuint)(count * sizeof(float)));
            if (bytes < LargePage || !OperatingSystem.IsLinux())
            {
                _pointer = (float*)NativeMemory.AlignedAlloc(bytes, Alignment);
            }
            else
            {
                // From the system and back to it: the C library would keep freed pieces of this size. Large pages spare most page faults and address look-ups.
                _mapped = bytes + LargePage;
                _start = Map(null, _mapped, ReadWrite, PrivateAnonymous, -1, 0);
                if (_start == (void*)-1)
                {
                    _start = null;
                    _mapped = 0;
                    throw new InsufficientMemoryException($"{bytes >> 20} MiB of memory could not be had.");
                }

                _pointer = (float*)(((nuint)_start + LargePage - 1) / LargePage * LargePage);
                _ = Advise(_pointer, bytes, UseLargePages);
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

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* address, nuint length, int advice);

    private void Free()
    {
        if (_mapped > 0)
        {
            _ = Unmap(_start, _mapped);
        }
        else
        {
            NativeMemory.AlignedFree(_pointer);
        }

        _pointer = null;
        _start = null;
        _mapped = 0;
        Capacity = 0;
    }
}
