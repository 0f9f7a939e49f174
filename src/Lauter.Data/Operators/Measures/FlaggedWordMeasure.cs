using System.Buffers;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>
/// Words and phrases of a list, per word of the text. Lauter ships no list: what is unwanted is the team's to say. A line of the file is a word or a
/// phrase, <c>#</c> begins a comment. Case does not matter; a Latin entry matches whole words, a Han entry anywhere.
/// </summary>
internal sealed class FlaggedWordMeasure : Measure
{
    private readonly SearchValues<string> _search;
    private readonly Dictionary<char, string[]> _byFirst;
    private readonly string _key;

    private FlaggedWordMeasure(SearchValues<string> search, Dictionary<char, string[]> byFirst, string key) => (_search, _byFirst, _key) = (search, byFirst, key);

    public override string Name => "flagged words " + _key;

    public override int Version => 1;

    public override IReadOnlyList<string> Columns { get; } = ["flagged_words"];

    /// <summary>Reads the list of a call once; measures of all workers share it.</summary>
    public static Func<Measure> Open(OperatorCall call)
    {
        var entries = File.ReadLines(call.File("list")!).Select(l => l.Trim().ToLowerInvariant()).Where(l => l.Length > 0 && l[0] != '#').Distinct(StringComparer.Ordinal).ToList();
        var search = SearchValues.Create([.. entries], StringComparison.OrdinalIgnoreCase);
        var byFirst = entries.GroupBy(e => e[0]).ToDictionary(g => g.Key, g => g.OrderByDescending(e => e.Length).ToArray());
        return () => new FlaggedWordMeasure(search, byFirst, call.Text("list"));
    }

    public override void Take(TextView text, Span<double> values)
    {
        var span = text.Text.AsSpan();
        var count = 0;
        var at = 0;
        while (at < span.Length && span[at..].IndexOfAny(_search) is >= 0 and var found)
        {
            at += found;
            var length = Match(span, at);
            count += length > 0 ? 1 : 0;
            at += Math.Max(1, length);
        }

        values[0] = Ratio(count, text.Words);
    }

    private int Match(ReadOnlySpan<char> text, int at)
    {
        foreach (var entry in _byFirst.GetValueOrDefault(char.ToLowerInvariant(text[at])) ?? [])
        {
            if (text[at..].StartsWith(entry, StringComparison.OrdinalIgnoreCase) && IsEdge(text, at - 1, entry[0]) && IsEdge(text, at + entry.Length, entry[^1]))
            {
                return entry.Length;
            }
        }

        return 0;
    }

    private static bool IsEdge(ReadOnlySpan<char> text, int neighbour, char own) =>
        neighbour < 0 || neighbour >= text.Length || TextFolding.IsHan(own) || TextFolding.IsHan(text[neighbour]) || !char.IsLetterOrDigit(own) || !char.IsLetterOrDigit(text[neighbour]);
}
