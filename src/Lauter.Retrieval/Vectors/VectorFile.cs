using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Lauter.Retrieval.Vectors;

/// <summary>The vectors file: 64-byte header (magic <c>LVEC</c>, version, dimensions, count; the rest zero), then float32 rows, little-endian.</summary>
internal static class VectorFile
{
    public const int HeaderLength = 64;
    private const int Version = 1;
    private const int Magic = 0x4345_564C;

    public static void Write(string path, VectorScan vectors)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
        Span<byte> header = stackalloc byte[HeaderLength];
        header.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], vectors.Dimensions);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], vectors.Count);
        stream.Write(header);
        stream.Write(MemoryMarshal.AsBytes(vectors.Values));
    }

    public static VectorScan Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            Span<byte> header = stackalloc byte[HeaderLength];
            stream.ReadExactly(header);
            var version = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
            if (BinaryPrimitives.ReadInt32LittleEndian(header) != Magic || version != Version)
            {
                throw new RetrievalException($"{path} is not a vectors file of format {Version}. Build the index again.");
            }

            int dimensions = BinaryPrimitives.ReadInt32LittleEndian(header[8..]), count = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
            var expected = HeaderLength + ((long)dimensions * count * sizeof(float));
            if (dimensions is <= 0 or > 65_536 || count < 0 || expected != stream.Length || (long)dimensions * count > Array.MaxLength)
            {
                throw new RetrievalException($"{path} claims {count} vectors of {dimensions} dimensions ({expected} bytes) but has {stream.Length} bytes. Build the index again.");
            }

            var values = new float[dimensions * count];
            stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            return new VectorScan(values, dimensions);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RetrievalException($"{path} cannot be read as a vectors file: {fault.Message} Build the index again.", fault);
        }
    }
}
