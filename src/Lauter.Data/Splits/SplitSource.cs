using System.Collections.Concurrent;
using System.Globalization;
using Lauter.Data.Dedup;
using Lauter.Data.Tables;

namespace Lauter.Data.Splits;

/// <summary>What a split needs to know of the rows of a file beside their texts: stratum and group values. Filled by workers, batch by batch.</summary>
internal sealed class SplitSource(RowSplitOptions options)
{
    /// <summary>Each field once, though a field may be group and stratum at the same time.</summary>
    private readonly List<string> _fields = [.. ((string[])[options.TextField, options.StratifyField ?? options.TextField, .. options.GroupFields]).Distinct(StringComparer.Ordinal)];
    private readonly ConcurrentDictionary<int, List<(string Stratum, string[] Groups)>> _batches = new();
    private readonly ConcurrentDictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, bool> _unreadable = new();

    /// <summary>Numbers of lines that are no rows.</summary>
    public IReadOnlyDictionary<int, bool> Unreadable => _unreadable;

    /// <summary>The texts of a batch, in order; remembers the rest.</summary>
    public List<DuplicateDocument> Parse(LineBatch batch)
    {
        var (documents, rows) = (new List<DuplicateDocument>(), new List<(string, string[])>());
        var (text, stratum, groups) = (_fields.IndexOf(options.TextField), options.StratifyField is { } s ? _fields.IndexOf(s) : -1, options.GroupFields.Select(g => (Name: g, At: _fields.IndexOf(g))).ToArray());
        foreach (var (line, number) in batch.Lines())
        {
            if (JsonLines.Fields(line, _fields) is not { } values)
            {
                _unreadable[number] = true;
                continue;
            }

            // A row without such a text, a conversation for example, is compared as a whole.
            documents.Add(new DuplicateDocument(number.ToString(CultureInfo.InvariantCulture), values[text] ?? System.Text.Encoding.UTF8.GetString(line.Span)));
            rows.Add((
                stratum < 0 ? "" : Name(values[stratum] ?? ""),
                [.. groups.Where(g => !string.IsNullOrEmpty(values[g.At])).Select(g => Name($"{g.Name}:{values[g.At]}"))]));
        }

        _batches[batch.FirstLine] = rows;
        return documents;
    }

    /// <summary>All rows in the order of the file.</summary>
    /// <param name="texts">The keys of a row's text.</param>
    public List<SplitRow> Rows(Func<int, string[]> texts)
    {
        var rows = new List<SplitRow>();
        foreach (var (stratum, groups) in _batches.OrderBy(b => b.Key).SelectMany(b => b.Value))
        {
            rows.Add(new SplitRow([.. texts(rows.Count), .. groups], stratum));
        }

        _batches.Clear();
        return rows;
    }

    /// <summary>One object for equal names: a customer of a thousand rows is one string.</summary>
    private string Name(string name) => _names.GetOrAdd(name, name);
}
