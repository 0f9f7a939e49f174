using System.Text.Json;
using Lauter.Inference.Grammars;
using Lauter.Inference.Scheduler;
using Lauter.Inference.Tools;
using Microsoft.AspNetCore.Http;

namespace Lauter.Inference.Wire;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal static class ChatEndpoint
{
    public static async Task HandleAsync(HttpContext http, EngineContext engine, JsonElement root)
    {
        var body = new WireReader(root);
        var logProbabilities = body.Flag("logprobs");
        var top = body.Integer("top_logprobs", 0, 20);
        if (top > 0 && !logProbabilities)
        {
            throw WireException.Invalid("top_logprobs", "'top_logprobs' needs 'logprobs' to be true.");
        }

        var settings = GenerationReader.Read(body, engine, EngineWire.Tenant(http), logProbabilities ? top ?? 0 : -1);
        var tools = ToolSet.Read(body);
        var prompt = engine.Chat.Encode(MessageReader.Read(body), tools);
        var most = GenerationRunner.FitContext(prompt.Length, settings.MaxTokens, engine.ContextLength);
        var constraints = Enumerable.Range(0, settings.Count).Select(_ => ReadConstraint(body, engine, tools)).ToArray();
        var jobs = constraints.Select((constraint, index) => settings.Job(index, prompt, most, constraint, http.RequestAborted)).ToArray();
        await GenerationRunner.RunAsync(http, engine, jobs, settings, new ChatShape(engine, logProbabilities, tools, settings.Count));
    }

    private static AnswerConstraint? ReadConstraint(WireReader body, EngineContext engine, ToolSet? tools)
    {
        var schema = ReadSchema(body);
        if (tools is null)
        {
            return schema is { } only ? new AnswerConstraint(engine.Grammars.Start(only)) : null;
        }

        if (tools.Choice == ToolChoice.Required)
        {
            return new AnswerConstraint(engine.Grammars.Start(tools, engine.Chat.Dialect, afterMark: false)!);
        }

        if (schema is not null)
        {
            throw WireException.Invalid("response_format", "'response_format' beside tools that the model may call or not is not supported; ask for one of them.", "unsupported_value");
        }

        // The model decides whether to call; once it opens a call, the call is held to the schema. Where that cannot be, only strict tools are refused.
        return engine.Chat.Dialect.Mark.Length > 0 && engine.Grammars.Start(tools, engine.Chat.Dialect, afterMark: true) is { } grammar
            ? new AnswerConstraint(grammar, engine.Chat.Dialect.Mark)
            : null;
    }

    private static JsonElement? ReadSchema(WireReader body)
    {
        if (body.Object("response_format") is not { } format)
        {
            return null;
        }

        return format.Text("type", 64) switch
        {
            "text" => null,
            "json_object" => JsonSchemaGrammar.AnyObject,
            "json_schema" => format.Object("json_schema")?.Member("schema")
                ?? throw WireException.Invalid("response_format.json_schema.schema", "'response_format.json_schema.schema' is missing.", "missing_required_parameter"),
            var other => throw WireException.Invalid("response_format.type", $"'response_format.type' is '{other}'; it must be text, json_object or json_schema."),
        };
    }
}
