using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using Lauter.Gateway.Api;

namespace Lauter.Gateway.Applications;

/// <summary>Reads the user's message by the application's input schema, and checks answers by its output schema.</summary>
internal static class InputReader
{
    public static JsonSchema? Parse(string application, string which, string? text)
    {
        if (text is null)
        {
            return null;
        }

        try
        {
            // A registry of its own: schemas with the same $id of two releases must not meet.
            return JsonSchema.FromText(text, new BuildOptions { SchemaRegistry = new SchemaRegistry() });
        }
        catch (Exception e) when (e is JsonException or JsonSchemaException or ArgumentException or InvalidOperationException)
        {
            throw new ArgumentException($"The {which} schema of application '{application}' is not a JSON Schema: {e.Message}", e);
        }
    }

    /// <summary>The one required property of type string that a plain text can fill, or null when there is none or more than one.</summary>
    public static string? OnlyTextField(string? schema)
    {
        if (schema is null || JsonNode.Parse(schema) is not JsonObject root || root["properties"] is not JsonObject properties)
        {
            return null;
        }

        var required = root["required"] is JsonArray names ? names.Select(n => n?.ToString()).OfType<string>().ToArray() : [];
        var texts = required.Where(name => properties[name] is JsonObject property && property["type"]?.ToString() == "string").ToArray();
        return required.Length == 1 && texts.Length == 1 ? texts[0] : null;
    }

    /// <summary>A JSON object that satisfies the schema is the input; any other text fills the single required string field.</summary>
    public static (JsonObject? Input, OpenAiError? Error) Read(LiveApplication application, string text)
    {
        if (application.Input is not { } schema)
        {
            return (null, null);
        }

        JsonObject? input = null;
        if (text.AsSpan().TrimStart().StartsWith("{"))
        {
            try
            {
                input = JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = 32 }) as JsonObject;
                _ = input?.Count; // forces the members to be read: duplicate names are found here
            }
            catch (Exception e) when (e is JsonException or ArgumentException)
            {
                input = null; // then it is plain text that happens to begin with a brace
            }
        }

        if (application.OnlyTextField is { } field && (input is null || !input.ContainsKey(field)))
        {
            input = new JsonObject { [field] = text };
        }

        if (input is null)
        {
            return (null, OpenAiError.BadRequest(
                "invalid_input", $"The application '{application.Name}' expects the user's message to be a JSON object that matches its input schema.", "messages"));
        }

        return Fault(schema, input) is { } fault
            ? (null, OpenAiError.BadRequest("invalid_input", $"The input does not match the schema of application '{application.Name}': {fault}", "messages"))
            : (input, null);
    }

    /// <summary>Why <paramref name="value"/> does not satisfy the schema, or null.</summary>
    public static string? Fault(JsonSchema schema, JsonNode? value)
    {
        var result = schema.Evaluate(JsonSerializer.SerializeToElement(value), new EvaluationOptions { OutputFormat = OutputFormat.List });
        if (result.IsValid)
        {
            return null;
        }

        var faults = (result.Details ?? []).Append(result).Where(d => d.Errors is { Count: > 0 })
            .SelectMany(d => d.Errors!.Select(e => $"{(d.InstanceLocation.ToString() is { Length: > 0 } at ? at : "/")}: {e.Value}"))
            .Distinct(StringComparer.Ordinal).Take(5).ToArray();
        return faults.Length == 0 ? "it is not valid." : string.Join("; ", faults);
    }
}
