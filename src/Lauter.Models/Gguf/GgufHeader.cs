using System.Runtime.InteropServices;

namespace Lauter.Models.Gguf;

/// <summary>
/// The head of a file, every field checked: 1 magic, version, counts; 2 keys with typed values; 3 tensor entries; 4 data section: alignment, bounds,
/// no overlap. Nothing native sees a file before this has passed.
/// </summary>
internal static class GgufHeader
{
    private const uint Magic = 0x46554747;

    public static (uint Version, int Alignment, GgufMetadata Metadata, GgufTensor[] Tensors) Read(GgufCursor cursor)
    {
        // 1
        if (cursor.UInt32("magic") != Magic)
        {
            throw cursor.Fault("the first four bytes are not 'GGUF'");
        }

        var version = cursor.UInt32("version");
        if (version is not (2 or 3))
        {
            throw cursor.Fault(version > 0xFFFF
                ? "the file is big-endian; convert it to little-endian first"
                : $"version {version} is not read here; write the model again with a current converter (version 3)");
        }

        var tensorCount = cursor.Count("tensor count", Math.Min(GgufLimits.MaxTensors, cursor.Remaining / 24));
        var keyCount = cursor.Count("key count", Math.Min(GgufLimits.MaxKeys, cursor.Remaining / 13));

        // 2
        var metadata = new GgufMetadata();
        for (var i = 0; i < keyCount; i++)
        {
            var key = cursor.Text($"key {i}", GgufLimits.MaxKeyBytes, strict: true);
            if (key.Length == 0)
            {
                throw cursor.Fault($"key {i} is empty");
            }

            if (!metadata.TryAdd(key, GgufValueReader.Read(cursor, key)))
            {
                throw cursor.Fault($"key '{key}' appears twice");
            }
        }

        var alignment = Alignment(cursor, metadata);

        // 3
        var tensors = new GgufTensor[tensorCount];
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < tensors.Length; i++)
        {
            tensors[i] = ReadTensor(cursor, i, alignment);
            if (!names.Add(tensors[i].Name))
            {
                throw cursor.Fault($"tensor '{tensors[i].Name}' appears twice");
            }
        }

        // 4
        Place(cursor, tensors, alignment);
        return (version, alignment, metadata, tensors);
    }

    private static int Alignment(GgufCursor cursor, GgufMetadata metadata)
    {
        if (!metadata.ContainsKey("general.alignment"))
        {
            return GgufLimits.DefaultAlignment;
        }

        var alignment = metadata["general.alignment"] is uint value ? value : 0;
        return alignment is >= 8 and <= GgufLimits.MaxAlignment && (alignment & (alignment - 1)) == 0
            ? (int)alignment
            : throw cursor.Fault($"general.alignment is {metadata["general.alignment"]}, but must be a 32-bit power of two from 8 to {GgufLimits.MaxAlignment}");
    }

    private static GgufTensor ReadTensor(GgufCursor cursor, int index, int alignment)
    {
        var name = cursor.Text($"name of tensor {index}", GgufLimits.MaxTensorNameBytes, strict: true);
        if (name.Length == 0 || name.Contains('\0', StringComparison.Ordinal))
        {
            throw cursor.Fault($"the name of tensor {index} is empty or holds a zero");
        }

        var dimensions = cursor.UInt32($"dimensions of '{name}'");
        if (dimensions is 0 or > GgufLimits.MaxDimensions)
        {
            throw cursor.Fault($"tensor '{name}' has {dimensions} dimensions, but must have 1 to {GgufLimits.MaxDimensions}");
        }

        var shape = new long[dimensions];
        var count = 1L;
        for (var d = 0; d < shape.Length; d++)
        {
            var extent = cursor.Count($"extent {d} of '{name}'", long.MaxValue);
            if (extent == 0 || count > long.MaxValue / 8 / extent)
            {
                throw cursor.Fault($"extent {d} of tensor '{name}' is {extent}: the number of values is zero or overflows");
            }

            count *= extent;
            shape[^(d + 1)] = extent;
        }

        var type = (GgufTensorType)cursor.UInt32($"type of '{name}'");
        var (values, size) = GgufTypeSizes.Block(type);
        if (values == 0)
        {
            throw cursor.Fault($"tensor '{name}' has the unknown type {(uint)type}");
        }

        if (shape[^1] % values != 0)
        {
            throw cursor.Fault($"rows of tensor '{name}' have {shape[^1]} values, but {type} stores blocks of {values}");
        }

        var blocks = count / values;
        if (blocks > long.MaxValue / size)
        {
            throw cursor.Fault($"the size of tensor '{name}' overflows");
        }

        var offset = cursor.Count($"offset of '{name}'", long.MaxValue);
        if (offset % alignment != 0)
        {
            throw cursor.Fault($"tensor '{name}' starts at {offset}, which is no multiple of the alignment {alignment}");
        }

        return new GgufTensor(name, shape, type, offset, count, blocks * size);
    }

    private static void Place(GgufCursor cursor, GgufTensor[] tensors, int alignment)
    {
        if (tensors.Length == 0)
        {
            return;
        }

        var start = (cursor.Position + alignment - 1) / alignment * alignment;
        var available = Math.Max(0, cursor.Length - start);
        var end = 0L;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.RelativeOffset))
        {
            if (tensor.RelativeOffset > available || tensor.ByteLength > available - tensor.RelativeOffset)
            {
                throw cursor.Fault($"tensor '{tensor.Name}' needs bytes {tensor.RelativeOffset} to {(Int128)tensor.RelativeOffset + tensor.ByteLength} of a data section of {available}");
            }

            if (tensor.RelativeOffset < end)
            {
                throw cursor.Fault($"tensor '{tensor.Name}' overlaps the one before it");
            }

            end = tensor.RelativeOffset + tensor.ByteLength;
            tensor.Offset = start + tensor.RelativeOffset;
        }
    }
}
