using Lauter.Data.Text;

namespace Lauter.Evaluation.Suites;

/// <summary>One text source: a row of a training set, or an item of a suite.</summary>
/// <param name="Id">For the report.</param>
/// <param name="Texts">Its texts, each on its own.</param>
public sealed record ContaminationSource(string Id, IReadOnlyList<string> Texts);

/// <summary>A suite's item that training has seen.</summary>
/// <param name="Id">The item.</param>
/// <param name="Exact">True when a whole text of the item is a whole text of a training row, after folding.</param>
/// <param name="Covered">Share of the item's n-grams that occur in training, 0 to 1; null when all its texts are shorter than n.</param>
/// <param name="Training">A training row that shares the most with it.</param>
public sealed record ContaminatedItem(string Id, bool Exact, double? Covered, string Training);

/// <summary>What of a suite was seen in training.</summary>
/// <param name="N">Units of an n-gram: a unit is a word, or one Han character.</param>
/// <param name="Items">Items of the suite.</param>
/// <param name="TrainingRows">Rows compared with.</param>
/// <param name="Exact">Items with a text that occurs whole.</param>
/// <param name="Overlapping">Items that share an n-gram, exact ones included.</param>
/// <param name="TooShort">Items with no text of n units, for which only exact copies can be found.</param>
/// <param name="TemplateNGrams">N-grams left out because so many items share them that they are a template, not content.</param>
/// <param name="Found">The items, the most covered first.</param>
public sealed record ContaminationReport(
    int N, int Items, long TrainingRows, int Exact, int Overlapping, int TooShort, int TemplateNGrams, IReadOnlyList<ContaminatedItem> Found)
{
    /// <summary>Share of items that share anything with training, 0 to 1.</summary>
    public double Rate => Items == 0 ? 0 : Overlapping / (double)Items;
}

/// <summary>
/// Whether a suite's items occur in training sets. Texts are folded (NFKC, case, traditional to simplified), a Han character is a unit and so is every other
/// word; an n-gram is n units in a row, whatever stands between. The suite's n-grams are hashed once and training rows stream past.
/// </summary>
/// <remarks>
/// 13 words as in the overlap analysis of Brown et al. (2020), appendix C. Hashes have 64 bits: among 10⁸ n-grams of training against 10⁶ of a suite, a false match
/// has probability 5·10⁻⁶. Texts below 13 units are compared whole, and those of one or two units not at all: "yes" proves nothing.
/// </remarks>
public static class Contamination
{
    /// <summary>The usual length.</summary>
    public const int DefaultN = 13;

    private const int LeastWhole = 3;
    private const double TemplateShare = 0.05;
    private const int TemplateItems = 10;

    /// <summary>Compares; reads <paramref name="training"/> once.</summary>
    /// <param name="suite">The suite's items; give the texts of inputs, and of references where they are long.</param>
    /// <param name="training">Rows of every training set that the candidate saw.</param>
    /// <param name="n">Units of an n-gram, 3 to 100.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static ContaminationReport Check(IReadOnlyList<ContaminationSource> suite, IEnumerable<ContaminationSource> training, int n = DefaultN, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 3);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(n, 100);
        var wholes = new Dictionary<ulong, List<int>>();
        var grams = new Dictionary<ulong, List<int>>();
        var own = new HashSet<ulong>[suite.Count];
        for (var item = 0; item < suite.Count; item++)
        {
            own[item] = [];
            foreach (var units in suite[item].Texts.Select(Units))
            {
                if (units.Count >= LeastWhole)
                {
                    Add(wholes, Whole(units), item);
                }

                own[item].UnionWith(Grams(units, n));
            }

            foreach (var gram in own[item])
            {
                Add(grams, gram, item);
            }
        }

        // What a tenth of the items have in common is the prompt around the question; training on the same prompt is no leak.
        var most = Math.Max(TemplateItems, TemplateShare * suite.Count);
        ulong[] templates = [.. grams.Where(g => g.Value.Count > most).Select(g => g.Key)];
        foreach (var template in templates)
        {
            grams.Remove(template);
        }

