using System.Buffers;
using System.Runtime.InteropServices;
using Lauter.Models.Gguf;

namespace Lauter.Models.Safetensors;

/// <summary>
/// A checkpoint in safetensors form, one file or several shards, memory-mapped, every header checked: sizes, types, ranges without holes, shards as the index says.
/// Reading is thread-safe until disposed.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private const int ChunkValues = 1 << 18;

    private readonly List<SafetensorsShard> _shards = [];
    private readonly Dictionary<string, SafetensorsShard> _shardOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SafetensorsTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsFile(string path) => Path = path;

    /// <summary>The file's or folder's path.</summary>
    public string Path { get; }

    /// <summary>Tensors by name, of all shards.</summary>
    public IReadOnlyDictionary<string, SafetensorsTensor> Tensors => _tensors;

    /// <summary>The entries <c>__metadata__</c> of all shards.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Number of files.</summary>
    public int ShardCount => _shards.Count;

    /// <summary>Opens and checks a file, or the checkpoint in a folder.</summary>
    /// <exception cref="SafetensorsFormatException">A file is not sound, a shard is missing, or the shards are not what the index says.</exception>
    public static SafetensorsFile Open(string path)
    {
        var (files, shardOf) = Directory.Exists(path) ? SafetensorsIndex.Read(path) : ([path], null);
        var file = new SafetensorsFile(path);
        try
        {
            foreach (var name in files)
            {
                file.Add(name, shardOf);
            }

            if (shardOf?.Keys.FirstOrDefault(name => !file._tensors.ContainsKey(name)) is { } missing)
            {
                throw new SafetensorsFormatException($"{shardOf[missing]}: the index says that '{missing}' is in this shard, but it is not.");
            }

            return file;
        }
        catch
        {
            // The mappings must not outlive a refused checkpoint.
            file.Dispose();
            throw;
        }
    }

    /// <summary>All values of an F32, F16 or BF16 tensor, row-major.</summary>
    /// <exception cref="SafetensorsFormatException">No such tensor, another type, or more values than one array holds.</exception>
    public float[] ReadFloat32(string name)
    {
        var tensor = Tensor(name);
        var values = new float[tensor.ElementCount <= Array.MaxLength ? tensor.ElementCount : throw new SafetensorsFormatException($"{Path}: '{name}' has {tensor.ElementCount} values: too many for one array.")];
        ReadFloat32(tensor, 0, values);
        return values;
    }

    /// <summary>Part of an F32, F16 or BF16 tensor.</summary>
    /// <param name="tensor">A tensor of this checkpoint.</param>
    /// <param name="start">First value.</param>
    /// <param name="destination">Receives its length of values.</param>
    /// <exception cref="SafetensorsFormatException">Another type.</exception>
    public void ReadFloat32(SafetensorsTensor tensor, long start, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var type = tensor.Type switch
        {
            "F32" => GgufTensorType.F32,
            "F16" => GgufTensorType.F16,
            "BF16" => GgufTensorType.BF16,
            _ => throw new SafetensorsFormatException($"{Path}: '{tensor.Name}' is stored as {tensor.Type}, which is not read as floating point."),
        };
        if (start < 0 || start > tensor.ElementCount - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(start), $"{start}..{start + destination.Length} is no part of the {tensor.ElementCount} values of '{tensor.Name}'.");
        }

        var size = GgufTypeSizes.Block(type).Bytes;
        var (shard, offset) = (_shardOf[tensor.Name], tensor.Offset + (start * size));
        if (type == GgufTensorType.F32)
        {
            shard.Read(offset, MemoryMarshal.AsBytes(destination));
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(ChunkValues * size);
        for (var done = 0; done < destination.Length; done += ChunkValues)
        {
            var part = destination.Slice(done, Math.Min(ChunkValues, destination.Length - done));
            var bytes = buffer.AsSpan(0, part.Length * size);
            shard.Read(offset + ((long)done * size), bytes);
            Dequantiser.Dequantise(type, bytes, part);
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>All values of an I64 tensor, row-major.</summary>
    /// <exception cref="SafetensorsFormatException">No such tensor, or another type.</exception>
    public long[] ReadInt64(string name)
    {
        var tensor = Tensor(name);
        if (tensor.Type != "I64" || tensor.ElementCount > Array.MaxLength)
        {
            throw new SafetensorsFormatException($"{Path}: '{name}' is stored as {tensor.ElementCount} values of {tensor.Type}, not as I64 that fit one array.");
        }

        var values = new long[tensor.ElementCount];
        _shardOf[name].Read(tensor.Offset, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Releases the mappings.</summary>
    public void Dispose() => _shards.ForEach(shard => shard.Dispose());

    private SafetensorsTensor Tensor(string name) => _tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new SafetensorsFormatException($"{Path}: there is no tensor '{name}' among {_tensors.Count}.");

    private void Add(string path, IReadOnlyDictionary<string, string>? shardOf)
    {
        if (!File.Exists(path))
        {
            throw shardOf is null ? new FileNotFoundException($"{path}: there is no such file.", path) : new SafetensorsFormatException($"{path}: the shard that the index names is missing.");
        }

        var shard = SafetensorsShard.Open(path, _metadata);
        _shards.Add(shard);
        foreach (var tensor in shard.Tensors)
        {
            if (shardOf is not null && (!shardOf.TryGetValue(tensor.Name, out var expected) || expected != path))
            {
                throw new SafetensorsFormatException($"{path}: holds '{tensor.Name}', which the index does not place in this shard.");
            }

            _tensors.Add(tensor.Name, tensor);
            _shardOf.Add(tensor.Name, shard);
        }
    }
}
