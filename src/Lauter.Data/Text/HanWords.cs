using System.Runtime.CompilerServices;

namespace Lauter.Data.Text;

/// <summary>
/// Cuts runs of Han characters into the most probable words of a frequency dictionary (words of up to four characters; unknown characters stand
/// alone). The thresholds published for Chinese count such words, so a rule that uses them must cut likewise. Traditional characters are looked
/// up in their simplified form. Thread-safe.
/// </summary>
internal static class HanWords
{
    /// <summary>Words counted in the dictionary's source.</summary>
    private const double Total = 60_101_967;

    private const int LongestWord = 4;
    private const byte HasThree = 1;
    private const byte HasFour = 2;

    private static readonly float[] Singles = new float[char.MaxValue + 1];
    private static readonly bool[] Frequent = new bool[char.MaxValue + 1];
    private static readonly ulong[] Keys;
    private static readonly float[] Costs;
    private static readonly byte[] Longer;
    private static readonly int Mask;
    private static readonly float Unknown = (float)Math.Log(Total);

    static HanWords()
    {
        var words = new List<(string Words, int Length, float Cost)>();
        var weight = new double[char.MaxValue + 1];
        using (var reader = new StreamReader(typeof(HanWords).Assembly.GetManifestResourceStream("Lauter.Data.HanWords.txt")!))
        {
            while (reader.ReadLine() is { } line)
            {
                if (line.StartsWith('#'))
                {
                    continue;
                }

                var parts = line.Split(' ');
                var count = Math.Pow(2, int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture) / 2.0);
                words.Add((parts[2], int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture), (float)-Math.Log(count / Total)));
                foreach (var c in parts[2])
                {
                    weight[c] += count;
                }
            }
        }

        foreach (var c in Enumerable.Range(0, weight.Length).OrderByDescending(c => weight[c]).Take(600))
        {
            Frequent[c] = true;
        }

        Array.Fill(Singles, Unknown);
        var size = 1 << 19;
        Mask = size - 1;
        (Keys, Costs, Longer) = (new ulong[size], new float[size], new byte[size]);
        Array.Fill(Costs, float.PositiveInfinity);
        foreach (var (text, length, cost) in words)
        {
            for (var i = 0; i < text.Length; i += length)
            {
                var word = text.AsSpan(i, length);
                if (length == 1)
                {
                    Singles[word[0]] = cost;
                    continue;
                }

                Costs[Slot(Pack(word), add: true)] = cost;
                if (length > 2)
                {
                    Longer[Slot(Pack(word[..2]), add: true)] |= length == 3 ? HasThree : HasFour;
                }
            }
        }
    }

    /// <summary>One of the 600 characters that make up most of any Chinese prose, simplified or traditional.</summary>
    public static bool IsFrequent(char c) => Frequent[TextFolding.Simplify(c)];

    /// <summary>Lengths of the words of a run, in order.</summary>
    /// <param name="run">Han characters only.</param>
    /// <param name="lengths">Receives them; as long as the run.</param>
    /// <param name="scratch">At least one longer than the run; its contents are of no interest.</param>
    /// <returns>How many words.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Cut(ReadOnlySpan<char> run, Span<byte> lengths, Span<float> scratch)
    {
        // Dynamic programme from the end: scratch[i] is the cost of the best way to cut run[i..], lengths[i] its first word.
        scratch[run.Length] = 0;
        char next1 = '\0', next2 = '\0', next3 = '\0';
        for (var i = run.Length - 1; i >= 0; i--)
        {
            var c = TextFolding.Simplify(run[i]);
            var best = Singles[c] + scratch[i + 1];
            byte length = 1;
            if (next1 != 0)
            {
                var key = c | ((ulong)next1 << 16);
                var slot = Slot(key, add: false);
                if (slot >= 0)
                {
                    Try(Costs[slot], 2, i, scratch, ref best, ref length);
                    var longer = Longer[slot];
                    if ((longer & HasThree) != 0 && next2 != 0 && Slot(key | ((ulong)next2 << 32), add: false) is >= 0 and var three)
                    {
                        Try(Costs[three], 3, i, scratch, ref best, ref length);
                    }

                    if ((longer & HasFour) != 0 && next3 != 0 && Slot(key | ((ulong)next2 << 32) | ((ulong)next3 << 48), add: false) is >= 0 and var four)
                    {
                        Try(Costs[four], LongestWord, i, scratch, ref best, ref length);
                    }
                }
            }

            scratch[i] = best;
            lengths[i] = length;
            (next3, next2, next1) = (next2, next1, c);
        }

        var count = 0;
        for (var i = 0; i < run.Length;)
        {
            var length = lengths[i];
            lengths[count++] = length;
            i += length;
        }

        return count;
    }

    private static void Try(float cost, int words, int i, Span<float> scratch, ref float best, ref byte length)
    {
        var whole = cost + scratch[i + words];
        if (whole < best)
        {
            (best, length) = (whole, (byte)words);
        }
    }

    private static ulong Pack(ReadOnlySpan<char> word)
    {
        var key = 0UL;
        for (var i = 0; i < word.Length; i++)
        {
            key |= (ulong)word[i] << (16 * i);
        }

        return key;
    }

    private static int Slot(ulong key, bool add)
    {
        var slot = (int)((key * 0x9E3779B97F4A7C15UL) >> 45) & Mask;
        while (true)
        {
            var there = Keys[slot];
            if (there == key)
            {
                return slot;
            }

            if (there == 0)
            {
                if (!add)
                {
                    return -1;
                }

                Keys[slot] = key;
                return slot;
            }

            slot = (slot + 1) & Mask;
        }
    }
}
