using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Data.Operators.WholeRows;

/// <summary>One spelling for each label. Doing it twice changes nothing more.</summary>
internal static class LabelCleaning
{
    public static Func<ReadOnlyMemory<byte>, RowChange> Open(OperatorCall call, RowFields names)
    {
        var (field, form, drops) = (call.Text("field"), call.Choice("case"), call.Choice("unknown") == "drop");
        var aliases = call.Map("aliases").ToDictionary(a => Folded(a.Key), a => a.Value, StringComparer.Ordinal);
        var known = call.Choices("known").ToHashSet(StringComparer.Ordinal);

        // A known label is its own alias, so that another case or width of it is found too.
        foreach (var label in known)
        {
            aliases.TryAdd(Folded(label), label);
        }

        return line =>
        {
            var row = RowOperator.Parse(line);
            var value = RowOperator.Find(row, field);
            if (value is null)
            {
                return RowChange.Drop("clean_labels", "missing_label", $"the row has no '{field}'.");
            }

            var labels = value is JsonArray list ? list.Select(i => Text(i)).ToList() : [Text(value)];
            if (labels.Contains(null))
            {
                return RowChange.Drop("clean_labels", "wrong_type", $"'{field}' is {SchemaCheck.Shown(value)}; a label is a text.");
            }

            var cleaned = labels.Select(l => Clean(l!, form, aliases)).Distinct(StringComparer.Ordinal).ToList();
            if (known.Count > 0 && drops && cleaned.FirstOrDefault(l => !known.Contains(l)) is { } stranger)
            {
                return RowChange.Drop("clean_labels", "unknown_label", $"'{stranger}' is not among the {known.Count} known labels.");
            }

            if (cleaned.Exists(l => l.Length == 0))
            {
                return RowChange.Drop("clean_labels", "missing_label", $"'{field}' is empty.");
            }

            if (cleaned.SequenceEqual(labels))
            {
                return default;
            }

            RowOperator.Replace(row, field, value is JsonArray ? new JsonArray([.. cleaned.Select(l => (JsonNode)l)]) : JsonValue.Create(cleaned[0]));
            return RowChange.To(row);
        };
    }

    private static string? Text(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.String => node.GetValue<string>(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => node.ToJsonString(),
        _ => null,
    };

    private static string Clean(string label, string form, Dictionary<string, string> aliases) => aliases.TryGetValue(Folded(label), out var alias)
        ? alias
        : form switch { "lower" => Spaced(label).ToLowerInvariant(), "upper" => Spaced(label).ToUpperInvariant(), _ => Spaced(label) };

    private static string Spaced(string label) => string.Join(' ', label.Normalize(NormalizationForm.FormKC).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static string Folded(string label) => Spaced(label).ToLowerInvariant();
}
