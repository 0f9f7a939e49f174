using System.IO.Hashing;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Readers;
using Lauter.Data.Rows;

namespace Lauter.Data.Operators.WholeRows;

/// <summary>Names of the members that mean something to every operator.</summary>
/// <param name="Text">The text.</param>
/// <param name="Id">The row's name.</param>
internal readonly record struct RowFields(string Text, string Id);

/// <summary>What a row operator makes of a row.</summary>
/// <param name="Verdict">Null: the row stays.</param>
/// <param name="Lines">The rows that take its place; null: the row as it was.</param>
internal readonly record struct RowChange(DropVerdict? Verdict, IReadOnlyList<ReadOnlyMemory<byte>>? Lines)
{
    public static RowChange Drop(string name, string reason, string detail) => new(new DropVerdict(name, reason, detail), null);

    public static RowChange To(params IReadOnlyList<JsonObject> rows) => new(null, [.. rows.Select(r => (ReadOnlyMemory<byte>)JsonSerializer.SerializeToUtf8Bytes(r, RowOperator.Relaxed))]);
}

/// <summary>An operator that looks at whole rows.</summary>
/// <param name="Spec">As recipes name it.</param>
/// <param name="Open">Reads what a call needs and gives the function, which any number of threads may use at a time.</param>
internal sealed record RowOperator(OperatorSpec Spec, Func<OperatorCall, RowFields, Func<ReadOnlyMemory<byte>, RowChange>> Open)
{
    public static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>The row as an object, read to its last member: what is wrong inside must not show later, in the middle of another operator.</summary>
    /// <exception cref="RowFault">The line is no JSON object, a name stands twice in one, or a text is no Unicode.</exception>
    public static JsonObject Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            return ReadAll(line.Span) as JsonObject ?? throw new RowFault(RejectReasons.Unreadable, "the line is not a JSON object.");
        }
        catch (JsonException e)
        {
            throw new RowFault(RejectReasons.Unreadable, $"the line is not valid JSON: {e.Message}");
        }
    }

    /// <summary>As <see cref="Parse"/>, null for a line that is no row.</summary>
    public static JsonObject? TryParse(ReadOnlyMemory<byte> line)
    {
        try
        {
            return ReadAll(line.Span) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A JSON value with everything in it read; nodes are lazy, and throw when they are looked at.</summary>
    /// <exception cref="JsonException">It is not valid, a name stands twice in an object, or a text is no Unicode.</exception>
    public static JsonNode? ReadAll(ReadOnlySpan<byte> json, int deepest = 64)
    {
        var node = JsonNode.Parse(json, null, Strict with { MaxDepth = deepest });
        try
        {
            Visit(node);
            return node;
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException($"a text is not valid Unicode: {e.Message}", e);
        }
    }

    private static void Visit(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject map:
                foreach (var (_, value) in map)
                {
                    Visit(value);
                }

                break;
            case JsonArray list:
                foreach (var item in list)
                {
                    Visit(item);
                }

                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                _ = value.GetValue<string>();
                break;
        }
    }

    /// <summary>A member, or a member of members, as <c>meta.source</c>.</summary>
    public static JsonNode? Find(JsonObject row, string path)
    {
        JsonNode? node = row;
        foreach (var name in row.ContainsKey(path) ? [path] : path.Split('.'))
        {
            node = (node as JsonObject)?[name];
        }

        return node;
    }

    /// <summary>Puts a value where <see cref="Find"/> found one.</summary>
    public static void Replace(JsonObject row, string path, JsonNode? value)
    {
        var names = row.ContainsKey(path) ? [path] : path.Split('.');
        var parent = row;
        foreach (var name in names[..^1])
        {
            parent = (JsonObject)parent[name]!;
        }

        parent[names[^1]] = value;
    }

    /// <summary>A number from 0 to 1 that the row's bytes and a seed decide: the same wherever the row stands.</summary>
    public static double Draw(ReadOnlySpan<byte> line, long seed) => (XxHash3.HashToUInt64(line, seed) >> 11) * (1.0 / (1UL << 53));
}
