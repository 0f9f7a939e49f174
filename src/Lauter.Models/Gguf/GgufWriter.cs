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
    private const int ChunkValues = 1 << 20;

    private readonly string _path;
    private readonly GgufMetadata _metadata = new();
    private readonly List<Declared> _tensors = [];

    private GgufWriter(string path) => _path = path;

    /// <summary>Either <paramref name="Open"/> gives a source of values that are stored as <paramref name="Type"/>, or <paramref name="Copy"/> gives stored bytes.</summary>
    private sealed record Declared(string Name, GgufTensorType Type, long[] Shape, long Count, Func<TensorPart<float>>? Open, TensorPart<byte>? Copy);

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
    /// <param name="type">F32, F16, BF16, Q8_0, Q4_0, or another quantised type that llama.cpp writes without an importance matrix.</param>
    /// <param name="shape">1 to 4 extents, slowest first: [rows, columns]. Quantised types need columns divisible by their block, 32 or 256.</param>
    /// <param name="values">Gives all values, row-major.</param>
    public GgufWriter AddTensor(string name, GgufTensorType type, ReadOnlySpan<long> shape, Func<float[]> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var count = Count(shape);
        return Declare(name, type, shape, count, () =>
        {
            var all = values();
            return all.LongLength == count
                ? (start, destination) => all.AsSpan((int)start, destination.Length).CopyTo(destination)
                : throw new InvalidOperationException($"Tensor '{name}' has {all.LongLength} values, but its shape says {count}.");
        });
    }

    /// <summary>Declares a tensor that is read in parts, so that no tensor need fit in memory.</summary>
    /// <param name="name">As above.</param>
    /// <param name="type">As above.</param>
    /// <param name="shape">As above.</param>
    /// <param name="read">Called with rising starts; fills its destination with the values from there.</param>
    public GgufWriter AddTensor(string name, GgufTensorType type, ReadOnlySpan<long> shape, TensorPart<float> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return Declare(name, type, shape, Count(shape), () => read);
    }

    /// <summary>Declares a tensor whose stored bytes are taken over as they are, of any type.</summary>
    /// <param name="file">Where it is; stays open until <see cref="Finish"/>.</param>
    /// <param name="tensor">A tensor of that file.</param>
    public GgufWriter CopyTensor(GgufFile file, GgufTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(tensor);
        Add(new Declared(tensor.Name, tensor.Type, [.. tensor.Shape], tensor.ElementCount, null, (start, destination) => file.ReadBytes(tensor, start, destination)));
        return this;
    }

    /// <summary>Declares a tensor whose values are at hand; they are kept until <see cref="Finish"/>.</summary>
    public GgufWriter AddTensor(string name, GgufTensorType type, ReadOnlySpan<long> shape, float[] values) => AddTensor(name, type, shape, () => values);

    private GgufWriter Declare(string name, GgufTensorType type, ReadOnlySpan<long> shape, long count, Func<TensorPart<float>> open)
    {
        if (!GgufQuantiser.Supports(type))
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, $"{type} is not written.");
        }

        if (shape.Length is 0 or > GgufLimits.MaxDimensions || count <= 0 || shape[^1] % GgufTypeSizes.Block(type).Values != 0)
        {
            throw new ArgumentException($"The shape [{string.Join(", ", shape.ToArray())}] of '{name}' does not fit {type}.", nameof(shape));
        }

        Add(new Declared(name, type, shape.ToArray(), count, open, null));
        return this;
    }

    private void Add(Declared tensor)
    {
        var name = tensor.Name;
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (Encoding.UTF8.GetByteCount(name) > GgufLimits.MaxTensorNameBytes || _tensors.Exists(tensor => tensor.Name == name))
        {
            throw new ArgumentException($"The tensor name '{name}' is longer than {GgufLimits.MaxTensorNameBytes} bytes or used before.");
        }

        _tensors.Add(tensor);
    }

    private static long Count(ReadOnlySpan<long> shape)
    {
        var count = 1L;
        foreach (var extent in shape)
        {
            count = checked(count * extent);
        }

        return count;
    }

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
        if (tensor.Copy is { } copy)
        {
            var (size, bytes) = (Bytes(tensor), new byte[Math.Min(ChunkValues, Bytes(tensor))]);
            for (var done = 0L; done < size; done += bytes.Length)
            {
                var part = bytes.AsSpan(0, (int)Math.Min(bytes.Length, size - done));
                copy(done, part);
                stream.Write(part);
            }

            return;
        }

        // llama.cpp quantises whole rows; blocks never span two, so any multiple of the row gives the same bytes.
        var (length, blockSize) = GgufTypeSizes.Block(tensor.Type);
        var row = tensor.Shape[^1];
        var chunk = (int)Math.Min(tensor.Count, Math.Max(1, ChunkValues / row) * row);
        var (values, stored) = (new float[chunk], new byte[chunk / length * blockSize]);
        var read = tensor.Open!();
        for (var done = 0L; done < tensor.Count; done += chunk)
        {
            var part = values.AsSpan(0, (int)Math.Min(chunk, tensor.Count - done));
            read(done, part);
            var target = stored.AsSpan(0, part.Length / length * blockSize);
            GgufQuantiser.Quantise(tensor.Type, part, target, (int)row);
            stream.Write(target);
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

/// <summary>Gives part of a tensor: from <paramref name="start"/> on, as much as <paramref name="destination"/> holds.</summary>
/// <param name="start">First value or byte.</param>
/// <param name="destination">To be filled.</param>
public delegate void TensorPart<T>(long start, Span<T> destination);
