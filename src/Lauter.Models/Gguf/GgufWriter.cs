using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Lauter.Models.Gguf;

/// <summary>
/// Writes a GGUF file, version 3, little-endian, aligned to 32 bytes. Keys and tensors are declared first; <see cref="Finish"/> asks for the values one
/// tensor at a time and streams them into a temporary file beside the target, flushes it to disk and renames it: the target is whole or not there.
/// Not thread-safe. Without <see cref="Finish"/> nothing is written.
/// </summary>
public sealed class GgufWriter
{
    private const int ChunkValues = 1 << 18;

    private readonly string _path;
    private readonly GgufMetadata _metadata = new();
    private readonly List<Declared> _tensors = [];

    private GgufWriter(string path) => _path = path;

    private sealed record Declared(string Name, GgufTensorType Type, long[] Shape, long Count, Func<float[]> Values);

    /// <summary>Begins a file at <paramref name="path"/>; an existing file is replaced when <see cref="Finish"/> succeeds.</summary>
    public static GgufWriter Create(string path) => new(path);

    /// <summary>Adds one key.</summary>
    /// <param name="key">Name, unique in the file.</param>
    /// <param name="value">A bool, number, string, or an array of one of these.</param>
    /// <exception cref="ArgumentException">The key is there already, or the value is of another kind.</exception>
    public GgufWriter Add(string key, object value)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(value);
        _ = Kind(value.GetType().IsArray ? value.GetType().GetElementType()! : value.GetType());
        return _metadata.TryAdd(key, value) ? this : throw new ArgumentException($"The key '{key}' was added before.", nameof(key));
    }

    /// <summary>Copies keys of another file that this one does not have yet.</summary>
    /// <param name="source">Where the keys come from.</param>
    /// <param name="where">Which keys; null = all.</param>
    public GgufWriter AddFrom(GgufMetadata source, Func<string, bool>? where = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        foreach (var (key, value) in source)
        {
            if (where?.Invoke(key) ?? true)
            {
                _metadata.TryAdd(key, value);
            }
        }

        return this;
    }

    /// <summary>Declares a tensor; its values are asked for by <see cref="Finish"/>, in the order of declaration.</summary>
    /// <param name="name">1 to 63 bytes of UTF-8, unique in the file.</param>
    /// <param name="type">F32, F16, BF16 or Q8_0.</param>
    /// <param name="shape">1 to 4 extents, slowest first: [rows, columns]. Q8_0 needs columns divisible by 32.</param>
    /// <param name="values">Gives all values, row-major.</param>
    public GgufWriter AddTensor(string name, GgufTensorType type, ReadOnlySpan<long> shape, Func<float[]> values)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(values);
        if (Encoding.UTF8.GetByteCount(name) > GgufLimits.MaxTensorNameBytes || _tensors.Exists(tensor => tensor.Name == name))
        {
            throw new ArgumentException($"The tensor name '{name}' is longer than {GgufLimits.MaxTensorNameBytes} bytes or used before.", nameof(name));
        }

        if (!GgufQuantiser.Supports(type))
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Only F32, F16, BF16 and Q8_0 are written.");
        }

        var count = 1L;
        foreach (var extent in shape)
        {
            count = checked(count * extent);
        }

        if (shape.Length is 0 or > GgufLimits.MaxDimensions || count <= 0 || shape[^1] % GgufTypeSizes.Block(type).Values != 0)
        {
            throw new ArgumentException($"The shape [{string.Join(", ", shape.ToArray())}] of '{name}' does not fit {type}.", nameof(shape));
        }

        _tensors.Add(new Declared(name, type, shape.ToArray(), count, values));
        return this;
    }

    /// <summary>Declares a tensor whose values are at hand; they are kept until <see cref="Finish"/>.</summary>
    public GgufWriter AddTensor(string name, GgufTensorType type, ReadOnlySpan<long> shape, float[] values) => AddTensor(name, type, shape, () => values);

    /// <summary>Writes the file.</summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written.</exception>
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

    private void Write(Stream stream)
    {
        using var head = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        head.Write("GGUF"u8);
        head.Write(3u);
        head.Write((ulong)_tensors.Count);
        head.Write((ulong)_metadata.Count);
        foreach (var (key, value) in _metadata)
        {
            Text(head, key);
            Value(head, value);
        }

        var offset = 0L;
        foreach (var tensor in _tensors)
        {
            Text(head, tensor.Name);
            head.Write((uint)tensor.Shape.Length);
            foreach (var extent in tensor.Shape.Reverse())
            {
                head.Write((ulong)extent);
            }

            head.Write((uint)tensor.Type);
            head.Write((ulong)offset);
            offset += Padded(Bytes(tensor));
        }

        head.Flush();
        Pad(stream);
        foreach (var tensor in _tensors)
        {
            Data(stream, tensor);
            Pad(stream);
        }
    }

    private static void Data(Stream stream, Declared tensor)
    {
        var values = tensor.Values();
        if (values.LongLength != tensor.Count)
        {
            throw new InvalidOperationException($"Tensor '{tensor.Name}' has {values.LongLength} values, but its shape says {tensor.Count}.");
        }

        var (length, size) = GgufTypeSizes.Block(tensor.Type);
        var buffer = new byte[Math.Min(ChunkValues, values.Length) / length * size];
        for (var done = 0; done < values.Length; done += ChunkValues)
        {
            var part = values.AsSpan(done, Math.Min(ChunkValues, values.Length - done));
            var bytes = buffer.AsSpan(0, part.Length / length * size);
            GgufQuantiser.Quantise(tensor.Type, part, bytes);
            stream.Write(bytes);
        }
    }

    private static long Bytes(Declared tensor)
    {
        var (length, size) = GgufTypeSizes.Block(tensor.Type);
        return tensor.Count / length * size;
    }

    private static long Padded(long size) => (size + GgufLimits.DefaultAlignment - 1) / GgufLimits.DefaultAlignment * GgufLimits.DefaultAlignment;

    private static void Pad(Stream stream) => stream.Write(new byte[Padded(stream.Position) - stream.Position]);

    private static void Text(BinaryWriter head, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        head.Write((ulong)bytes.Length);
        head.Write(bytes);
    }

    private static void Value(BinaryWriter head, object value)
    {
        if (value is not Array array)
        {
            head.Write((uint)Kind(value.GetType()));
            Scalar(head, value);
            return;
        }

        head.Write((uint)GgufValueKind.Array);
        head.Write((uint)Kind(array.GetType().GetElementType()!));
        head.Write((ulong)array.LongLength);
        foreach (var element in array)
        {
            Scalar(head, element!);
        }
    }

    private static void Scalar(BinaryWriter head, object value)
    {
        switch (value)
        {
            case string text: Text(head, text); break;
            case bool flag: head.Write(flag); break;
            case byte number: head.Write(number); break;
            case sbyte number: head.Write(number); break;
            case ushort number: head.Write(number); break;
            case short number: head.Write(number); break;
            case uint number: head.Write(number); break;
            case int number: head.Write(number); break;
            case ulong number: head.Write(number); break;
            case long number: head.Write(number); break;
            case float number: head.Write(number); break;
            default: head.Write((double)value); break;
        }
    }

    private static GgufValueKind Kind(Type type) =>
        type == typeof(string) ? GgufValueKind.Text
        : type == typeof(bool) ? GgufValueKind.Bool
        : type == typeof(byte) ? GgufValueKind.UInt8
        : type == typeof(sbyte) ? GgufValueKind.Int8
        : type == typeof(ushort) ? GgufValueKind.UInt16
        : type == typeof(short) ? GgufValueKind.Int16
        : type == typeof(uint) ? GgufValueKind.UInt32
        : type == typeof(int) ? GgufValueKind.Int32
        : type == typeof(ulong) ? GgufValueKind.UInt64
        : type == typeof(long) ? GgufValueKind.Int64
        : type == typeof(float) ? GgufValueKind.Float32
        : type == typeof(double) ? GgufValueKind.Float64
        : throw new ArgumentException($"A GGUF file cannot hold a value of type {type.Name}.");
}
