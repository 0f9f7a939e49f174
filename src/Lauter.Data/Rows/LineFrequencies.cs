using System.IO.Hashing;
using System.Runtime.InteropServices;
using Lauter.Data.Text;

namespace Lauter.Data.Rows;

/// <summary>
/// In how many texts of a corpus a line stands, folded, in memory that does not grow: a count-min sketch of two rows (Cormode and Muthukrishnan 2005),
/// which may count too much, never too little, and with 4 million counters practically never does. Adding commutes, so workers make no difference.
/// </summary>
internal sealed class LineFrequencies
{
    private const int Bits = 22;
    private const int Shortest = 4;
    private const int Longest = 300;

    private readonly int[] _first = new int[1 << Bits];
    private readonly int[] _second = new int[1 << Bits];
    private int _texts;

    /// <summary>Texts counted.</summary>
    public int Texts => _texts;

    /// <summary>Names the corpus in cache keys; set when counting is over.</summary>
    public string Key { get; set; } = "";

    /// <summary>Counts the lines of a text, each once. Thread-safe.</summary>
    public void Add(string text)
    {
        var seen = new HashSet<ulong>();
        foreach (var range in text.AsSpan().Split('\n'))
        {
            if (HashOf(text.AsSpan(range)) is { } hash && seen.Add(hash))
            {
                Interlocked.Increment(ref _first[(int)(hash & ((1 << Bits) - 1))]);
                Interlocked.Increment(ref _second[(int)(hash >> (64 - Bits))]);
            }
        }

        Interlocked.Increment(ref _texts);
    }

    /// <summary>Texts that hold the line.</summary>
    public int Count(ReadOnlySpan<char> line) =>
        HashOf(line) is { } hash ? Math.Min(_first[(int)(hash & ((1 << Bits) - 1))], _second[(int)(hash >> (64 - Bits))]) : 0;

    /// <summary>Hash over all counters, for cache keys.</summary>
    public string Hash()
    {
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes(_first.AsSpan()));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static ulong? HashOf(ReadOnlySpan<char> line)
    {
        line = line.Trim();
        if (line.Length is < Shortest or > Longest)
        {
            return null;
        }

        var folded = TextFolding.Fold(line.ToString());
        return folded.Length < Shortest ? null : XxHash3.HashToUInt64(MemoryMarshal.AsBytes(folded.AsSpan()));
    }
}
