using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Retrieval.Vectors;

namespace Lauter.Retrieval.Embedding;

/// <summary>Settings of an embedder behind an OpenAI-compatible <c>/v1/embeddings</c>, the local engine included.</summary>
public sealed record EndpointEmbedderOptions
{
    /// <summary>Value of <c>model</c> in the request; also the embedder's name.</summary>
    public required string Model { get; init; }

    /// <summary>Numbers in one vector; an answer of another size is an error.</summary>
    public required int Dimensions { get; init; }

    /// <summary>Put before a question, for example <c>query: </c> for e5; default empty.</summary>
    public string QueryPrefix { get; init; } = "";

    /// <summary>Put before a passage, for example <c>passage: </c> for e5; default empty.</summary>
    public string PassagePrefix { get; init; } = "";

    /// <summary>Texts in one request, 1 to 2,048, default 32.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>NFKC and collapsed white space before sending, default true: encoders in GGUF carry no character map of their own.</summary>
    public bool NormaliseText { get; init; } = true;

    /// <summary>Languages the model was trained on; empty (the default) means all.</summary>
    public IReadOnlyList<string> Languages { get; init; } = [];

    /// <summary>The settings of a model of the e5 family.</summary>
    public static EndpointEmbedderOptions E5(string model, int dimensions) => new()
    {
        Model = model,
        Dimensions = dimensions,
        QueryPrefix = "query: ",
        PassagePrefix = "passage: ",
    };
}

/// <summary>Embeds through an OpenAI-compatible endpoint; the client's base address and handler decide where it is. Thread-safe.</summary>
public sealed class EndpointEmbedder(HttpClient client, EndpointEmbedderOptions options) : ITextEmbedder
{
    /// <inheritdoc/>
    public string Name => options.Model;

    /// <inheritdoc/>
    public int Dimensions => options.Dimensions;

    /// <inheritdoc/>
    public bool Knows(string language) => options.Languages.Count == 0 || options.Languages.Contains(language, StringComparer.Ordinal);

    /// <inheritdoc/>
    /// <exception cref="RetrievalException">The endpoint refused, or answered with vectors of another number or size.</exception>
    public async ValueTask<float[][]> EmbedAsync(IReadOnlyList<string> texts, EmbeddingKind kind, CancellationToken cancellationToken)
    {
        var result = new float[texts.Count][];
        var prefix = kind == EmbeddingKind.Query ? options.QueryPrefix : options.PassagePrefix;
        for (var start = 0; start < texts.Count; start += options.BatchSize)
        {
            var input = texts.Skip(start).Take(options.BatchSize).Select(text => prefix + Prepare(text)).ToArray();
            using var response = await client.PostAsJsonAsync("/v1/embeddings", new Request(options.Model, input, "float"), cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                throw new RetrievalException($"The embedding endpoint answered {(int)response.StatusCode} for model {options.Model}. Check that the model is loaded and is an encoder.");
            }

            var answer = await ReadAsync(response, cancellationToken);
            if (answer.Data.Length != input.Length)
            {
                throw new RetrievalException($"The embedding endpoint returned {answer.Data.Length} vectors for {input.Length} texts (model {options.Model}).");
            }

            foreach (var item in answer.Data)
            {
                if ((uint)item.Index >= (uint)input.Length || item.Embedding.Length != options.Dimensions)
                {
                    throw new RetrievalException($"The embedding endpoint returned vector {item.Index} with {item.Embedding.Length} dimensions; {options.Dimensions} are configured for {options.Model}.");
                }

                VectorScan.Normalise(item.Embedding);
                result[start + item.Index] = item.Embedding;
            }
        }

        return result;
    }

    private static async Task<Answer> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync<Answer>(cancellationToken) ?? new Answer([]);
        }
        catch (JsonException fault)
        {
            throw new RetrievalException("The embedding endpoint's answer is not the JSON of /v1/embeddings: " + fault.Message, fault);
        }
    }

    private string Prepare(string text) =>
        options.NormaliseText ? string.Join(' ', text.Normalize(NormalizationForm.FormKC).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) : text;

    private sealed record Request(
        [property: JsonPropertyName("model")] string Model,
        [property: JsonPropertyName("input")] string[] Input,
        [property: JsonPropertyName("encoding_format")] string EncodingFormat);

    private sealed record Answer([property: JsonPropertyName("data")] Item[] Data);

    private sealed record Item([property: JsonPropertyName("index")] int Index, [property: JsonPropertyName("embedding")] float[] Embedding);
}
