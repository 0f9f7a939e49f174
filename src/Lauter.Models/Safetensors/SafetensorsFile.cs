using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text.Json;
using Lauter.Models.Gguf;

namespace Lauter.Models.Safetensors;

/// <summary>A file is not a safetensors file that is safe to read; the message names the file, the entry and the value seen.</summary>
public sealed class SafetensorsFormatException : IOException
{
    /// <summary>An exception without details; prefer the one with a message.</summary>
    public SafetensorsFormatException()
    {
    }

    /// <summary>An exception with its message.</summary>
    public SafetensorsFormatException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with its message and cause.</summary>
    public SafetensorsFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Type">Storage: <c>F32</c>, <c>F16</c>, <c>BF16</c>, <c>I64</c> and so on.</param>
/// <param name="Shape">Extents, slowest first; empty for a single number.</param>
/// <param name="Offset">First byte, from the start of the file.</param>
/// <param name="ByteLength">Bytes of data.</param>
public sealed record SafetensorsTensor(string Name, string Type, IReadOnlyList<long> Shape, long Offset, long ByteLength)
{
    /// <summary>Number of values.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, extent) => product * extent);
}

/// <summary>A safetensors file, memory-mapped, its header checked: sizes, types, contiguous ranges. Reading is thread-safe until disposed.</summary>
public sealed class SafetensorsFile : IDisposable
{
    private const long MaxHeaderBytes = 100_000_000;

    private static readonly Dictionary<string, int> Sizes = new(StringComparer.Ordinal)
    {
        ["F64"] = 8, ["I64"] = 8, ["U64"] = 8, ["F32"] = 4, ["I32"] = 4, ["U32"] = 4, ["F16"] = 2, ["BF16"] = 2, ["I16"] = 2, ["U16"] = 2,
        ["I8"] = 1, ["U8"] = 1, ["BOOL"] = 1, ["F8_E4M3"] = 1, ["F8_E5M2"] = 1,
    };

    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly Dictionary<string, SafetensorsTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsFile(string path, MemoryMappedFile map, MemoryMappedViewAccessor view, long length)
    {
        Path = path;
        _map = map;
        _view = view;
        ReadHeader(length);
    }

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsTensor> Tensors => _tensors;

    /// <summary>The entry <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="SafetensorsFormatException">The file is not sound.</exception>
    public static SafetensorsFile Open(string path)
    {
        var length = new FileInfo(path).Length;
        if (length < 10)
        {
            throw new SafetensorsFormatException($"{path}: a file of {length} bytes is too short.");
        }

        var map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, 0, MemoryMappedFileAccess.Read);
        MemoryMappedViewAccessor? view = null;
        try
        {
            view = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            return new SafetensorsFile(path, map, view, length);
        }
        catch
        {
            // The half-open mapping must not outlive a refused file.
            view?.Dispose();
            map.Dispose();
            throw;
        }
    }

    /// <summary>All values of an F32, F16 or BF16 tensor, row-major.</summary>
    /// <exception cref="SafetensorsFormatException">No such tensor, or another type.</exception>
    public float[] ReadFloat32(string name)
    {
        var tensor = Tensor(name);
        var type = tensor.Type switch
        {
            "F32" => GgufTensorType.F32,
            "F16" => GgufTensorType.F16,
            "BF16" => GgufTensorType.BF16,
            _ => throw new SafetensorsFormatException($"{Path}: '{name}' is stored as {tensor.Type}, which is not read as floating point."),
        };
        var values = new float[tensor.ElementCount];
        Dequantiser.Dequantise(type, Bytes(tensor), values);
        return values;
    }

    /// <summary>All values of an I64 tensor, row-major.</summary>
    /// <exception cref="SafetensorsFormatException">No such tensor, or another type.</exception>
    public long[] ReadInt64(string name)
    {
        var tensor = Tensor(name);
        return tensor.Type == "I64"
            ? MemoryMarshal.Cast<byte, long>(Bytes(tensor)).ToArray()
            : throw new SafetensorsFormatException($"{Path}: '{name}' is stored as {tensor.Type}, not I64.");
    }

