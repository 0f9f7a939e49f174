using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;

namespace Lauter.Gateway.Sources;

/// <summary>
/// A model on an engine: the prompt is rendered over the input's fields, and the output schema is sent as <c>response_format</c>, from which
/// the engine makes a grammar.
/// </summary>
/// <param name="upstream">The engine.</param>
/// <param name="render">Renders the prompt; null = the caller's messages go as they are.</param>
/// <param name="outputSchema">JSON Schema of the answer as text; null = free text.</param>
public sealed class ModelSource(ChatUpstream upstream, Func<JsonObject, string>? render, string? outputSchema) : IAnswerSource
{
    /// <summary>Used when the caller names none. Default 0: the answer that was evaluated is the answer that is given.</summary>
    public double Temperature { get; init; }

    /// <inheritdoc/>
    public IAsyncEnumerable<AnswerPart> AnswerAsync(AnswerRequest request, CancellationToken cancellationToken) =>
        upstream.StreamAsync(Body(request), request.Tenant, cancellationToken);

    private JsonObject Body(AnswerRequest request)
    {
        var body = new JsonObject
        {
            ["messages"] = Messages(request),
            ["max_tokens"] = request.MaximumOutputTokens,
            ["temperature"] = request.Temperature ?? Temperature,
        };
        if (request.TopP is { } topP)
        {
            body["top_p"] = topP;
        }

        if (request.Seed is { } seed)
        {
            body["seed"] = seed;
        }

        if (outputSchema is not null)
        {
            body["response_format"] = new JsonObject
            {
                ["type"] = "json_schema",
                ["json_schema"] = new JsonObject { ["name"] = "answer", ["strict"] = true, ["schema"] = JsonNode.Parse(outputSchema) },
            };
        }

        return body;
    }

    private JsonArray Messages(AnswerRequest request)
    {
        if (render is null)
        {
            return [.. request.Turns.Select(t => new JsonObject { ["role"] = t.Role, ["content"] = t.Content })];
        }

        if (request.Turns.Count != 1)
        {
            // Dropping what the prompt has no place for would answer another question than the one that was asked.
            throw new AnswerException("unsupported_messages", "This application takes exactly one message, of the user.", 400);
        }

        return [new JsonObject { ["role"] = "user", ["content"] = render(request.Input ?? new JsonObject { ["text"] = request.Text }) }];
    }
}
