using System.Text;

namespace Lauter.Data.Text;

/// <summary>
/// Undoes the usual accidents of encodings: UTF-8 read as Windows-1252, Latin-1 or GB18030, and GBK read as Latin-1. A repair is taken
/// only when the text re-encodes without loss, decodes strictly as the other encoding, and looks better afterwards. Thread-safe.
/// </summary>
public static class Mojibake
{
    private static readonly Encoding StrictUtf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);
    private static readonly Encoding Gb18030 = Strict("GB18030");
    private static readonly Encoding Gbk = Strict("GBK");
    private static readonly Encoding Latin1 = Encoding.GetEncoding("iso-8859-1", EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);

    /// <summary>What Windows-1252 shows for the bytes 0x80 to 0x9F; unassigned bytes map to the control character of the same number.</summary>
    private const string Windows1252High = "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D\u008F\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D\u017E\u0178";

    /// <summary>The repaired text, or the same object when nothing was wrong. Works line by line, so one broken line does not decide for all.</summary>
    public static string Repair(string text)
    {
        if (TextFolding.IsAscii(text))
        {
            return text;
        }

        var lines = text.Split('\n');
        var changed = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var repaired = RepairLine(lines[i]);
            changed |= !ReferenceEquals(repaired, lines[i]);
            lines[i] = repaired;
        }

        return changed ? string.Join('\n', lines) : text;
    }

    /// <summary>Places where two neighbouring characters look like one UTF-8 or GBK character that was read as Latin-1.</summary>
    internal static int SuspiciousPairs(string text)
    {
        var count = 0;
        for (var i = 0; i + 1 < text.Length; i++)
        {
            if (IsLead(text[i]) && ByteOf1252(text[i + 1]) is >= 0x80 and <= 0xBF)
            {
                count++;
                i++;
            }
        }

        return count;
    }

    /// <summary>Share of frequent Han characters among all characters beyond ASCII, less a penalty for U+FFFD: which Chinese encoding is right.</summary>
    internal static double ChineseScore(string text)
    {
        int frequent = 0, high = 0, broken = 0;
        foreach (var c in text)
        {
            if (c > 127)
            {
                high++;
                frequent += FrequentHan.Contains(c, StringComparison.Ordinal) ? 1 : 0;
                broken += c is '\uFFFD' or (>= '\uE000' and <= '\uF8FF') ? 1 : 0;
            }
        }

        return high == 0 ? 0 : (frequent - (5.0 * broken)) / high;
    }

    private static string RepairLine(string line)
    {
        var current = line;
        for (var round = 0; round < 3; round++)
        {
            var next = OneRound(current);
            if (next is null)
            {
                break;
            }

            current = next;
        }

        return current;
    }

    private static string? OneRound(string line)
    {
        if (TextFolding.IsAscii(line))
        {
            return null;
        }

        if (SuspiciousPairs(line) > 0 && RepairRuns(line) is { } repaired)
        {
            return repaired;
        }

        if (AllLatin1(line) && HighShare(line) > 0.5 && Decode(Gbk, Latin1.GetBytes(line)) is { } chinese && FrequentHanCount(chinese) * 10 >= HanCount(chinese) * 4 && HanCount(chinese) >= 2)
        {
            return chinese;
        }

        // UTF-8 read as GBK: typical debris is rare Han; only when the bytes are strict UTF-8 again and common characters come out.
        if (HanCount(line) >= 3 && Bytes(Gb18030, line) is { } bytes && Decode(StrictUtf8, bytes) is { } utf8 && utf8.Length < line.Length
            && HanCount(utf8) > 0 && CommonHan(utf8) > CommonHan(line))
        {
            return utf8;
        }

        return null;
    }

    /// <summary>Repairs each maximal run of characters that Windows-1252 can show, so Han text beside the broken part does not stop it.</summary>
    private static string? RepairRuns(string line)
    {
        var builder = new StringBuilder(line.Length);
        var changed = false;
        var i = 0;
        while (i < line.Length)
        {
            if (ByteOf1252(line[i]) < 0x80)
            {
                builder.Append(line[i++]);
                continue;
            }

            var start = i;
            while (i < line.Length && ByteOf1252(line[i]) >= 0x80)
            {
                i++;
            }

            var run = line[start..i];
            var bytes = new byte[run.Length];
            for (var k = 0; k < run.Length; k++)
            {
                bytes[k] = (byte)ByteOf1252(run[k]);
            }

            var decoded = Decode(StrictUtf8, bytes);
            changed |= decoded is not null;
            builder.Append(decoded ?? run);
        }

        return changed ? builder.ToString() : null;
    }

    private static int ByteOf1252(char c) => c < 0x80 ? c : c is >= '\u00A0' and <= '\u00FF' ? c : c is >= '\u0080' and <= '\u009F' ? c : Windows1252High.IndexOf(c, StringComparison.Ordinal) is >= 0 and var at ? 0x80 + at : -1;

    private static bool IsLead(char c) => c is (>= '\u00C2' and <= '\u00DF') or (>= '\u00E0' and <= '\u00F4');

    private static bool AllLatin1(string text)
    {
        foreach (var c in text)
        {
            if (c > 255)
            {
                return false;
            }
        }

        return true;
    }

    private static double HighShare(string text)
    {
        int high = 0, all = 0;
        foreach (var c in text)
        {
            if (!char.IsWhiteSpace(c) && !char.IsAsciiDigit(c))
            {
                all++;
                high += c >= 0x80 ? 1 : 0;
            }
        }

        return all == 0 ? 0 : (double)high / all;
    }

    private static int HanCount(string text)
    {
        var count = 0;
        foreach (var c in text)
        {
            count += TextFolding.IsHan(c) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Frequent characters of simplified and traditional prose: real text is full of them, wrongly decoded text is not.</summary>
    private const string FrequentHan =
        "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
        + "這個們來為國說時會對後發裡經麼學現當沒動還進樣開從實请問题請問題我你您客户产品設備设备机机器使用溫度温度更换更換清洗订单訂單服务服務无法無法联系聯繫需要已经";

    /// <summary>Names and terms are rarer than function words: of prose three quarters are among the 600 frequent characters, of a wrong decoding a tenth.</summary>
    private static int FrequentHanCount(string text)
    {
        var count = 0;
        foreach (var c in text)
        {
            count += TextFolding.IsHan(c) && HanWords.IsFrequent(c) ? 1 : 0;
        }

        return count;
    }

    private static int CommonHan(string text)
    {
        var count = 0;
        foreach (var c in text)
        {
            count += TextFolding.IsHan(c) && FrequentHan.Contains(c, StringComparison.Ordinal) ? 1 : 0;
        }

        return count;
    }

    private static byte[]? Bytes(Encoding encoding, string text)
    {
        try
        {
            return encoding.GetBytes(text);
        }
        catch (EncoderFallbackException)
        {
            return null;
        }
    }

    private static string? Decode(Encoding encoding, byte[] bytes)
    {
        try
        {
            return encoding.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static Encoding Strict(string name) =>
        CodePagesEncodingProvider.Instance.GetEncoding(name, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)
        ?? throw new InvalidOperationException($"The encoding {name} is not part of this platform.");
}