    /// <summary>Releases the mapping.</summary>
    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }

    private SafetensorsTensor Tensor(string name) => _tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new SafetensorsFormatException($"{Path}: there is no tensor '{name}' among {_tensors.Count}.");

    private byte[] Bytes(SafetensorsTensor tensor)
    {
        var bytes = tensor.ByteLength <= Array.MaxLength ? new byte[tensor.ByteLength] : throw new SafetensorsFormatException($"{Path}: '{tensor.Name}' has {tensor.ByteLength} bytes: too many for one array.");
        _view.SafeMemoryMappedViewHandle.ReadSpan<byte>((ulong)tensor.Offset, bytes);
        return bytes;
    }

    private void ReadHeader(long length)
    {
        Span<byte> prefix = stackalloc byte[8];
        _view.SafeMemoryMappedViewHandle.ReadSpan(0, prefix);
        var size = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (size > MaxHeaderBytes || (long)size > length - 8)
        {
            throw new SafetensorsFormatException($"{Path}: the header claims {size} bytes of a file of {length}.");
        }

        var header = new byte[size];
        _view.SafeMemoryMappedViewHandle.ReadSpan<byte>(8, header);
        try
        {
            using var document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            foreach (var entry in document.RootElement.EnumerateObject())
            {
                if (entry.Name == "__metadata__")
                {
                    foreach (var pair in entry.Value.EnumerateObject())
                    {
                        _metadata[pair.Name] = pair.Value.GetString() ?? "";
                    }
                }
                else
                {
                    _tensors.Add(entry.Name, Entry(entry, 8 + (long)size, length));
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            throw new SafetensorsFormatException($"{Path}: the header is damaged: {exception.Message}", exception);
        }

        var next = 8 + (long)size;
        foreach (var tensor in _tensors.Values.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.ByteLength))
        {
            next = tensor.Offset == next ? next + tensor.ByteLength : throw new SafetensorsFormatException($"{Path}: '{tensor.Name}' begins at byte {tensor.Offset}, but the data before it ends at {next}.");
        }

        if (next != length)
        {
            throw new SafetensorsFormatException($"{Path}: the tensors end at byte {next} of {length}.");
        }
    }

    private SafetensorsTensor Entry(JsonProperty entry, long start, long length)
    {
        var type = entry.Value.GetProperty("dtype").GetString() ?? "";
        if (!Sizes.TryGetValue(type, out var size))
        {
            throw new SafetensorsFormatException($"{Path}: '{entry.Name}' has the unknown type '{type}'.");
        }

        var bytes = (Int128)size;
        var shape = new List<long>();
        foreach (var extent in entry.Value.GetProperty("shape").EnumerateArray())
        {
            shape.Add(extent.GetInt64());
            bytes *= shape[^1] is >= 0 and < 1L << 48 ? shape[^1] : throw new SafetensorsFormatException($"{Path}: '{entry.Name}' has the extent {shape[^1]}.");
            if (bytes > length || shape.Count > 8)
            {
                throw new SafetensorsFormatException($"{Path}: '{entry.Name}' is larger than the file or has more than 8 dimensions.");
            }
        }

        var offsets = entry.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
        {
            throw new SafetensorsFormatException($"{Path}: the header is damaged: '{entry.Name}' has {offsets.GetArrayLength()} data_offsets instead of 2.");
        }

        long begin = offsets[0].GetInt64(), end = offsets[1].GetInt64();
        return begin >= 0 && end >= begin && end <= length - start && end - begin == bytes
            ? new SafetensorsTensor(entry.Name, type, shape, start + begin, end - begin)
            : throw new SafetensorsFormatException($"{Path}: '{entry.Name}' lies at {begin} to {end}, but {type} of [{string.Join(", ", shape)}] needs {bytes} bytes within {length - start}.");
    }
}
