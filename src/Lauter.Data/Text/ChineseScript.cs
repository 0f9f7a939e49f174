using System.Buffers;

namespace Lauter.Data.Text;

/// <summary>
/// Traditional to simplified Chinese for reading: words first (乾隆 stays, 乾淨 becomes 干净), longest match from the left, then characters. For matching,
/// <see cref="TextFolding.Simplify(string)"/> is enough and keeps offsets. Thread-safe.
/// </summary>
public static class ChineseScript
{
    /// <summary>Words by their first character, longest first.</summary>
    private static readonly Dictionary<char, (string Traditional, string Simplified)[]> Words = Load();

    private static readonly SearchValues<char> Starts = SearchValues.Create([.. Words.Keys]);

    /// <summary>The simplified form; the very same object when nothing changes. Linear in the length.</summary>
    public static string ToSimplified(string text)
    {
        var next = text.AsSpan().IndexOfAny(Starts);
        if (next < 0)
        {
            return TextFolding.Simplify(text);
        }

        // No word grows by more than one unit a character.
        var target = ArrayPool<char>.Shared.Rent(2 * text.Length);
        var (at, from) = (0, 0);
        while (next >= 0)
        {
            at = Characters(text.AsSpan(from, next), target, at);
            from += next;
            var word = Array.Find(Words[text[from]], w => string.CompareOrdinal(text, from, w.Traditional, 0, w.Traditional.Length) == 0);
            if (word.Traditional is null)
            {
                target[at++] = TextFolding.Simplify(text[from++]);
            }
            else
            {
                word.Simplified.CopyTo(target.AsSpan(at));
                at += word.Simplified.Length;
                from += word.Traditional.Length;
            }

            next = text.AsSpan(from).IndexOfAny(Starts);
        }

        at = Characters(text.AsSpan(from), target, at);
        var result = target.AsSpan(0, at).SequenceEqual(text) ? text : new string(target, 0, at);
        ArrayPool<char>.Shared.Return(target);
        return result;
    }

    private static int Characters(ReadOnlySpan<char> text, char[] target, int at)
    {
        foreach (var c in text)
        {
            target[at++] = TextFolding.Simplify(c);
        }

        return at;
    }

    private static Dictionary<char, (string Traditional, string Simplified)[]> Load()
    {
        var words = new List<(string Traditional, string Simplified)>();
        using var reader = new StreamReader(typeof(ChineseScript).Assembly.GetManifestResourceStream("Lauter.Data.TraditionalPhrases.txt")!);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#') && line.Split(' ') is [var traditional, var simplified])
            {
                words.Add((traditional, simplified));
            }
        }

        return words.GroupBy(w => w.Traditional[0]).ToDictionary(g => g.Key, g => g.OrderByDescending(w => w.Traditional.Length).ThenBy(w => w.Traditional, StringComparer.Ordinal).ToArray());
    }
}
