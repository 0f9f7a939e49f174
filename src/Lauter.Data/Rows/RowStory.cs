using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Operators;

namespace Lauter.Data.Rows;

/// <summary>One edit of a row's story.</summary>
public sealed record StoryEdit(string Operator, bool Changed, string Before, string After);

/// <summary>One threshold of a row's story.</summary>
/// <param name="Operator">The operator.</param>
/// <param name="Threshold">The argument.</param>
/// <param name="Value">What was measured.</param>
/// <param name="Limit">The recipe's threshold for the row's language.</param>
/// <param name="IsLeast">The value must not be smaller; otherwise not larger.</param>
/// <param name="Passes">Whether it holds.</param>
public sealed record StoryCheck(string Operator, string Threshold, double Value, double Limit, bool IsLeast, bool Passes);

/// <summary>What happens to one row, operator by operator.</summary>
public sealed record RowStory
{
    /// <summary>The row.</summary>
    public required string Id { get; init; }

    /// <summary>Its file and line.</summary>
    public required string Source { get; init; }

    /// <summary>Line or row number, from 1.</summary>
    public required long Line { get; init; }

    /// <summary>Its language.</summary>
    public required string Language { get; init; }

    /// <summary>Edits in order.</summary>
    public required IReadOnlyList<StoryEdit> Edits { get; init; }

    /// <summary>Thresholds in order.</summary>
    public required IReadOnlyList<StoryCheck> Checks { get; init; }

    /// <summary>Rows that it becomes: more than one when the recipe splits texts; the rest of the story is then that of the first part that goes, or of the first.</summary>
    public int Parts { get; init; } = 1;

    /// <summary>SHA-256 of the text after the edits, as UTF-8.</summary>
    public string TextSha256 { get; init; } = "";

    /// <summary>Why it is dropped; null when the recipe's rules keep it.</summary>
    public string? Dropped { get; init; }

    /// <summary>The rejects about the row in a finished run, as they stand there; copies are only known from there.</summary>
    public IReadOnlyList<string> Rejects { get; init; } = [];

    /// <summary>Finds a row by id or by line number and runs the recipe over it alone.</summary>
    /// <param name="recipe">Operators.</param>
    /// <param name="inputs">Where to look.</param>
    /// <param name="row">An id, or a line number of the first file.</param>
    /// <param name="finished">Output directory of a run, whose rejects are searched; null searches none.</param>
    /// <param name="textField">Member with the text.</param>
    /// <param name="idField">Member with the id.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <returns>Null when there is no such row.</returns>
    public static async Task<RowStory?> OfAsync(Recipe recipe, IReadOnlyList<SourceFile> inputs, string row, string? finished = null, string textField = "text", string idField = "id", CancellationToken cancellation = default)
    {
        var isNumber = long.TryParse(row, out var number);
        var parser = new RowParser(textField, idField, null);
        var needle = System.Text.Encoding.UTF8.GetBytes(row);
        foreach (var shard in await ShardPlanner.PlanAsync(inputs, cancellation))
        {
            var rows = await ShardReader.ReadAsync(shard, textField, cancellation);
            foreach (var place in rows.Lines)
            {
                cancellation.ThrowIfCancellationRequested();
                var line = rows.Bytes.AsMemory(place.Start, place.Length);
                if ((isNumber && place.Number == number && shard.Files[0] == inputs[0]) || (line.Span.IndexOf(needle) >= 0 && IdOf(parser, line.Span) == row))
                {
                    return Tell(await RowPipeline.OpenAsync(recipe, inputs, textField, idField, cancellation), recipe, shard, place, line, finished);
                }
            }
        }

        return null;
    }

    private static string? IdOf(RowParser parser, ReadOnlySpan<byte> line)
    {
        try
        {
            return parser.Find(line).Id;
        }
        catch (RowFault)
        {
            return null;
        }
    }

    private static RowStory Tell(RowPipeline pipeline, Recipe recipe, RowShard shard, RowLine place, ReadOnlyMemory<byte> line, string? finished)
    {
        var pieces = new List<RowPiece>();
        try
        {
            pipeline.Run(line, () => $"line {place.Number}", null, pieces);
        }
        catch (RowFault fault)
        {
            return new RowStory { Id = $"line {place.Number}", Source = shard.Files[0].RelativePath, Line = place.Number, Language = "und", Edits = [], Checks = [], Dropped = $"{fault.Reason}: {fault.Message}" };
        }

        // Of several parts, the one that has most to tell: the first that goes, else the first.
        var (row, outcome) = pieces.Find(p => p.Outcome.Verdict is not null) is { Outcome.Verdict: not null } gone ? gone : pieces[0];
        var program = pipeline.Last;
        var isMeasured = outcome.Values.Length == program.Plan.Columns.Count;
        var edits = new List<StoryEdit>();
        var text = TextOf(pipeline, line);
        foreach (var (call, edit, _) in new TextEdits(recipe).Steps)
        {
            var next = edit(text);
            var changed = !string.Equals(next, text, StringComparison.Ordinal);
            var (before, after) = changed ? RowPreview.Difference(text, next) : ("", "");
            edits.Add(new StoryEdit(call.Spec.Name, changed, before, after));
            text = next;
        }

        return new RowStory
        {
            Id = outcome.Id, Source = shard.Files[0].RelativePath, Line = place.Number, Language = outcome.Language, Edits = edits,
            Parts = pieces.Count,
            Checks = !isMeasured ? [] : [.. program.Rules.Values(outcome.Language, outcome.Values).Select(v => new StoryCheck(v.Operator, v.Argument, v.Value, v.Limit, v.IsLeast, v.Passes))],
            Dropped = outcome.Verdict is { } drop ? $"{drop.Operator}: {drop.Reason}: {drop.Detail}" : null,
            Rejects = finished is null ? [] : RejectsOf(finished, outcome.Id),
            TextSha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(outcome.Text ?? program.OriginalText(row.Span, outcome)))),
        };
    }

    private static string TextOf(RowPipeline pipeline, ReadOnlyMemory<byte> line)
    {
        var outcome = pipeline.Programs[0].Run(line.Span, () => "", null);
        return pipeline.Programs[0].OriginalText(line.Span, outcome);
    }

    private static List<string> RejectsOf(string directory, string id)
    {
        var found = new List<string>();
        foreach (var file in Directory.EnumerateFiles(directory, "rejects-*").Order(StringComparer.Ordinal))
        {
            if (file.EndsWith(".parquet", StringComparison.Ordinal))
            {
                found.AddRange(Export.ParquetDataset.ReadRejects(file).Where(r => r.Id == id).Select(r => $"{r.Stage}: {r.Reason}: {r.Detail}"));
                continue;
            }

            foreach (var line in File.ReadLines(file).Where(l => l.Contains(id, StringComparison.Ordinal)))
            {
                try
                {
                    if (JsonNode.Parse(line) is JsonObject reject && (string?)reject["id"] == id)
                    {
                        found.Add($"{reject["stage"]}: {reject["reason"]}: {reject["detail"]}");
                    }
                }
                catch (JsonException)
                {
                    // Not a line of this program.
                }
            }
        }

        return found;
    }
}
