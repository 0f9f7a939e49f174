using System.Text;

namespace Lauter.Data.Text;

/// <summary>
/// Undoes the usual accidents of encodings: UTF-8 read as Windows-1252, Latin-1 or GB18030, and GBK read as Latin-1 or Windows-1252. A repair is
/// taken only when the text re-encodes without loss, decodes strictly as the other encoding, and looks better afterwards; what lost bytes on the way
/// stays, and <c>drop_garbled</c> names it. Thread-safe.
/// </summary>
public static class Mojibake
{
    private static readonly Encoding StrictUtf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);
    private static readonly Encoding Gb18030 = Strict("GB18030");

    /// <summary>Windows' GBK, whose byte 0x80 is the euro sign: GB18030 spells that sign with two bytes, and what was read would not come back.</summary>
    private static readonly Encoding Gbk = Strict("GBK");

    /// <summary>From so many Han characters on, a fifth of frequent ones tells prose from debris, of which a tenth is frequent by chance.</summary>
    private const int EnoughHan = 6;

    private const double LeastFrequent = 0.2;

    /// <summary>First of the two characters that GBK shows for a curly quotation mark, dash or ellipsis in UTF-8; it stands in no living word.</summary>
    private const char QuoteDebris = '\u9225';

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
        var isGbk = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var repaired = RepairLine(lines[i], ref isGbk);
            changed |= !ReferenceEquals(repaired, lines[i]);
            lines[i] = repaired;
        }

        // A line of names alone does not show its encoding; the text around it does.
        for (var i = 0; isGbk && i < lines.Length; i++)
        {
            lines[i] = HighShare(lines[i]) > 0.5 ? FromGbk(lines[i], leastFrequent: 0) ?? lines[i] : lines[i];
        }

        return changed ? string.Join('\n', lines) : text;
    }

    /// <summary>
    /// Share of the visible characters that stand in lines which a wrong decoding left unreadable: several U+FFFD, mostly accented letters, or Han
    /// characters of which hardly one is frequent.
    /// </summary>
    internal static double BrokenLines(ReadOnlySpan<char> text)
    {
        if (Ascii.IsValid(text))
        {
            return 0;
        }

        int broken = 0, all = 0;
        foreach (var range in text.Split('\n'))
        {
            var line = text[range];
            var visible = Visible(line, out var isBroken);
            all += visible;
            broken += isBroken ? visible : 0;
        }

        return all == 0 ? 0 : (double)broken / all;
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveOptimization)]
    private static int Visible(ReadOnlySpan<char> line, out bool isBroken)
    {
        const int FewestLost = 2, FewestAccented = 6, FewestHan = 20;
        int visible = 0, lost = 0, accented = 0, digits = 0, han = 0, frequent = 0;
        foreach (var c in line)
        {
            if (c < 0x80)
            {
                visible += c > ' ' ? 1 : 0;
                digits += char.IsAsciiDigit(c) ? 1 : 0;
                continue;
            }

            visible++;
            if (TextFolding.IsHan(c))
            {
                han++;
                lost += c == QuoteDebris ? 1 : 0;
                frequent += HanWords.IsFrequent(c) ? 1 : 0;
            }
            else
            {
                accented += c <= '\u00FF' ? 1 : 0;
                lost += c == '\uFFFD' ? 1 : 0;
            }
        }

        isBroken = lost >= FewestLost || (accented >= FewestAccented && accented * 2 > visible - digits) || (han >= FewestHan && frequent * 8 < han);
        return visible;
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

    private static string RepairLine(string line, ref bool isGbk)
    {
        var current = line;
        for (var round = 0; round < 3; round++)
        {
            var next = OneRound(current, ref isGbk);
            if (next is null)
            {
                break;
            }

            current = next;
        }

        return current;
    }

    private static string? OneRound(string line, ref bool isGbk)
    {
        if (TextFolding.IsAscii(line))
        {
            return null;
        }

        // Mostly beyond ASCII: before the runs, since a run of GBK can be strict UTF-8 by chance, and a whole line of UTF-8 is no Chinese prose in GBK.
        // Mostly ASCII: after them, since quotation marks that went wrong twice are long runs too.
        var dense = HighShare(line) > 0.5;
        if ((dense ? FromGbk(line, LeastFrequent) : null) is { } chinese)
        {
            isGbk = true;
            return chinese;
        }

        if (SuspiciousPairs(line) > 0 && RepairRuns(line) is { } repaired)
        {
            return repaired;
        }

        if (!dense && HasLongRuns(line) && FromGbk(line, LeastFrequent) is { } mixed)
        {
            isGbk = true;
            return mixed;
        }

        // UTF-8 read as GBK: typical debris is rare Han; only when the bytes are strict UTF-8 again and common characters come out, or for English
        // the quotation marks that left this debris.
        return HanCount(line) == 0 ? null : FromUtf8(line, Bytes(Gbk, line)) ?? FromUtf8(line, Bytes(Gb18030, line));
    }

    private static string? FromUtf8(string line, byte[]? bytes)
    {
        if (bytes is null || Decode(StrictUtf8, bytes) is not { } utf8)
        {
            return null;
        }

        return HanCount(utf8) > 0
            ? HanCount(line) >= 3 && utf8.Length < line.Length && CommonHan(utf8) > CommonHan(line) ? utf8 : null
            : line.Contains(QuoteDebris, StringComparison.Ordinal) ? utf8 : null;
    }

    /// <summary>
    /// The line's bytes read as GB18030, when Windows-1252 or Latin-1 showed them and Chinese prose comes out. For lines with most of it beyond ASCII, or
    /// in long runs beyond it, as no Western language is written.
    /// </summary>
    private static string? FromGbk(string line, double leastFrequent)
    {
        var bytes = new byte[line.Length];
        for (var i = 0; i < line.Length; i++)
        {
            var value = ByteOf1252(line[i]);
            if (value < 0)
            {
                return null;
            }

            bytes[i] = (byte)value;
        }

        if (Decode(Gb18030, bytes) is not { } chinese || chinese.AsSpan().IndexOfAnyInRange('\uE000', '\uF8FF') >= 0)
        {
            return null;
        }

        var (han, frequent) = (HanCount(chinese), FrequentHanCount(chinese));
        var least = leastFrequent > 0 && han < EnoughHan ? 0.4 : leastFrequent;
        return han >= 2 && frequent >= least * han ? chinese : null;
    }

    /// <summary>Whether most characters beyond ASCII stand four and more together.</summary>
    private static bool HasLongRuns(string line)
    {
        int high = 0, inRuns = 0, run = 0;
        foreach (var c in line)
        {
            if (c >= 0x80)
            {
                high++;
                run++;
                continue;
            }

            inRuns += run >= 4 ? run : 0;
            run = 0;
        }

        inRuns += run >= 4 ? run : 0;
        return high >= 8 && inRuns * 10 >= high * 7;
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
