using Lauter.Data.Operators;

namespace Lauter.Data.Rows;

/// <summary>What one check of a recipe does to a sample.</summary>
/// <param name="Operator">The operator.</param>
/// <param name="Reason">The check.</param>
/// <param name="Alone">Rows that it would drop by itself.</param>
/// <param name="First">Rows that it is the first to drop.</param>
public sealed record CheckSurvival(string Operator, string Reason, int Alone, int First);

/// <summary>A row that edits changed.</summary>
/// <param name="Id">The row.</param>
/// <param name="Operators">Edits that changed it.</param>
/// <param name="Before">Around the first difference, at most 160 characters.</param>
/// <param name="After">The same place afterwards.</param>
public sealed record ChangedRow(string Id, IReadOnlyList<string> Operators, string Before, string After);

/// <summary>A recipe on a sample.</summary>
public sealed record RecipePreview
{
    /// <summary>Rows of the sample.</summary>
    public required int Rows { get; init; }

    /// <summary>Rows that could not be read.</summary>
    public required int Unreadable { get; init; }

    /// <summary>Rows that every check keeps, by language.</summary>
    public required IReadOnlyDictionary<string, int> Kept { get; init; }

    /// <summary>Rows by language.</summary>
    public required IReadOnlyDictionary<string, int> Languages { get; init; }

    /// <summary>Checks that drop at least one row, in the order of the recipe.</summary>
    public required IReadOnlyList<CheckSurvival> Checks { get; init; }

    /// <summary>Rows that each edit changes.</summary>
    public required IReadOnlyDictionary<string, int> Changed { get; init; }

    /// <summary>Some changed rows.</summary>
    public required IReadOnlyList<ChangedRow> Examples { get; init; }

    /// <summary>By <c>language/column</c>: counts in bars, twentieths for shares and powers of two for counts.</summary>
    public required IReadOnlyDictionary<string, long[]> Histograms { get; init; }
}

/// <summary>Tries a recipe on a sample without writing anything. Rules that need the whole corpus (copies, frequent lines, selections) are not tried.</summary>
public static class RowPreview
{
    private const int Examples = 5;
    private const int Places = 8;

    /// <summary>Tries <paramref name="recipe"/> on rows from up to eight places of the inputs.</summary>
    /// <param name="recipe">Operators.</param>
    /// <param name="inputs">Files of rows.</param>
    /// <param name="rows">Rows to look at, from 1.</param>
    /// <param name="textField">Member with the text.</param>
    /// <param name="idField">Member with the id.</param>
    /// <param name="cancellation">Stops between rows.</param>
    public static async Task<RecipePreview> RunAsync(Recipe recipe, IReadOnlyList<SourceFile> inputs, int rows, string textField = "text", string idField = "id", CancellationToken cancellation = default)
    {
        var shards = await ShardPlanner.PlanAsync(inputs, cancellation);
        var places = Math.Min(Places, shards.Count);
        var pipeline = await RowPipeline.OpenAsync(recipe, inputs, textField, idField, cancellation);
        var program = pipeline.Last;
        var pieces = new List<RowPiece>();
        var tally = new Tally();
        var order = new List<(string, string)>();
        var alone = new Dictionary<(string, string), int>();
        var first = new Dictionary<(string, string), int>();
        var kept = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var languages = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var examples = new List<ChangedRow>();
        int seen = 0, unreadable = 0;
        for (var p = 0; p < places; p++)
        {
            var shard = await ShardReader.ReadAsync(shards[(int)((long)p * shards.Count / places)], textField, cancellation);
            unreadable += shard.Rejects.Count;
            foreach (var place in shard.Lines.Take(Math.Max(1, ((rows * (p + 1)) / places) - seen)))
            {
                cancellation.ThrowIfCancellationRequested();
                seen++;
                var line = shard.Bytes.AsMemory(place.Start, place.Length);
                var before = pipeline.Programs.Select(p => (long[])p.Changed.Clone()).ToList();
                try
                {
                    pipeline.Run(line, () => $"line {place.Number}", null, pieces);
                }
                catch (RowFault)
                {
                    unreadable++;
                    continue;
                }

                foreach (var (row, outcome) in pieces)
                {
                    languages[outcome.Language] = languages.GetValueOrDefault(outcome.Language) + 1;
                    var isMeasured = outcome.Values.Length == program.Plan.Columns.Count;
                    if (isMeasured)
                    {
                        tally.Measure(program.Plan, outcome.Language, outcome.Values);
                    }

                    foreach (var verdict in isMeasured ? program.Rules.All(outcome.Language, outcome.Values) : [])
                    {
                        Count(alone, (verdict.Operator, verdict.Reason));
                        Note(order, (verdict.Operator, verdict.Reason));
                    }

                    if (outcome.Verdict is { } drop)
                    {
                        Count(first, (drop.Operator, drop.Reason));
                        Note(order, (drop.Operator, drop.Reason));
                    }
                    else
                    {
                        kept[outcome.Language] = kept.GetValueOrDefault(outcome.Language) + 1;
                    }

                    if (outcome.IsChanged && examples.Count < Examples)
                    {
                        var (old, now) = Difference(program.OriginalText(row.Span, outcome), outcome.Text!);
                        examples.Add(new ChangedRow(outcome.Id, [.. pipeline.Programs.SelectMany((p, k) => p.EditNames.Where((_, i) => p.Changed[i] > before[k][i]))], old, now));
                    }
                }
            }
        }

        tally.Close();
        var positions = recipe.Operators.Select((o, i) => (o.Spec.Name, i)).ToDictionary(o => o.Name, o => o.i);
        return new RecipePreview
        {
            Rows = seen, Unreadable = unreadable, Kept = kept, Languages = languages,
            Checks = [.. order.OrderBy(o => positions.GetValueOrDefault(o.Item1, -1)).Select(o => new CheckSurvival(o.Item1, o.Item2, Math.Max(alone.GetValueOrDefault(o), first.GetValueOrDefault(o)), first.GetValueOrDefault(o)))],
            Changed = new SortedDictionary<string, int>(pipeline.Programs.SelectMany(p => p.EditNames.Select((n, i) => (n, (int)p.Changed[i]))).ToDictionary(c => c.n, c => c.Item2), StringComparer.Ordinal),
            Examples = examples, Histograms = tally.Histograms,
        };
    }

    /// <summary>Both texts around their first difference.</summary>
    internal static (string Before, string After) Difference(string before, string after)
    {
        var at = before.AsSpan().CommonPrefixLength(after);
        var start = Math.Max(0, at - 40);
        return (Window(before, start), Window(after, start));
    }

    private static string Window(string text, int start)
    {
        start = Math.Min(start, text.Length);
        var end = Math.Min(text.Length, start + 160);
        return (start > 0 ? "\u2026" : "") + text[start..end].Replace("\n", "\u21B5", StringComparison.Ordinal) + (end < text.Length ? "\u2026" : "");
    }

    private static void Note(List<(string, string)> order, (string, string) key)
    {
        if (!order.Contains(key))
        {
            order.Add(key);
        }
    }

    private static void Count(Dictionary<(string, string), int> counts, (string, string) key) => counts[key] = counts.GetValueOrDefault(key) + 1;
}
