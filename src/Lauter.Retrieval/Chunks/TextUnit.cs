using System.Text.Json;
using Lauter.Data.Export;

namespace Lauter.Retrieval.Chunks;

/// <summary>What a stretch of a document is, as far as cutting it needs to know.</summary>
internal enum UnitKind
{
    Paragraph,
    Heading,
    Table,
}

/// <summary>One block of a document: a heading, a table, or anything else.</summary>
internal readonly record struct TextUnit(UnitKind Kind, int Level, int Start, int Length, int Page)
{
    /// <summary>
    /// The units of a document in order: from its blocks when they describe the text, else read from the Markdown marks of the text.
    /// Blocks win because a <c>#</c> line inside a code block is no heading.
    /// </summary>
    public static List<TextUnit> Read(DocumentRow document) => FromBlocks(document) ?? FromMarkdown(document.Text);

    private static List<TextUnit>? FromBlocks(DocumentRow document)
    {
        if (document.Blocks.Length < 3)
        {
            return null;
        }

        var units = new List<TextUnit>();
        try
        {
            using var json = JsonDocument.Parse(document.Blocks);
            var end = 0;
            foreach (var block in json.RootElement.EnumerateArray())
            {
                var start = Number(block, "start", -1);
                var length = Number(block, "length", -1);
                if (start < end || length < 0 || start + length > document.Text.Length)
                {
                    return null;
                }

                end = start + length;
                var kind = block.TryGetProperty("kind", out var name) ? name.ToString().ToLowerInvariant() : "";
                units.Add(new TextUnit(
                    kind switch { "heading" or "title" => UnitKind.Heading, "table" => UnitKind.Table, _ => UnitKind.Paragraph },
                    Math.Max(1, Number(block, "level", 1)), start, length, Number(block, "page", 0)));
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // Rows written by other programs may carry no usable blocks; the text alone is enough to cut it.
            return null;
        }

        return units.Count == 0 ? null : units;
    }

    private static int Number(JsonElement block, string name, int otherwise) =>
        block.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : otherwise;

    private static List<TextUnit> FromMarkdown(string text)
    {
        var units = new List<TextUnit>();
        var fenced = false;
        var open = default(TextUnit?);
        for (var start = 0; start < text.Length;)
        {
            var newline = text.IndexOf('\n', start);
            var next = newline < 0 ? text.Length : newline + 1;
            var line = text.AsSpan(start, next - start).TrimEnd();
            var fence = line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            fenced ^= fence;
            var level = line.Length - line.TrimStart('#').Length;
            if (!fenced && !fence && level is >= 1 and <= 6 && line.Length > level && line[level] == ' ')
            {
                Close();
                units.Add(new TextUnit(UnitKind.Heading, level, start, line.Length, 0));
            }
            else if (line.IsWhiteSpace() && !fenced)
            {
                Close();
            }
            else
            {
                var kind = !fenced && !fence && line[0] == '|' ? UnitKind.Table : UnitKind.Paragraph;
                if (open is { } unit && unit.Kind == kind)
                {
                    open = unit with { Length = start + line.Length - unit.Start };
                }
                else
                {
                    Close();
                    open = new TextUnit(kind, 0, start, line.Length, 0);
                }
            }

            start = next;
        }

        Close();
        return units;

        void Close()
        {
            if (open is { } unit)
            {
                units.Add(unit);
                open = null;
            }
        }
    }
}
