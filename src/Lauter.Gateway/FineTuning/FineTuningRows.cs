using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Gateway.FineTuning;

/// <summary>
/// Turns files of OpenAI's two forms into rows that training takes: <c>{"messages": […]}</c>, and
/// <c>{"input": {"messages": […]}, "preferred_output": […], "non_preferred_output": […]}</c>. What could not be trained as it stands (tools, images) is refused.
/// </summary>
internal static class FineTuningRows
{
    private const int MostLineCharacters = 4 << 20;
    private const int MostDepth = 32;

    /// <summary>Writes the rows and says how many there are in the training file, or which line is wrong.</summary>
    public static (int Rows, string? Fault, string? Param) Write(string target, string trainingFile, string? validationFile, bool preferences)
    {
        var rows = 0;
        using var writer = new StreamWriter(target, append: false, new UTF8Encoding(false));
        foreach (var (path, split, param) in new[] { (trainingFile, "train", "training_file"), (validationFile, "validation", "validation_file") })
        {
            var number = 0;
            foreach (var line in path is null ? [] : File.ReadLines(path))
            {
                number++;
                if (string.IsNullOrWhiteSpace(line))
                {
                    continue;
                }

                try
                {
                    if (line.Length > MostLineCharacters)
                    {
                        throw new JsonException($"it is longer than {MostLineCharacters} characters.");
                    }

                    var row = JsonNode.Parse(line, documentOptions: new JsonDocumentOptions { MaxDepth = MostDepth }) as JsonObject ?? throw new JsonException("it is no JSON object.");
                    var made = preferences ? Preference(row) : Conversation(row);
                    made["id"] = $"{split} line {number}";
                    made["split"] = split;
                    writer.WriteLine(made.ToJsonString());
                    rows += split == "train" ? 1 : 0;
                }
                catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
                {
                    // A name twice in an object is an ArgumentException of JsonNode.
                    return (0, $"Line {number}: {e.Message}", param);
                }
            }
        }

        return rows > 0 ? (rows, null, null) : (0, "The file holds no row.", "training_file");
    }

    private static JsonObject Conversation(JsonObject row)
    {
        if (row.ContainsKey("input") || row.ContainsKey("preferred_output"))
        {
            throw new JsonException("it is a preference; the method supervised takes 'messages'.");
        }

        RefuseTools(row);
        return new JsonObject { ["messages"] = Messages(row["messages"], "messages", last: "assistant") };
    }

    private static JsonObject Preference(JsonObject row)
    {
        var input = row["input"] as JsonObject ?? throw new JsonException("the method dpo takes 'input' with 'messages', 'preferred_output' and 'non_preferred_output'.");
        RefuseTools(input);
        return new JsonObject
        {
            ["prompt"] = Messages(input["messages"], "input.messages", last: null),
            ["chosen"] = Messages(row["preferred_output"], "preferred_output", last: "assistant"),
            ["rejected"] = Messages(row["non_preferred_output"], "non_preferred_output", last: "assistant"),
        };
    }

    private static JsonArray Messages(JsonNode? node, string name, string? last)
    {
        if (node is not JsonArray { Count: > 0 } list)
        {
            throw new JsonException($"'{name}' must be a list of at least one message.");
        }

        JsonArray messages = [];
        foreach (var item in list)
        {
            var message = item as JsonObject ?? throw new JsonException($"'{name}' holds something that is no message.");
            var role = message["role"] is JsonValue r && r.TryGetValue<string>(out var text) ? text : throw new JsonException($"a message in '{name}' has no role.");
            if (role is not ("system" or "developer" or "user" or "assistant"))
            {
                throw new JsonException($"the role '{role}' is not trained; known are system, user and assistant.");
            }

            if (message.ContainsKey("tool_calls") || message.ContainsKey("function_call"))
            {
                throw new JsonException("tool calls are not trained here; leave such rows out.");
            }

            JsonObject made = new() { ["role"] = role == "developer" ? "system" : role, ["content"] = Content(message["content"], name) };
            if (message["weight"] is { } weight)
            {
                made["weight"] = weight is JsonValue w && w.TryGetValue<double>(out var value) && value is 0 or 1 && role == "assistant"
                    ? weight.GetValue<double>()
                    : throw new JsonException("'weight' is 0 or 1, on messages of the assistant.");
            }

            messages.Add(made);
        }

        return last is null || messages[^1]!["role"]!.GetValue<string>() == last ? messages : throw new JsonException($"the last message of '{name}' must be the assistant's.");
    }

    /// <summary>A text, or parts that are all texts.</summary>
    private static string Content(JsonNode? content, string name) => content switch
    {
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        JsonArray parts when parts.All(p => p is JsonObject o && o["type"]?.ToString() == "text") => string.Concat(parts.Select(p => p!["text"]!.GetValue<string>())),
        _ => throw new JsonException($"a message in '{name}' has a content that is no text; images, audio and refusals are not trained here."),
    };

    private static void RefuseTools(JsonObject row)
    {
        if (row["tools"] is JsonArray { Count: > 0 } || row["functions"] is JsonArray { Count: > 0 })
        {
            throw new JsonException("tools are not trained here; leave such rows out.");
        }
    }
}
