using System.Globalization;
using System.Text;
using Lauter.Data.Dedup;

namespace Lauter.Data.Redaction;

/// <summary>
/// Counts of findings, and a sample that depends on the places alone: those with the least hash. Adding commutes, so workers make no difference.
/// </summary>
internal sealed class RedactionTally(RedactionPolicy policy)
{
    private const int SamplesOfType = 5;
    private const int ContextLength = 24;

    private readonly SortedDictionary<string, TypeTally> _types = new(StringComparer.Ordinal);
    private readonly HashSet<string> _typesOfRow = [];

    private sealed class TypeTally(RedactionAction action)
    {
        public RedactionAction Action { get; } = action;

        public int Found { get; set; }

        public int Rows { get; set; }

        public SortedSet<(ulong Hash, string Text)> Samples { get; } = [];
    }

    /// <summary>Rows in which something was replaced.</summary>
    public int RowsChanged { get; private set; }

    /// <summary>Texts on which a user's pattern ran out of time, by pattern.</summary>
    public SortedDictionary<string, int> TimedOut { get; } = new(StringComparer.Ordinal);

    public void AddTimedOut(IReadOnlyList<string> patterns)
    {
        foreach (var name in patterns)
        {
            TimedOut[name] = TimedOut.GetValueOrDefault(name) + 1;
        }
    }

    /// <summary>Adds the findings of one row, text by text.</summary>
    public void AddRow(int line, IReadOnlyList<(string Field, string Text, IReadOnlyList<Redaction> All)> texts)
    {
        if (texts.Count == 0)
        {
            return;
        }

        var changed = false;
        _typesOfRow.Clear();
        foreach (var (_, text, all) in texts)
        {
            for (var i = 0; i < all.Count; i++)
            {
                var tally = Of(all[i].Type, policy.ActionOf(all[i].Span.Kind));
                tally.Found++;
                tally.Rows += _typesOfRow.Add(all[i].Type) ? 1 : 0;
                changed |= all[i].Replacement is not null;

                // The surroundings are written down only for a place that is among the least so far: few are, however many findings a text has.
                var hash = ShingleSet.Mix(((ulong)line << 32) ^ (ulong)all[i].Span.Start);
                if (tally.Samples.Count < SamplesOfType || hash <= tally.Samples.Max.Hash)
                {
                    Keep(tally, (hash, $"line {line.ToString(CultureInfo.InvariantCulture)}: {ContextOf(text, all, i)}"));
                }
            }
        }

        RowsChanged += changed ? 1 : 0;
    }

    public void Add(RedactionTally other)
    {
        RowsChanged += other.RowsChanged;
        foreach (var (name, count) in other.TimedOut)
        {
            TimedOut[name] = TimedOut.GetValueOrDefault(name) + count;
        }

        foreach (var (name, theirs) in other._types)
        {
            var mine = Of(name, theirs.Action);
            (mine.Found, mine.Rows) = (mine.Found + theirs.Found, mine.Rows + theirs.Rows);
            foreach (var sample in theirs.Samples)
            {
                Keep(mine, sample);
            }
        }
    }

    public SortedDictionary<string, TypeReport> Types() =>
        new(_types.ToDictionary(t => t.Key, t => new TypeReport(t.Value.Found, t.Value.Rows, t.Value.Action, [.. t.Value.Samples.Select(s => s.Text)])), StringComparer.Ordinal);

    private TypeTally Of(string type, RedactionAction action)
    {
        if (!_types.TryGetValue(type, out var tally))
        {
            _types[type] = tally = new TypeTally(action);
        }

        return tally;
    }

    private static void Keep(TypeTally tally, (ulong, string) sample)
    {
        tally.Samples.Add(sample);
        if (tally.Samples.Count > SamplesOfType)
        {
            tally.Samples.Remove(tally.Samples.Max);
        }
    }

    /// <summary>The text around a finding, every finding in it replaced by its type.</summary>
    private static string ContextOf(string text, IReadOnlyList<Redaction> findings, int which)
    {
        var span = findings[which].Span;
        var (from, to) = (Math.Max(0, span.Start - ContextLength), Math.Min(text.Length, span.End + ContextLength));
        var first = which;
        while (first > 0 && findings[first - 1].Span.End > from)
        {
            first--;
        }

        var context = new StringBuilder();
        var at = from;
        for (var i = first; i < findings.Count && findings[i].Span.Start < to; i++)
        {
            context.Append(text, at, Math.Max(0, findings[i].Span.Start - at)).Append('[').Append(findings[i].Type).Append(']');
            at = findings[i].Span.End;
        }

        return (at < to ? context.Append(text, at, to - at) : context).ToString().ReplaceLineEndings(" ");
    }
}
