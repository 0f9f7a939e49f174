using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Inference.Engine;
using Lauter.Inference.Scheduler;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Lauter.Inference.Wire;

/// <summary>The routes of an engine, and the one place where a failure becomes an HTTP answer.</summary>
internal static class EngineWire
{
    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 64 };

    public static void Map(WebApplication app, EngineContext engine)
    {
        app.MapPost("/v1/chat/completions", http => GenerateAsync(http, engine, ChatEndpoint.HandleAsync));
        app.MapPost("/v1/completions", http => GenerateAsync(http, engine, CompletionEndpoint.HandleAsync));
        app.MapPost("/v1/embeddings", http => WithBodyAsync(http, body => EmbeddingEndpoint.HandleAsync(http, engine, body)));
        app.MapPost("/v1/rerank", http => WithBodyAsync(http, body => RerankEndpoint.HandleAsync(http, engine, body)));
        app.MapPost("/rerank", http => WithBodyAsync(http, body => RerankEndpoint.HandleAsync(http, engine, body)));
        app.MapGet("/v1/adapters", http => AdapterEndpoint.ListAsync(http, engine));
        app.MapPost("/v1/adapters", http => WithBodyAsync(http, body => AdapterEndpoint.LoadAsync(http, engine, body)));
        app.MapDelete("/v1/adapters/{name}", (HttpContext http, string name) => WithErrorsAsync(http, () => AdapterEndpoint.DropAsync(http, engine, name)));
        app.MapPost("/detokenize", http => WithBodyAsync(http, body => DetokenizeAsync(http, engine, body)));
        app.MapPost("/tokenize", http => WithBodyAsync(http, body => TokenizeAsync(http, engine, body)));
        app.MapGet("/v1/models", http => WireWriter.WriteAsync(http, 200, Models(engine)));
        app.MapGet("/v1/models/{name}", (HttpContext http, string name) => WithErrorsAsync(http, () => ModelAsync(http, engine, name)));
        app.MapGet("/health", http => WireWriter.WriteAsync(http, 200, Health(engine)));
        app.MapGet("/metrics", http =>
        {
            http.Response.ContentType = "text/plain; version=0.0.4";
            return http.Response.WriteAsync(engine.Metrics.ToPrometheus(), http.RequestAborted);
        });
        app.MapFallback(http => WireWriter.ErrorAsync(http, new WireException(404, "not_found", $"There is no {http.Request.Method} {http.Request.Path} here.")));
    }

    /// <summary>The tenant named by the caller; one for all who name none.</summary>
    public static string Tenant(HttpContext http)
    {
        var name = http.Request.Headers[EngineServer.TenantHeader].ToString();
        return name.Length switch
        {
            0 => "default",
            <= 256 => name,
            _ => throw WireException.Invalid(EngineServer.TenantHeader, $"The header '{EngineServer.TenantHeader}' may have at most 256 characters."),
        };
    }

    public static int[] ReadTokens(JsonElement list, string name, int vocabularySize)
    {
        var tokens = new int[list.GetArrayLength()];
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out var id) || id < 0 || id >= vocabularySize)
            {
                throw WireException.Invalid(name, $"'{name}[{index}]' must be a token id from 0 to {vocabularySize - 1}.");
            }

            tokens[index++] = id;
        }

        return tokens;
    }

    private static Task GenerateAsync(HttpContext http, EngineContext engine, Func<HttpContext, EngineContext, JsonElement, Task> handle) =>
        WithBodyAsync(http, body => engine.Generation is null
            ? throw new WireException(400, "unsupported_model", $"The model '{engine.ModelId}' makes vectors, not text; use /v1/embeddings.", "model")
            : handle(http, engine, body));

    private static Task WithBodyAsync(HttpContext http, Func<JsonElement, Task> handle) => WithErrorsAsync(http, async () =>
    {
        using var body = await JsonDocument.ParseAsync(http.Request.Body, Depth, http.RequestAborted);
        await handle(body.RootElement);
    });

    private static async Task WithErrorsAsync(HttpContext http, Func<Task> handle)
    {
        try
        {
            await handle();
        }
        catch (Exception error) when (http.Response.HasStarted)
        {
            // The head is out: the only honest sign left is a broken connection.
            if (error is not OperationCanceledException)
            {
                await Console.Error.WriteLineAsync($"answer broken off: {error.Message}");
            }

            http.Abort();
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The caller is gone; nobody reads an answer.
            http.Abort();
        }
        catch (WireException error)
        {
            await WireWriter.ErrorAsync(http, error);
        }
        catch (JsonException error)
        {
            await WireWriter.ErrorAsync(http, new WireException(400, "invalid_json", $"The body is not valid JSON: {error.Message}"));
        }
        catch (BadHttpRequestException error)
        {
            await WireWriter.ErrorAsync(http, new WireException(error.StatusCode, error.StatusCode == 413 ? "request_too_large" : "invalid_request", error.Message));
        }
        catch (GenerationFailedException error)
        {
            await WireWriter.ErrorAsync(http, new WireException(500, "engine_failed", error.Message));
        }
        catch (Exception error)
        {
            await Console.Error.WriteLineAsync($"request failed: {error}");
            await WireWriter.ErrorAsync(http, new WireException(500, "internal_error", "The engine failed on this request; its log says why."));
        }
    }

    private static Task TokenizeAsync(HttpContext http, EngineContext engine, JsonElement root)
    {
        var body = new WireReader(root);
        var text = body.Text("content", GenerationReader.LongestText)
            ?? throw WireException.Invalid("content", "'content' is missing.", "missing_required_parameter");
        var tokens = engine.Model.Tokenize(text, body.Flag("add_special"), body.Flag("parse_special"));
        return WireWriter.WriteAsync(http, 200, new JsonObject { ["tokens"] = new JsonArray([.. tokens.Select(token => (JsonNode)token)]) });
    }

    private static Task DetokenizeAsync(HttpContext http, EngineContext engine, JsonElement root)
    {
        var list = new WireReader(root).Member("tokens") is { ValueKind: JsonValueKind.Array } tokens
            ? tokens
            : throw WireException.Invalid("tokens", "'tokens' must be an array of token ids.", "missing_required_parameter");
        var bytes = ReadTokens(list, "tokens", engine.Model.VocabularySize).SelectMany(token => engine.Model.Piece(token).ToArray());
        return WireWriter.WriteAsync(http, 200, new JsonObject { ["content"] = System.Text.Encoding.UTF8.GetString([.. bytes]) });
    }

    private static Task ModelAsync(HttpContext http, EngineContext engine, string name) => Models(engine)["data"]!.AsArray().FirstOrDefault(model => model!["id"]!.GetValue<string>() == name) is { } found
        ? WireWriter.WriteAsync(http, 200, found.DeepClone())
        : throw new WireException(404, "model_not_found", $"There is no model '{name}' here.", "model");

    private static JsonObject Models(EngineContext engine)
    {
        var adapters = (engine.Generation?.Adapters.All ?? []).Select(adapter => adapter.Name);
        return new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. adapters.Prepend(engine.ModelId).Select(name => (JsonNode)new JsonObject
            {
                ["id"] = name,
                ["object"] = "model",
                ["created"] = 0,
                ["owned_by"] = "lauter",
                ["context_length"] = engine.ContextLength,
                ["parent"] = name == engine.ModelId ? null : engine.ModelId,
            })]),
        };
    }

    private static JsonObject Health(EngineContext engine) => new()
    {
        ["status"] = "ok",
        ["model"] = engine.ModelId,
        ["context_length"] = engine.ContextLength,
        ["embeds"] = engine.Embeddings is not null,
        ["waiting"] = engine.Metrics.Waiting,
    };
}
