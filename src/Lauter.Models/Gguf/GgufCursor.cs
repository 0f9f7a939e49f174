using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Lauter.Models.Gguf;

/// <summary>Reads forward through the mapped bytes; every step is checked against the end of the file first.</summary>
internal sealed class GgufCursor(SafeBuffer bytes, long length, string path)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _scratch = new byte[8];

    public long Position { get; private set; }

    public long Remaining => length - Position;

    public long Length => length;

    public GgufFormatException Fault(string what) => new($"{path}: {what} (at byte {Position} of {length}).");

    public uint UInt32(string field) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, field));

    public ulong UInt64(string field) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, field));

    public byte Byte(string field) => Take(1, field)[0];

    /// <summary>A count that must lie in 0..<paramref name="limit"/>.</summary>
    public long Count(string field, long limit)
    {
        var value = UInt64(field);
        return value <= (ulong)limit ? (long)value : throw Fault($"{field} is {value}, but at most {limit} is allowed");
    }

    /// <summary>A length-prefixed text. Names must be exact UTF-8; values may hold damaged bytes, which read as U+FFFD.</summary>
    public string Text(string field, int limit, bool strict)
    {
        var size = Count($"length of {field}", Math.Min(limit, Math.Max(0, Remaining - 8)));
        var buffer = new byte[size];
        Fill(buffer, field);
        try
        {
            return (strict ? Strict : Encoding.UTF8).GetString(buffer);
        }
        catch (DecoderFallbackException exception)
        {
            throw new GgufFormatException($"{path}: {field} is not UTF-8.", exception);
        }
    }

    public void Fill(Span<byte> target, string field)
    {
        if (target.Length > Remaining)
        {
            throw Fault($"{field} needs {target.Length} bytes, but {Remaining} are left");
        }

        if (target.Length > 0)
        {
            bytes.ReadSpan((ulong)Position, target);
            Position += target.Length;
        }
    }

    private ReadOnlySpan<byte> Take(int size, string field)
    {
        Fill(_scratch.AsSpan(0, size), field);
        return _scratch.AsSpan(0, size);
    }
}
