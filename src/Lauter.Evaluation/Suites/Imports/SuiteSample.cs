using Lauter.Data.Redaction;
using Lauter.Evaluation.Statistics;

namespace Lauter.Evaluation.Suites.Imports;

/// <summary>A suite drawn from many rows: seeded, stratified, personal data masked.</summary>
public static class SuiteSample
{
    /// <summary>
    /// <paramref name="count"/> rows, each stratum by its share, and at least once where there is room for all, drawn without
    /// replacement. The same rows, seed and count give the same sample, whatever the rows' order.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <param name="count">How many to keep; all when there are no more.</param>
    /// <param name="seed">Seed of the draw.</param>
    /// <param name="stratum">The stratum of a row; null for none.</param>
    public static IReadOnlyList<SuiteRow> Draw(IReadOnlyList<SuiteRow> rows, int count, ulong seed, Func<SuiteRow, string>? stratum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (rows.Count <= count)
        {
            return rows;
        }

        var strata = rows.GroupBy(r => stratum?.Invoke(r) ?? "", StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.OrderBy(r => r.Id, StringComparer.Ordinal).ToArray()).ToArray();
        int[] quota = [.. strata.Select(_ => strata.Length <= count ? 1 : 0)];
        for (var left = count - quota.Sum(); left > 0; left--)
        {
            // The next place goes to whoever lacks most of its share.
            var lacking = Enumerable.Range(0, strata.Length).Where(i => quota[i] < strata[i].Length).MaxBy(i => ((double)strata[i].Length * count / rows.Count) - quota[i]);
            quota[lacking]++;
        }

        var random = new SeededRandom(seed);
        var drawn = new List<SuiteRow>(count);
        for (var s = 0; s < strata.Length; s++)
        {
            for (var i = 0; i < quota[s]; i++)
            {
                var at = i + random.NextInt(strata[s].Length - i);
                (strata[s][i], strata[s][at]) = (strata[s][at], strata[s][i]);
                drawn.Add(strata[s][i]);
            }
        }

        return drawn;
    }

    /// <summary>The rows with personal data masked in inputs and references, and what was masked how often.</summary>
    public static (IReadOnlyList<SuiteRow> Rows, IReadOnlyDictionary<string, int> Masked) Mask(IEnumerable<SuiteRow> rows)
    {
        var counts = new Dictionary<PersonalDataKind, int>();
        var kinds = PersonalData.AllKinds.Concat(PersonalData.ContextKinds).ToHashSet();
        SuiteRow[] masked = [.. rows.Select(r => r with { Input = TextLeaves.Map(r.Input, Redact)!, References = [.. r.References.Select(a => TextLeaves.Map(a, Redact))] })];
        return (masked, counts.OrderBy(c => c.Key).ToDictionary(c => PersonalData.NameOf(c.Key), c => c.Value, StringComparer.Ordinal));

        string Redact(string text) => PersonalData.Redact(text, kinds, counts);
    }
}
