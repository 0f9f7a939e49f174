using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Lauter.Models.Gguf;

/// <summary>
/// A GGUF file opened for reading: memory-mapped, its header fully checked in managed code. Tensor data is read on demand. Reading is thread-safe;
/// nothing may be read after <see cref="Dispose"/>.
/// </summary>
public sealed partial class GgufFile : IDisposable
{
    private const int ChunkBytes = 1 << 20;

    private const int DoNotNeed = 4;

    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly Dictionary<string, GgufTensor> _byName;

    private GgufFile(string path, MemoryMappedFile map, MemoryMappedViewAccessor view, long length)
    {
        Path = path;
        _map = map;
        _view = view;
        (Version, Alignment, Metadata, var tensors) = GgufHeader.Read(new GgufCursor(view.SafeMemoryMappedViewHandle, length, path));
        Tensors = tensors;
        _byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>The file's path as given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>Version of the container, 2 or 3.</summary>
    public uint Version { get; }

    /// <summary>Bytes on whose multiples tensors start.</summary>
    public int Alignment { get; }

    /// <summary>The typed key-value part.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>Tensors in the file's order.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="GgufFormatException">The file is no sound GGUF file; the message says which field is wrong.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static GgufFile Open(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        var length = stream.Length;
        if (length < 24)
        {
            stream.Dispose();
            throw new GgufFormatException($"{path}: a file of {length} bytes is too short for a GGUF header of 24.");
        }

        MemoryMappedFile? map = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            map = MemoryMappedFile.CreateFromFile(stream, mapName: null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            view = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            return new GgufFile(path, map, view, length);
        }
        catch
        {
            // The half-open mapping must not outlive a refused file.
            view?.Dispose();
            map?.Dispose();
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="GgufFormatException">There is none; the message lists how many there are.</exception>
    public GgufTensor Tensor(string name) => _byName.TryGetValue(name, out var tensor)
        ? tensor
        : throw new GgufFormatException($"{Path}: there is no tensor '{name}' among {Tensors.Count}.");

    /// <summary>Looks a tensor up by name.</summary>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out GgufTensor? tensor) => _byName.TryGetValue(name, out tensor);

    /// <summary>All values of a tensor as 32-bit floats, dequantised, in row-major order of <see cref="GgufTensor.Shape"/>.</summary>
    /// <exception cref="GgufFormatException">No such tensor, a storage type that is not dequantised here, or more than 2³¹ values.</exception>
    public float[] ReadFloat32(string name)
    {
        var tensor = Tensor(name);
        if (tensor.ElementCount > Array.MaxLength)
        {
            throw new GgufFormatException($"{Path}: tensor '{name}' has {tensor.ElementCount} values: too many for one array, read it in rows.");
        }

        var values = new float[tensor.ElementCount];
        ReadFloat32(tensor, 0, values);
        return values;
    }

    /// <summary>Dequantises part of a tensor.</summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <param name="start">First value; a multiple of the block length (32 or 256 for quantised types).</param>
    /// <param name="destination">Receives its length of values; also a multiple of the block length.</param>
    public void ReadFloat32(GgufTensor tensor, long start, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!Dequantiser.Supports(tensor.Type))
        {
            throw new GgufFormatException($"{Path}: tensor '{tensor.Name}' is stored as {tensor.Type}, which is not dequantised here; convert the model to F16, Q8_0, Q4_K or the like.");
        }

        var (values, size) = GgufTypeSizes.Block(tensor.Type);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        if (start % values != 0 || destination.Length % values != 0 || start > tensor.ElementCount - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(start), $"{start}..{start + destination.Length} is no range of whole blocks of {values} within {tensor.ElementCount} values of '{tensor.Name}'.");
        }

        var blocksPerChunk = ChunkBytes / size;
        var buffer = ArrayPool<byte>.Shared.Rent(blocksPerChunk * size);
        var position = tensor.Offset + (start / values * size);
        for (var done = 0; done < destination.Length;)
        {
            var blocks = Math.Min(blocksPerChunk, (destination.Length - done) / values);
            var bytes = buffer.AsSpan(0, blocks * size);
            _view.SafeMemoryMappedViewHandle.ReadSpan((ulong)position, bytes);
            Dequantiser.Dequantise(tensor.Type, bytes, destination.Slice(done, blocks * values));
            position += bytes.Length;
            done += blocks * values;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Copies stored bytes of a tensor as they are.</summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <param name="start">First byte within the tensor.</param>
    /// <param name="destination">Receives its length of bytes.</param>
    public void ReadBytes(GgufTensor tensor, long start, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, tensor.ByteLength - destination.Length);
        _view.SafeMemoryMappedViewHandle.ReadSpan((ulong)(tensor.Offset + start), destination);
    }

    /// <summary>
    /// Lets the system take back the memory under a tensor; it is read from the file again when it is needed. Only a hint, and only on Linux. Safe while others read.
    /// </summary>
    /// <param name="tensor">A tensor of this file.</param>
    public unsafe void Forget(GgufTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        long page = Environment.SystemPageSize, first = (tensor.Offset + page - 1) / page * page, end = (tensor.Offset + tensor.ByteLength) / page * page;
        if (end <= first)
        {
            return;
        }

        byte* start = null;
        try
        {
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            _ = Advise(start + first, (nuint)(end - first), DoNotNeed);
        }
        finally
        {
            if (start is not null)
            {
                _view.SafeMemoryMappedViewHandle.ReleasePointer();
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int Advise(void* address, nuint length, int advice);

    /// <summary>Releases the mapping.</summary>
    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }
}
