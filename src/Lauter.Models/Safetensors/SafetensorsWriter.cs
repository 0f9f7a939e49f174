using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Lauter.Models.Gguf;

namespace Lauter.Models.Safetensors;

/// <summary>
/// Writes a safetensors file: tensors by size of their values, then by name; header padded to 8 bytes. The values are asked for one tensor at a time by
/// <see cref="Finish"/>, which writes a temporary file, flushes it and renames it. Not thread-safe.
/// </summary>
public sealed class SafetensorsWriter
{
    private readonly string _path;
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly List<Declared> _tensors = [];

    private SafetensorsWriter(string path) => _path = path;

    private sealed record Declared(string Name, string Type, long[] Shape, int Size, Func<byte[]> Bytes);

    /// <summary>Begins a file.</summary>
    public static SafetensorsWriter Create(string path) => new(path);

    /// <summary>Adds an entry of <c>__metadata__</c>; readers of the Hugging Face world expect <c>format</c> = <c>pt</c>.</summary>
    public SafetensorsWriter AddMetadata(string key, string value)
    {
        _metadata.Add(key, value);
        return this;
    }

    /// <summary>Declares a tensor of floats.</summary>
    /// <param name="name">Unique in the file.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="shape">Extents, slowest first.</param>
    /// <param name="values">Gives the values, row-major, when they are written.</param>
    public SafetensorsWriter AddTensor(string name, GgufTensorType type, ReadOnlySpan<long> shape, Func<float[]> values)
    {
        if (type is not (GgufTensorType.F32 or GgufTensorType.F16 or GgufTensorType.BF16))
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Only F32, F16 and BF16 are written.");
        }

        var size = GgufTypeSizes.Block(type).Bytes;
        return Declare(new Declared(name, type.ToString(), shape.ToArray(), size, () =>
        {
            var floats = values();
            var bytes = new byte[(long)floats.Length * size];
            GgufQuantiser.Quantise(type, floats, bytes);
            return bytes;
        }));
    }

    /// <summary>Declares a tensor of 64-bit integers.</summary>
    public SafetensorsWriter AddTensor(string name, ReadOnlySpan<long> shape, long[] values) =>
        Declare(new Declared(name, "I64", shape.ToArray(), 8, () => MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));

    /// <summary>Writes the file.</summary>
    /// <exception cref="InvalidOperationException">A tensor gave another number of values than its shape says.</exception>
    public void Finish()
    {
        var full = Path.GetFullPath(_path);
        var temporary = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Guid.CreateVersion7():N}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20))
            {
                Write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            // A half-written file must not stay behind.
            File.Delete(temporary);
            throw;
        }
    }

    private SafetensorsWriter Declare(Declared tensor)
    {
        ArgumentException.ThrowIfNullOrEmpty(tensor.Name);
        if (tensor.Name == "__metadata__" || _tensors.Exists(other => other.Name == tensor.Name))
        {
            throw new ArgumentException($"The tensor name '{tensor.Name}' is reserved or used before.");
        }

        _tensors.Add(tensor);
        return this;
    }

    private void Write(Stream stream)
    {
        var ordered = _tensors.OrderByDescending(tensor => tensor.Size).ThenBy(tensor => tensor.Name, StringComparer.Ordinal).ToList();
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (_metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in _metadata)
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            var offset = 0L;
            foreach (var tensor in ordered)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type);
                json.WriteStartArray("shape");
                foreach (var extent in tensor.Shape)
                {
                    json.WriteNumberValue(extent);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += Length(tensor));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        buffer.Write(Encoding.ASCII.GetBytes(new string(' ', (int)((8 - (buffer.Length % 8)) % 8))));
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)buffer.Length);
        stream.Write(prefix);
        stream.Write(buffer.GetBuffer(), 0, (int)buffer.Length);
        foreach (var tensor in ordered)
        {
            var bytes = tensor.Bytes();
            stream.Write(bytes.LongLength == Length(tensor) ? bytes : throw new InvalidOperationException($"Tensor '{tensor.Name}' has {bytes.LongLength} bytes, but its shape says {Length(tensor)}."));
        }
    }

    private static long Length(Declared tensor) => tensor.Shape.Aggregate((long)tensor.Size, (product, extent) => checked(product * extent));
}
