using System.Text;

namespace Lauter.Models.Tokens;

/// <summary>The printable stand-ins for bytes that byte-level vocabularies are written in (Radford et al. 2019): printable Latin-1 stands for itself, the other 68 bytes for U+0100 and on.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Letters = Build();

    public static char Of(byte value) => Letters[value];

    public static string Spell(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (var value in bytes)
        {
            text.Append(Letters[value]);
        }

        return text.ToString();
    }

    private static char[] Build()
    {
        var letters = new char[256];
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            letters[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)value : (char)next++;
        }

        return letters;
    }
}
