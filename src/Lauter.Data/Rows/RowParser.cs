using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Lauter.Data.Readers;

namespace Lauter.Data.Rows;

/// <summary>A line is no row.</summary>
internal sealed class RowFault(string reason, string message) : Exception(message)
{
    /// <summary>One of <see cref="RejectReasons"/>.</summary>
    public string Reason { get; } = reason;
}

/// <summary>Where a line holds its text, and its small members.</summary>
/// <param name="Start">First byte of the text's token, the quote.</param>
/// <param name="Length">Bytes, quotes included.</param>
/// <param name="Id">Empty when the row has none.</param>
/// <param name="Declared">Language that the row names, empty when it does not.</param>
internal readonly record struct RowPlace(int Start, int Length, string Id, string Declared)
{
    private const int Fixed = 26;

    /// <summary>As a cache record, with the hash of the text.</summary>
    public byte[] Write(UInt128 hash)
    {
        var record = new byte[Fixed + Encoding.UTF8.GetByteCount(Declared) + Encoding.UTF8.GetByteCount(Id)];
        BinaryPrimitives.WriteUInt128LittleEndian(record, hash);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(16), Start);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(20), Length);
        var declared = Encoding.UTF8.GetBytes(Declared, record.AsSpan(Fixed));
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(24), (ushort)declared);
        Encoding.UTF8.GetBytes(Id, record.AsSpan(Fixed + declared));
        return record;
    }

    public static (RowPlace Place, UInt128 Hash) Read(ReadOnlySpan<byte> record)
    {
        var declared = BinaryPrimitives.ReadUInt16LittleEndian(record[24..]);
        return (
            new RowPlace(
                BinaryPrimitives.ReadInt32LittleEndian(record[16..]), BinaryPrimitives.ReadInt32LittleEndian(record[20..]),
                Encoding.UTF8.GetString(record[(Fixed + declared)..]), Encoding.UTF8.GetString(record.Slice(Fixed, declared))),
            BinaryPrimitives.ReadUInt128LittleEndian(record));
    }
}

/// <summary>Finds the members of a row that matter without building the others. Not thread-safe.</summary>
internal sealed class RowParser(string textField, string idField, string? declaredField)
{
    private const int LongestDeclared = 64;

    private readonly byte[] _text = Encoding.UTF8.GetBytes(textField);
    private readonly byte[] _id = Encoding.UTF8.GetBytes(idField);
    private readonly byte[] _declared = Encoding.UTF8.GetBytes(declaredField ?? "");
    private char[] _buffer = new char[1 << 16];

    /// <exception cref="RowFault">The line is no JSON object, or holds no text.</exception>
    public RowPlace Find(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 64 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                throw new RowFault(RejectReasons.Unreadable, "the line is not a JSON object.");
            }

            int start = -1, length = 0;
            string id = "", declared = "";
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isText = reader.ValueTextEquals(_text);
                var isId = !isText && reader.ValueTextEquals(_id);
                var isDeclared = _declared.Length > 0 && reader.ValueTextEquals(_declared);
                reader.Read();
                if (isText && reader.TokenType == JsonTokenType.String)
                {
                    start = (int)reader.TokenStartIndex;
                    length = reader.ValueSpan.Length + 2;
                }
                else if (isId && reader.TokenType is JsonTokenType.String or JsonTokenType.Number)
                {
                    id = reader.TokenType == JsonTokenType.String ? reader.GetString()! : Encoding.UTF8.GetString(reader.ValueSpan);
                }

                if (isDeclared && reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length <= LongestDeclared)
                {
                    declared = reader.GetString()!;
                }

                reader.Skip();
            }

            // Reads to the end: what follows the object would be lost otherwise.
            while (reader.Read())
            {
            }

            return start >= 0 ? new RowPlace(start, length, id, declared) : throw new RowFault(RejectReasons.MissingField, $"the row has no text in '{textField}'.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new RowFault(RejectReasons.Unreadable, $"the line is not valid JSON: {e.Message}");
        }
    }

    /// <summary>The text behind a token.</summary>
    /// <exception cref="RowFault">It is not valid UTF-8, or holds half a surrogate pair.</exception>
    public string Text(ReadOnlySpan<byte> line, int start, int length)
    {
        var reader = new Utf8JsonReader(line.Slice(start, length));
        reader.Read();
        if (_buffer.Length < length)
        {
            _buffer = new char[length * 2];
        }

        try
        {
            return new string(_buffer, 0, reader.CopyString(_buffer));
        }
        catch (InvalidOperationException e)
        {
            throw new RowFault(RejectReasons.Unreadable, $"the text is not valid Unicode: {e.Message}");
        }
    }
}
