using System.Buffers.Binary;
using System.Numerics;

namespace Lauter.Traces;

/// <summary>What a record of the journal holds. The numbers are stored: never renumber.</summary>
internal enum JournalKind : byte
{
    None = 0,
    Trace = 1,
    Feedback = 2,
    Begun = 3,
}

/// <summary>
/// A segment is the 8 bytes <c>LAUTERJ1</c>, then records: length of kind + payload (u32 LE), CRC-32C of kind + payload (u32 LE), kind (1 byte), payload (UTF-8 JSON).
/// </summary>
internal static class JournalFormat
{
    public const int HeaderBytes = 8;
    public const int MaximumPayload = 64 * 1024 * 1024;

    public static ReadOnlySpan<byte> Magic => "LAUTERJ1"u8;

    /// <summary>The whole record, ready for one write.</summary>
    public static byte[] Frame(JournalKind kind, ReadOnlySpan<byte> payload)
    {
        var record = new byte[HeaderBytes + 1 + payload.Length];
        record[HeaderBytes] = (byte)kind;
        payload.CopyTo(record.AsSpan(HeaderBytes + 1));
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)(payload.Length + 1));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), Crc32C(record.AsSpan(HeaderBytes)));
        return record;
    }

    /// <summary>CRC-32C (Castagnoli) as in RFC 3720, on the processor's own instruction where there is one.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        while (data.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[8..];
        }

        foreach (var b in data)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }

    /// <summary>Reads the record at <paramref name="offset"/>.</summary>
    public static JournalStep Read(ReadOnlySpan<byte> segment, int offset, out JournalKind kind, out ReadOnlySpan<byte> payload, out int next)
    {
        kind = JournalKind.None;
        payload = default;
        next = offset;
        var rest = segment[offset..];
        if (rest.IsEmpty)
        {
            return JournalStep.End;
        }

        if (rest.Length < HeaderBytes)
        {
            return JournalStep.Torn;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        if (length is 0 or > MaximumPayload + 1)
        {
            // A file that grew before its bytes arrived ends in zeros after a power failure; anything else is damage.
            return rest.IndexOfAnyExcept((byte)0) < 0 ? JournalStep.Torn : JournalStep.Damaged;
        }

        if (rest.Length - HeaderBytes < length)
        {
            return JournalStep.Torn;
        }

        var body = rest.Slice(HeaderBytes, (int)length);
        next = offset + HeaderBytes + (int)length;
        if (Crc32C(body) != BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]))
        {
            return next == segment.Length ? JournalStep.Torn : JournalStep.Damaged;
        }

        kind = (JournalKind)body[0];
        payload = body[1..];
        return JournalStep.Record;
    }
}

internal enum JournalStep
{
    /// <summary>A whole record.</summary>
    Record,

    /// <summary>The segment ends here.</summary>
    End,

    /// <summary>The last record was not written to its end: its request never got its last byte.</summary>
    Torn,

    /// <summary>A record whose checksum is wrong is followed by more bytes.</summary>
    Damaged,
}
