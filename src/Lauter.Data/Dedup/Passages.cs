using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Lauter.Data.Dedup;

/// <summary>What a passage is.</summary>
public enum PassageUnit
{
    /// <summary>A line of text that is not blank.</summary>
    Paragraph,

    /// <summary>Up to and including . ! ? 。！？… or the end of the line.</summary>
    Sentence,
}

/// <summary>How repeated passages are removed.</summary>
/// <param name="Unit">See <see cref="PassageUnit"/>.</param>
/// <param name="Window">Passages that must repeat together, 1 to 10; C4 takes 3 sentences.</param>
/// <param name="Minimum">A window with fewer units (words, Han characters) than this is never removed: headings and "Yes." repeat rightly.</param>
public sealed record PassageOptions(PassageUnit Unit, int Window = 1, int Minimum = 8);

/// <summary>What is left of a text.</summary>
/// <param name="Text">Without the passages that stood in an earlier text or earlier in this one.</param>
/// <param name="Passages">Passages of the text.</param>
/// <param name="Removed">How many of them went.</param>
public readonly record struct PassageResult(string Text, int Passages, int Removed);

/// <summary>
/// Removes passages that were seen before, in the order of the texts: the first occurrence stays. Compared folded, by 64-bit hash; memory is
/// about 12 bytes for each different window. Cutting is thread-safe, removing is not.
/// </summary>
public sealed class Passages(PassageOptions options)
{
    private readonly HashSet<ulong> _seen = [];

    /// <summary>Different windows seen so far.</summary>
    public int Seen => _seen.Count;

    /// <summary>Cuts and removes at once.</summary>
    public PassageResult Remove(string text) => Remove(text, Cut(text));

    /// <summary>Removes what earlier texts had; the second step, one text after the other.</summary>
    internal PassageResult Remove(string text, IReadOnlyList<Passage> passages)
    {
        // A passage goes when a window that holds it was seen before, in this text or an earlier one.
        var gone = new bool[passages.Count];
        var window = Math.Min(options.Window, Math.Max(1, passages.Count));
        for (var i = 0; i + window <= passages.Count; i++)
        {
            var (key, units) = Window(passages, i, window);
            if (units >= options.Minimum && !_seen.Add(key))
            {
                Array.Fill(gone, true, i, window);
            }
        }

        var removed = gone.Count(g => g);
        if (removed == 0)
        {
            return new PassageResult(text, passages.Count, 0);
        }

        var kept = new System.Text.StringBuilder(text.Length);
        var at = 0;
        for (var i = 0; i < passages.Count; i++)
        {
            if (gone[i])
            {
                kept.Append(text, at, passages[i].Start - at);
                at = passages[i].End;
            }
        }

        return new PassageResult(kept.Append(text, at, text.Length - at).ToString().Trim(), passages.Count, removed);
    }

    /// <summary>The first step: cuts a text and hashes its passages.</summary>
    internal IReadOnlyList<Passage> Cut(string text)
    {
        var passages = new List<Passage>();
        var units = new UnitBuffer();
        for (var start = 0; start < text.Length;)
        {
            var end = EndOf(text, start);
            units.Count = 0;
            TextUnits.Append(text.AsSpan(start, end - start), units);
            if (units.Count > 0)
            {
                passages.Add(new Passage(start, end, XxHash64.HashToUInt64(MemoryMarshal.AsBytes(units.Written)), units.Count));
            }

            start = end;
        }

        return passages;
    }

    private static (ulong Key, int Units) Window(IReadOnlyList<Passage> passages, int start, int count)
    {
        var (key, units) = ((ulong)count, 0);
        for (var i = start; i < start + count; i++)
        {
            key = ShingleSet.Mix(key ^ passages[i].Hash);
            units += passages[i].Units;
        }

        return (key, units);
    }

    private int EndOf(string text, int start)
    {
        for (var i = start; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\n')
            {
                return i + 1;
            }

            // A point inside a number or an abbreviation is followed by something else than a blank.
            if (options.Unit == PassageUnit.Sentence && (c is '。' or '！' or '？' || (c is '.' or '!' or '?' && (i + 1 == text.Length || char.IsWhiteSpace(text[i + 1])))))
            {
                return i + 1;
            }
        }

        return text.Length;
    }
}

/// <summary>One passage: where it stands, the hash of its units and their number.</summary>
internal readonly record struct Passage(int Start, int End, ulong Hash, int Units);
