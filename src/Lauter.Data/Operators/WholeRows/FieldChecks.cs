using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Data.Operators.WholeRows;

/// <summary>Members that a row must have.</summary>
internal static class FieldChecks
{
    private static readonly string[] Types = ["string", "number", "integer", "boolean", "array", "object"];

    public static Func<ReadOnlyMemory<byte>, RowChange> Open(OperatorCall call, RowFields names)
    {
        var (fields, types) = (call.Choices("fields"), call.Map("types"));
        if (types.FirstOrDefault(t => !Types.Contains(t.Value)) is { Key: not null } wrong)
        {
            throw new InvalidDataException($"require_fields.types.{wrong.Key}: '{wrong.Value}' is no type; there are {string.Join(", ", Types)}.");
        }

        return line =>
        {
            var row = RowOperator.Parse(line);
            foreach (var field in fields)
            {
                if (IsEmpty(RowOperator.Find(row, field)))
                {
                    return RowChange.Drop("require_fields", "missing_field", $"'{field}' is {(RowOperator.Find(row, field) is null ? "missing" : "empty")}; the row has {string.Join(", ", row.Select(r => r.Key))}.");
                }
            }

            foreach (var (field, type) in types)
            {
                if (RowOperator.Find(row, field) is { } value && !SchemaCheck.IsType(value, type))
                {
                    return RowChange.Drop("require_fields", "wrong_type", $"'{field}' is not of the type {type}, it is {SchemaCheck.Shown(value)}.");
                }
            }

            return default;
        };
    }

    private static bool IsEmpty(JsonNode? value) => value switch
    {
        null => true,
        JsonArray array => array.Count == 0,
        JsonObject map => map.Count == 0,
        _ => value.GetValueKind() == JsonValueKind.String && string.IsNullOrWhiteSpace(value.GetValue<string>()),
    };
}
