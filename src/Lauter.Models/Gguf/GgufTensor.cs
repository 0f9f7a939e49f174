namespace Lauter.Models.Gguf;

/// <summary>Where one tensor lies in its file and what it holds.</summary>
public sealed class GgufTensor
{
    internal GgufTensor(string name, long[] shape, GgufTensorType type, long relativeOffset, long elementCount, long byteLength)
    {
        Name = name;
        Shape = shape;
        Type = type;
        RelativeOffset = relativeOffset;
        ElementCount = elementCount;
        ByteLength = byteLength;
    }

    /// <summary>Name inside the file, 1 to 63 bytes.</summary>
    public string Name { get; }

    /// <summary>Extents, slowest first as in PyTorch: [rows, columns] of a matrix. The file itself lists them the other way round.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>How the values are stored.</summary>
    public GgufTensorType Type { get; }

    /// <summary>Number of values.</summary>
    public long ElementCount { get; }

    /// <summary>Bytes in the file, without padding.</summary>
    public long ByteLength { get; }

    /// <summary>Position of the first byte, from the start of the file.</summary>
    public long Offset { get; internal set; }

    internal long RelativeOffset { get; }
}