        var seen = Scan(suite.Count, wholes, grams, training, n, cancellationToken, out var rows);
        ContaminatedItem[] found =
        [
            .. Enumerable.Range(0, suite.Count).Where(i => seen[i].Exact || seen[i].Grams.Count > 0)
                .Select(i => new ContaminatedItem(suite[i].Id, seen[i].Exact, own[i].Count == 0 ? null : seen[i].Grams.Count / (double)own[i].Count, seen[i].Row!))
                .OrderByDescending(f => f.Exact).ThenByDescending(f => f.Covered ?? 1).ThenBy(f => f.Id, StringComparer.Ordinal),
        ];
        return new ContaminationReport(n, suite.Count, rows, found.Count(f => f.Exact), found.Length, own.Count(o => o.Count == 0), templates.Length, found);
    }

    private static (bool Exact, HashSet<ulong> Grams, int Best, string? Row)[] Scan(
        int items, Dictionary<ulong, List<int>> wholes, Dictionary<ulong, List<int>> grams, IEnumerable<ContaminationSource> training, int n, CancellationToken cancellationToken, out long rows)
    {
        var seen = new (bool Exact, HashSet<ulong> Grams, int Best, string? Row)[items];
        for (var i = 0; i < items; i++)
        {
            seen[i].Grams = [];
        }

        rows = 0;
        var shared = new Dictionary<int, int>();
        foreach (var row in training)
        {
            cancellationToken.ThrowIfCancellationRequested();
            rows++;
            shared.Clear();
            foreach (var units in row.Texts.Select(Units))
            {
                foreach (var item in units.Count >= LeastWhole && wholes.TryGetValue(Whole(units), out var equal) ? equal : [])
                {
                    seen[item].Exact = true;
                    shared[item] = int.MaxValue;
                }

                foreach (var gram in Grams(units, n))
                {
                    foreach (var item in grams.TryGetValue(gram, out var holders) ? holders : [])
                    {
                        seen[item].Grams.Add(gram);
                        shared[item] = shared.GetValueOrDefault(item) is var count && count == int.MaxValue ? count : count + 1;
                    }
                }
            }

            foreach (var (item, count) in shared)
            {
                if (count > seen[item].Best)
                {
                    (seen[item].Best, seen[item].Row) = (count, row.Id);
                }
            }
        }

        return seen;
    }

    /// <summary>Hashes of the units: each Han character, and each run of other letters and digits.</summary>
    internal static List<ulong> Units(string text)
    {
        var folded = ChineseScript.ToSimplified(TextFolding.Fold(text));
        var units = new List<ulong>();
        var word = Start;
        foreach (var c in folded)
        {
            if (c is (>= '\u3400' and <= '\u9fff') or (>= '\uf900' and <= '\ufaff'))
            {
                Close();
                units.Add(Mix(Start, c));
            }
            else if (char.IsLetterOrDigit(c) || char.IsSurrogate(c))
            {
                word = Mix(word, c);
            }
            else
            {
                Close();
            }
        }

        Close();
        return units;

        void Close()
        {
            if (word != Start)
            {
                units.Add(word);
                word = Start;
            }
        }
    }

    private const ulong Start = 14_695_981_039_346_656_037;

    private static IEnumerable<ulong> Grams(List<ulong> units, int n)
    {
        for (var i = 0; i + n <= units.Count; i++)
        {
            var hash = Start;
            for (var j = 0; j < n; j++)
            {
                hash = Mix(hash, units[i + j]);
            }

            yield return hash;
        }
    }

    private static ulong Whole(List<ulong> units)
    {
        var hash = Start + 1;
        foreach (var unit in units)
        {
            hash = Mix(hash, unit);
        }

        return hash;
    }

    // SplitMix64's finaliser over the running hash: FNV alone leaves the high bits of short words equal.
    private static ulong Mix(ulong hash, ulong value)
    {
        var z = (hash ^ value) + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static void Add(Dictionary<ulong, List<int>> index, ulong key, int item)
    {
        if (!index.TryGetValue(key, out var holders))
        {
            index[key] = holders = [];
        }

        if (holders.Count == 0 || holders[^1] != item)
        {
            holders.Add(item);
        }
    }
}
