using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Inference.Scheduler;
using Microsoft.AspNetCore.Http;

namespace Lauter.Inference.Wire;

/// <summary><c>POST /v1/embeddings</c>.</summary>
internal static class EmbeddingEndpoint
{
    public const int MostInputs = 2_048;

    public static async Task HandleAsync(HttpContext http, EngineContext engine, JsonElement root)
    {
        if (engine.Embeddings is null or { Ranks: true })
        {
            throw new WireException(400, "unsupported_model", $"The model '{engine.ModelId}' makes no vectors; use a text encoder.", "model");
        }

        var body = new WireReader(root);
        var base64 = body.Text("encoding_format", 16) switch
        {
            null or "float" => false,
            "base64" => true,
            var other => throw WireException.Invalid("encoding_format", $"'encoding_format' is '{other}'; it must be float or base64."),
        };
        body.Refuse("dimensions", value => value.ValueKind == JsonValueKind.Number && value.GetDouble() == engine.Embeddings.Dimensions, "Leave it out.");
        var inputs = ReadInputs(body, engine);
        var vectors = await engine.Embeddings.EmbedAsync(inputs, http.RequestAborted);
        var data = new JsonArray();
        for (var index = 0; index < vectors.Length; index++)
        {
            data.Add(new JsonObject
            {
                ["object"] = "embedding",
                ["index"] = index,
                ["embedding"] = base64
                    ? Convert.ToBase64String(MemoryMarshal.AsBytes(vectors[index].AsSpan()))
                    : new JsonArray([.. vectors[index].Select(value => (JsonNode)value)]),
            });
        }

        var tokens = inputs.Sum(input => input.Length);
        await WireWriter.WriteAsync(http, 200, new JsonObject
        {
            ["object"] = "list",
            ["data"] = data,
            ["model"] = engine.ModelId,
            ["usage"] = new JsonObject { ["prompt_tokens"] = tokens, ["total_tokens"] = tokens },
        });
    }

    private static int[][] ReadInputs(WireReader body, EngineContext engine)
    {
        var input = body.Member("input") ?? throw WireException.Invalid("input", "'input' is missing.", "missing_required_parameter");
        JsonElement[] items = input.ValueKind switch
        {
            JsonValueKind.String => [input],
            JsonValueKind.Array when input.GetArrayLength() is > 0 and <= MostInputs && input[0].ValueKind == JsonValueKind.Number => [input],
            JsonValueKind.Array when input.GetArrayLength() is > 0 and <= MostInputs => [.. input.EnumerateArray()],
            _ => throw WireException.Invalid("input", $"'input' must be a string or an array of 1 to {MostInputs} strings."),
        };
        var tokens = new int[items.Length][];
        for (var index = 0; index < items.Length; index++)
        {
            tokens[index] = items[index].ValueKind switch
            {
                JsonValueKind.String => engine.Model.TokenizeForEncoder(WireReader.Checked(items[index], "input", GenerationReader.LongestText)),
                JsonValueKind.Array => EngineWire.ReadTokens(items[index], "input", engine.Model.VocabularySize),
                _ => throw WireException.Invalid("input", $"'input[{index}]' must be a string or an array of token ids."),
            };
        }

        CheckLengths(tokens, engine, "input");
        return tokens;
    }

    /// <summary>Refuses texts that the model cannot take as a whole; none is cut.</summary>
    public static void CheckLengths(int[][] texts, EngineContext engine, string name)
    {
        for (var index = 0; index < texts.Length; index++)
        {
            if (texts[index].Length == 0 || texts[index].Length > engine.ContextLength)
            {
                throw new WireException(
                    400, "context_length_exceeded", $"'{name}[{index}]' has {texts[index].Length} tokens; this model takes 1 to {engine.ContextLength}.", name);
            }
        }
    }
}
