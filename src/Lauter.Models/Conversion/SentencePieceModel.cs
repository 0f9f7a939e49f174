using System.Buffers.Binary;
using System.Text;

namespace Lauter.Models.Conversion;

/// <summary>The parts of SentencePiece's <c>tokenizer.model</c> (a protocol buffer) that matter here.</summary>
/// <param name="Pieces">Spelling, score and kind by id.</param>
/// <param name="IsBpe">Whether pairs were merged; else it is a unigram model.</param>
/// <param name="AddsDummyPrefix">Whether a space is put before a text.</param>
internal sealed record SentencePieceModel(IReadOnlyList<(string Piece, float Score, TokenKind Kind)> Pieces, bool IsBpe, bool AddsDummyPrefix)
{
    private const int MostPieces = 4 << 20;

    /// <exception cref="TokenizerConversionException">The bytes are no such message.</exception>
    public static SentencePieceModel Parse(ReadOnlySpan<byte> bytes)
    {
        List<(string, float, TokenKind)> pieces = [];
        bool isBpe = false, prefix = true;
        while (!bytes.IsEmpty)
        {
            var (field, value, number) = Next(ref bytes);
            switch (field)
            {
                case 1:
                    pieces.Add(pieces.Count < MostPieces ? Piece(value) : throw Damaged($"more than {MostPieces} pieces"));
                    break;
                case 2:
                    isBpe = Number(value, 3, 1) == 2;
                    break;
                case 3:
                    prefix = Number(value, 3, 1) != 0;
                    break;
            }
        }

        return pieces.Count > 0 ? new SentencePieceModel(pieces, isBpe, prefix) : throw Damaged("no pieces");
    }

    private static (string, float, TokenKind) Piece(ReadOnlySpan<byte> bytes)
    {
        var (text, score, kind) = ("", 0f, TokenKind.Normal);
        while (!bytes.IsEmpty)
        {
            var (field, value, number) = Next(ref bytes);
            switch (field)
            {
                case 1:
                    text = Encoding.UTF8.GetString(value);
                    break;
                case 2:
                    score = BitConverter.UInt32BitsToSingle((uint)number);
                    break;
                case 3:
                    kind = number is >= 1 and <= 6 ? (TokenKind)number : throw Damaged($"a piece of kind {number}");
                    break;
            }
        }

        return (text, score, kind);
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, int wanted, ulong otherwise)
    {
        while (!bytes.IsEmpty)
        {
            var (field, _, number) = Next(ref bytes);
            otherwise = field == wanted ? number : otherwise;
        }

        return otherwise;
    }

    /// <summary>One field: its number, its bytes if it has any, else its value.</summary>
    private static Field Next(ref ReadOnlySpan<byte> bytes)
    {
        var key = Varint(ref bytes);
        var number = key >> 3 is >= 1 and < 1 << 29 ? (int)(key >> 3) : throw Damaged($"a field {key >> 3}");
        switch (key & 7)
        {
            case 0:
                return new Field(number, default, Varint(ref bytes));
            case 1:
                var wide = bytes.Length >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : throw Damaged("the end comes early");
                bytes = bytes[8..];
                return new Field(number, default, wide);
            case 2:
                var length = Varint(ref bytes);
                var value = length <= (ulong)bytes.Length ? bytes[..(int)length] : throw Damaged("the end comes early");
                bytes = bytes[(int)length..];
                return new Field(number, value, 0);
            case 5:
                var narrow = bytes.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : throw Damaged("the end comes early");
                bytes = bytes[4..];
                return new Field(number, default, narrow);
            default:
                throw Damaged($"a field of kind {key & 7}");
        }
    }

    private static ulong Varint(ref ReadOnlySpan<byte> bytes)
    {
        var value = 0UL;
        for (var i = 0; i < 10 && i < bytes.Length; i++)
        {
            value |= (ulong)(bytes[i] & 127) << (7 * i);
            if (bytes[i] < 128)
            {
                bytes = bytes[(i + 1)..];
                return value;
            }
        }

        throw Damaged("a number does not end");
    }

    private static TokenizerConversionException Damaged(string what) => new($"tokenizer.model is damaged: {what}.");

    private readonly ref struct Field(int field, ReadOnlySpan<byte> value, ulong number)
    {
        public int Number { get; } = field;

        public ReadOnlySpan<byte> Value { get; } = value;

        public ulong Scalar { get; } = number;

        public void Deconstruct(out int field, out ReadOnlySpan<byte> value, out ulong number)
        {
            field = Number;
            value = Value;
            number = Scalar;
        }
    }
}
