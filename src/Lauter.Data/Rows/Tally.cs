using System.Text.Json.Nodes;
using Lauter.Data.Operators.Measures;

namespace Lauter.Data.Rows;

/// <summary>Counts of a shard or of a whole run. Adding commutes, so the order in which workers finish makes no difference.</summary>
internal sealed class Tally
{
    /// <summary>Bars of a histogram.</summary>
    public const int Bars = 20;

    public long RowsIn { get; set; }

    public long RowsOut { get; set; }

    public long TextBytes { get; set; }

    public SortedDictionary<string, long> Dropped { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, long> DroppedBy { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, long> ByLanguage { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, long> Changed { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, long> Redactions { get; } = new(StringComparer.Ordinal);

    /// <summary>By <c>language/column</c>.</summary>
    public SortedDictionary<string, long[]> Histograms { get; } = new(StringComparer.Ordinal);

    public static void Count(SortedDictionary<string, long> counts, string key, long by = 1) => counts[key] = counts.GetValueOrDefault(key) + by;

    /// <summary>Puts the numbers of one row into the histograms.</summary>
    public void Measure(MeasurePlan plan, string language, double[] values)
    {
        if (!_open.TryGetValue(language, out var bars))
        {
            _open[language] = bars = new long[plan.Columns.Count * Bars];
            _columns = plan.Columns;
        }

        for (var i = 0; i < values.Length; i++)
        {
            bars[(i * Bars) + Bar(plan.Columns[i], values[i])]++;
        }
    }

    private readonly Dictionary<string, long[]> _open = [];
    private IReadOnlyList<string> _columns = [];

    /// <summary>Counts and sizes stand in bars of powers of two, shares in twentieths.</summary>
    public static bool IsCount(string column) =>
        column is "units" or "characters" or "words" or "sentences" or "braces" or "lorem_ipsum" or "average_line" or "longest_line" or "longest_word" or "word_length" or "stop_words";

    /// <summary>The bar that a value stands in.</summary>
    internal static int Bar(string column, double value) =>
        IsCount(column) ? Math.Clamp((int)Math.Ceiling(Math.Log2(Math.Max(0, value) + 1)), 0, Bars - 1) : Math.Clamp((int)(value * Bars), 0, Bars - 1);

    public void Add(Tally other)
    {
        (RowsIn, RowsOut, TextBytes) = (RowsIn + other.RowsIn, RowsOut + other.RowsOut, TextBytes + other.TextBytes);
        foreach (var (mine, theirs) in Pairs(other))
        {
            foreach (var (key, count) in theirs)
            {
                Count(mine, key, count);
            }
        }

        foreach (var (key, bars) in other.Histograms)
        {
            if (!Histograms.TryGetValue(key, out var sum))
            {
                Histograms[key] = sum = new long[Bars];
            }

            for (var i = 0; i < Bars; i++)
            {
                sum[i] += bars[i];
            }
        }
    }

    /// <summary>Moves the open histograms into <see cref="Histograms"/>.</summary>
    public void Close()
    {
        foreach (var (language, bars) in _open)
        {
            for (var i = 0; i < _columns.Count; i++)
            {
                Histograms[$"{language}/{_columns[i]}"] = bars[(i * Bars)..((i + 1) * Bars)];
            }
        }

        _open.Clear();
    }

    public JsonObject ToJson()
    {
        Close();
        return new JsonObject
        {
            ["rows_in"] = RowsIn, ["rows_out"] = RowsOut, ["text_bytes"] = TextBytes, ["dropped"] = Json(Dropped), ["dropped_by"] = Json(DroppedBy), ["by_language"] = Json(ByLanguage),
            ["changed"] = Json(Changed), ["redactions"] = Json(Redactions),
            ["histograms"] = new JsonObject(Histograms.Select(h => KeyValuePair.Create(h.Key, (JsonNode?)new JsonArray([.. h.Value.Select(v => (JsonNode)v)])))),
        };
    }

    public static Tally FromJson(JsonObject json)
    {
        var tally = new Tally { RowsIn = (long)json["rows_in"]!, RowsOut = (long)json["rows_out"]!, TextBytes = (long)json["text_bytes"]! };
        foreach (var (name, counts) in new[] { ("dropped", tally.Dropped), ("dropped_by", tally.DroppedBy), ("by_language", tally.ByLanguage), ("changed", tally.Changed), ("redactions", tally.Redactions) })
        {
            foreach (var (key, value) in json[name]!.AsObject())
            {
                counts[key] = (long)value!;
            }
        }

        foreach (var (key, bars) in json["histograms"]!.AsObject())
        {
            tally.Histograms[key] = [.. bars!.AsArray().Select(b => (long)b!)];
        }

        return tally;
    }

    private IEnumerable<(SortedDictionary<string, long> Mine, SortedDictionary<string, long> Theirs)> Pairs(Tally other) =>
        [(Dropped, other.Dropped), (DroppedBy, other.DroppedBy), (ByLanguage, other.ByLanguage), (Changed, other.Changed), (Redactions, other.Redactions)];

    private static JsonObject Json(SortedDictionary<string, long> counts) => new(counts.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value)));
}
