using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Lauter.Models.Safetensors;

/// <summary>Reads and checks the header of one file: sizes, types, names, ranges without holes that end with the file.</summary>
internal static class SafetensorsHeader
{
    private const long MaxHeaderBytes = 100_000_000;
    private const int MaxDimensions = 8;

    private static readonly Dictionary<string, int> Sizes = new(StringComparer.Ordinal)
    {
        ["F64"] = 8, ["I64"] = 8, ["U64"] = 8, ["F32"] = 4, ["I32"] = 4, ["U32"] = 4, ["F16"] = 2, ["BF16"] = 2, ["I16"] = 2, ["U16"] = 2,
        ["I8"] = 1, ["U8"] = 1, ["BOOL"] = 1, ["F8_E4M3"] = 1, ["F8_E5M2"] = 1,
    };

    public static List<SafetensorsTensor> Read(SafeBuffer bytes, long length, string path, Dictionary<string, string> metadata)
    {
        Span<byte> prefix = stackalloc byte[8];
        bytes.ReadSpan(0, prefix);
        var size = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (size > MaxHeaderBytes || (long)size > length - 8)
        {
            throw new SafetensorsFormatException($"{path}: the header claims {size} bytes of a file of {length}.");
        }

        var header = new byte[size];
        bytes.ReadSpan<byte>(8, header);
        var start = 8 + (long)size;
        List<SafetensorsTensor> tensors = [];
        try
        {
            using var document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            foreach (var entry in document.RootElement.EnumerateObject())
            {
                if (entry.Name != "__metadata__")
                {
                    tensors.Add(Entry(entry, start, length, path));
                    continue;
                }

                foreach (var pair in entry.Value.EnumerateObject())
                {
                    metadata[pair.Name] = pair.Value.GetString() ?? "";
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            throw new SafetensorsFormatException($"{path}: the header is damaged: {exception.Message}", exception);
        }

        RefuseHoles(tensors, start, length, path);
        return tensors;
    }

    private static void RefuseHoles(List<SafetensorsTensor> tensors, long start, long length, string path)
    {
        var next = start;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.ByteLength))
        {
            next = tensor.Offset == next
                ? next + tensor.ByteLength
                : throw new SafetensorsFormatException($"{path}: '{tensor.Name}' begins at byte {tensor.Offset}, but the data before it ends at {next}.");
        }

        if (next != length)
        {
            throw new SafetensorsFormatException($"{path}: the tensors end at byte {next} of {length}.");
        }
    }

    private static SafetensorsTensor Entry(JsonProperty entry, long start, long length, string path)
    {
        var type = entry.Value.GetProperty("dtype").GetString() ?? "";
        if (!Sizes.TryGetValue(type, out var size))
        {
            throw new SafetensorsFormatException($"{path}: '{entry.Name}' has the unknown type '{type}'.");
        }

        var bytes = (Int128)size;
        var shape = new List<long>();
        foreach (var extent in entry.Value.GetProperty("shape").EnumerateArray())
        {
            shape.Add(extent.GetInt64());
            bytes *= shape[^1] is >= 0 and < 1L << 48 ? shape[^1] : throw new SafetensorsFormatException($"{path}: '{entry.Name}' has the extent {shape[^1]}.");
            if (bytes > length || shape.Count > MaxDimensions)
            {
                throw new SafetensorsFormatException($"{path}: '{entry.Name}' is larger than the file or has more than {MaxDimensions} dimensions.");
            }
        }

        var offsets = entry.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
        {
            throw new SafetensorsFormatException($"{path}: the header is damaged: '{entry.Name}' has {offsets.GetArrayLength()} data_offsets instead of 2.");
        }

        long begin = offsets[0].GetInt64(), end = offsets[1].GetInt64();
        return begin >= 0 && end >= begin && end <= length - start && end - begin == bytes
            ? new SafetensorsTensor(entry.Name, type, shape, start + begin, end - begin)
            : throw new SafetensorsFormatException($"{path}: '{entry.Name}' lies at {begin} to {end}, but {type} of [{string.Join(", ", shape)}] needs {bytes} bytes within {length - start}.");
    }
}
