using System.Numerics.Tensors;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Lauter.Inference.Wire;

/// <summary>
/// <c>POST /v1/rerank</c>: a query against documents, best first. A cross-encoder's file (pooling of kind rank) scores each pair by its own
/// head; any other encoder by the cosine of query and document, with the prefixes that E5 models were trained with.
/// </summary>
internal static class RerankEndpoint
{
    public const int MostDocuments = 2_048;

    public static async Task HandleAsync(HttpContext http, EngineContext engine, JsonElement root)
    {
        var embeddings = engine.Embeddings
            ?? throw new WireException(400, "unsupported_model", $"The model '{engine.ModelId}' makes text; reranking needs a text encoder.", "model");
        var body = new WireReader(root);
        var query = body.Text("query", GenerationReader.LongestText) ?? throw WireException.Invalid("query", "'query' is missing.", "missing_required_parameter");
        var documents = ReadDocuments(body);
        var top = body.Integer("top_n", 1, MostDocuments) ?? documents.Length;
        var texts = embeddings.Ranks
            ? documents.Select(document => engine.Model.TokenizePair(query, document)).ToArray()
            : [.. documents.Select(document => engine.Model.TokenizeForEncoder($"{engine.Model.PassagePrefix}{document}")), engine.Model.TokenizeForEncoder($"{engine.Model.QueryPrefix}{query}")];
        EmbeddingEndpoint.CheckLengths(texts, engine, "documents");
        var vectors = await embeddings.EmbedAsync(texts, http.RequestAborted);
        var scores = embeddings.Ranks
            ? vectors.Select(vector => vector[0]).ToArray()
            : vectors[..^1].Select(vector => TensorPrimitives.Dot<float>(vector, vectors[^1])).ToArray();
        var withText = body.Flag("return_documents");
        var results = scores.Select((score, index) => (Score: score, Index: index)).OrderByDescending(item => item.Score).ThenBy(item => item.Index).Take(top).Select(item =>
        {
            var result = new JsonObject { ["index"] = item.Index, ["relevance_score"] = item.Score };
            if (withText)
            {
                result["document"] = new JsonObject { ["text"] = documents[item.Index] };
            }

            return (JsonNode)result;
        });
        var tokens = texts.Sum(text => text.Length);
        await WireWriter.WriteAsync(http, 200, new JsonObject
        {
            ["object"] = "list",
            ["model"] = engine.ModelId,
            ["results"] = new JsonArray([.. results]),
            ["usage"] = new JsonObject { ["prompt_tokens"] = tokens, ["total_tokens"] = tokens },
        });
    }

    private static string[] ReadDocuments(WireReader body)
    {
        if (body.Member("documents") is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() is 0 or > MostDocuments)
        {
            throw WireException.Invalid("documents", $"'documents' must be an array of 1 to {MostDocuments} strings.");
        }

        return [.. list.EnumerateArray().Select((item, index) => item.ValueKind switch
        {
            JsonValueKind.String => WireReader.Checked(item, $"documents[{index}]", GenerationReader.LongestText),
            JsonValueKind.Object => new WireReader(item, $"documents[{index}].").Text("text", GenerationReader.LongestText) ?? "",
            _ => throw WireException.Invalid("documents", $"'documents[{index}]' must be a string."),
        })];
    }
}
