namespace Lauter.Models.Safetensors;

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
