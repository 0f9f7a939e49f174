using System.Text;
using Lauter.Data.Text;
using UtfUnknown;

namespace Lauter.Data.Readers;

/// <summary>A decoded text and how it was decoded.</summary>
internal sealed record DecodedText(string Text, string Encoding);

/// <summary>
/// Bytes to text: byte order mark, then UTF-16 by its zero bytes, then strict UTF-8, then GB18030, Big5 and the statistical detector,
/// and Windows-1252 in the end. Never fails. Thread-safe.
/// </summary>
internal static class EncodingDetector
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    public static DecodedText Decode(ReadOnlyMemory<byte> memory)
    {
        var bytes = memory.Span;
        if (bytes.StartsWith<byte>([0xEF, 0xBB, 0xBF]))
        {
            return new(Encoding.UTF8.GetString(bytes[3..]), "utf-8");
        }

        if (bytes.StartsWith<byte>([0xFF, 0xFE, 0, 0]))
        {
            return new(Encoding.UTF32.GetString(bytes[4..]), "utf-32le");
        }

        if (bytes.StartsWith<byte>([0xFF, 0xFE]))
        {
            return new(Encoding.Unicode.GetString(bytes[2..]), "utf-16le");
        }

        if (bytes.StartsWith<byte>([0xFE, 0xFF]))
        {
            return new(Encoding.BigEndianUnicode.GetString(bytes[2..]), "utf-16be");
        }

        if (ZeroBytes(bytes) is { } utf16)
        {
            return utf16;
        }

        try
        {
            return new(StrictUtf8.GetString(bytes), "utf-8");
        }
        catch (DecoderFallbackException)
        {
            return Legacy(bytes);
        }
    }

    private static DecodedText? ZeroBytes(ReadOnlySpan<byte> bytes)
    {
        var sample = bytes[..Math.Min(bytes.Length, 4096)];
        int even = 0, odd = 0;
        for (var i = 0; i < sample.Length; i++)
        {
            if (sample[i] == 0)
            {
                (even, odd) = i % 2 == 0 ? (even + 1, odd) : (even, odd + 1);
            }
        }

        return odd * 5 > sample.Length && even * 20 < sample.Length ? new(Encoding.Unicode.GetString(bytes), "utf-16le")
            : even * 5 > sample.Length && odd * 20 < sample.Length ? new(Encoding.BigEndianUnicode.GetString(bytes), "utf-16be")
            : null;
    }

    /// <summary>
    /// One damaged byte must not turn a UTF-8 file into Latin-1 debris, so mostly valid UTF-8 wins; between GB18030 and Big5 the one with more
    /// frequent characters does.
    /// </summary>
    private static DecodedText Legacy(ReadOnlySpan<byte> bytes)
    {
        var array = bytes.ToArray();
        var lossy = Encoding.UTF8.GetString(array);
        var broken = lossy.Count(c => c == '\uFFFD');
        var high = lossy.Count(c => c > 127);
        if (broken * 10 <= high)
        {
            return new(lossy, "utf-8 (damaged)");
        }

        DecodedText? best = null;
        var bestScore = 0.15;
        foreach (var name in (ReadOnlySpan<string>)["gb18030", "big5", "utf-16", "utf-16BE"])
        {
            var text = Get(name).GetString(array);
            var score = Mojibake.ChineseScore(text);
            if (score > bestScore)
            {
                (best, bestScore) = (new DecodedText(text, name), score);
            }
        }

        if (best is not null)
        {
            return best;
        }

        var detected = CharsetDetector.DetectFromBytes(array).Detected;
        return detected?.Encoding is { } encoding && detected.Confidence > 0.6
            ? new(encoding.GetString(array), encoding.WebName)
            : new(Get("windows-1252").GetString(array), "windows-1252");
    }

    private static Encoding Get(string name) => CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
}
