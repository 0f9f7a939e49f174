using System.Text.Json;
using Lauter.Inference.Grammars;
using Lauter.Inference.Scheduler;
using Lauter.Models.Templates;
using Microsoft.AspNetCore.Http;

namespace Lauter.Inference.Wire;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal static class ChatEndpoint
{
    public const int MostMessages = 2_048;

    public static async Task HandleAsync(HttpContext http, EngineContext engine, JsonElement root)
    {
        var body = new WireReader(root);
        var logProbabilities = body.Flag("logprobs");
        var top = body.Integer("top_logprobs", 0, 20);
        if (top > 0 && !logProbabilities)
        {
            throw WireException.Invalid("top_logprobs", "'top_logprobs' needs 'logprobs' to be true.");
        }

        var settings = GenerationReader.Read(body, EngineWire.Tenant(http), logProbabilities ? top ?? 0 : -1);
        var prompt = engine.Chat.Encode(ReadMessages(body));
        var most = GenerationRunner.FitContext(prompt.Length, settings.MaxTokens, engine.ContextLength);
        var job = new GenerationJob
        {
            Prompt = prompt,
            Sampling = settings.Sampling,
            MaxTokens = most,
            Tenant = settings.Tenant,
            Stops = settings.Stops,
            Grammar = ReadGrammar(body, engine),
            Cancelled = http.RequestAborted,
        };
        await GenerationRunner.RunAsync(http, engine, job, settings, new ChatShape(engine.Model, logProbabilities));
    }

    private static List<ChatMessage> ReadMessages(WireReader body)
    {
        if (body.Member("messages") is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() == 0)
        {
            throw WireException.Invalid("messages", "'messages' must be an array of at least one message.", "missing_required_parameter");
        }

        if (list.GetArrayLength() > MostMessages)
        {
            throw WireException.Invalid("messages", $"'messages' holds {list.GetArrayLength()} messages; at most {MostMessages} are allowed.", "array_above_max_length");
        }

        var messages = new List<ChatMessage>();
        foreach (var item in list.EnumerateArray())
        {
            var name = $"messages[{messages.Count}].";
            var message = new WireReader(item, name);
            var role = message.Text("role", 64) ?? throw WireException.Invalid($"{name}role", $"'{name}role' is missing.", "missing_required_parameter");
            if (role is not ("system" or "developer" or "user" or "assistant"))
            {
                throw WireException.Invalid($"{name}role", $"'{name}role' is '{role}'; this engine knows system, developer, user and assistant.");
            }

            // Templates know the older name of the same role.
            messages.Add(new ChatMessage(role is "developer" ? "system" : role, ReadContent(message, name)));
        }

        return messages;
    }

    /// <summary>A string, or an array of text parts, which are joined.</summary>
    private static string ReadContent(WireReader message, string name)
    {
        if (message.Member("content") is not { } content)
        {
            throw WireException.Invalid($"{name}content", $"'{name}content' is missing.", "missing_required_parameter");
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            return message.Text("content", GenerationReader.LongestText)!;
        }

        var parts = content.EnumerateArray().Select((part, index) =>
        {
            var reader = new WireReader(part, $"{name}content[{index}].");
            return string.Equals(reader.Text("type", 64), "text", StringComparison.Ordinal)
                ? reader.Text("text", GenerationReader.LongestText) ?? ""
                : throw WireException.Invalid($"{name}content[{index}].type", "Only parts of type 'text' are supported.", "unsupported_value");
        });
        return string.Concat(parts);
    }

    private static GrammarState? ReadGrammar(WireReader body, EngineContext engine)
    {
        if (body.Object("response_format") is not { } format)
        {
            return null;
        }

        switch (format.Text("type", 64))
        {
            case "text":
                return null;
            case "json_object":
                return engine.Grammars.Start(JsonSchemaGrammar.AnyObject);
            case "json_schema":
                var schema = format.Object("json_schema")?.Member("schema")
                    ?? throw WireException.Invalid("response_format.json_schema.schema", "'response_format.json_schema.schema' is missing.", "missing_required_parameter");
                return engine.Grammars.Start(schema);
            case var other:
                throw WireException.Invalid("response_format.type", $"'response_format.type' is '{other}'; it must be text, json_object or json_schema.");
        }
    }
}
