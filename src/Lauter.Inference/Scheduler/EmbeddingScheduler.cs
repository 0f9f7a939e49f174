using System.Diagnostics;
using System.Numerics.Tensors;
using System.Threading.Channels;
using LLama.Native;
using Lauter.Inference.Native;

namespace Lauter.Inference.Scheduler;

/// <summary>
/// Vectors of texts from an encoder: one thread owns the native context and packs texts of all requests into one evaluation while they
/// fit. Texts of one request are sorted by length first, so that an evaluation is not longer than its texts are. Pooling is what the file's
/// metadata says (mean when it says nothing); vectors have unit length, scores of a cross-encoder stay as they are. Thread-safe.
/// </summary>
internal sealed class EmbeddingScheduler : IDisposable
{
    private const int MostSequences = 64;
    private const int RankPooling = 4;

    /// <summary>Tokens in one evaluation: larger ones are slower per token, as every text's attention is computed over the whole of it.</summary>
    private const int BatchTokens = 512;

    private readonly SafeLLamaContextHandle _context;
    private readonly EngineMetrics _metrics;
    private readonly LLamaBatch _batch = new();
    private readonly Channel<Item> _queue = Channel.CreateBounded<Item>(4_096);
    private readonly Thread _thread;

    public EmbeddingScheduler(LoadedModel model, int threads, EngineMetrics metrics)
    {
        _metrics = metrics;
        Dimensions = model.Handle.EmbeddingSize;
        var pooling = model.Metadata($"{model.Architecture}.pooling_type");
        Ranks = pooling == RankPooling.ToString();
        // An encoder sees a whole text at once, so the micro-batch must hold the longest one.
        var most = Math.Max(BatchTokens, model.ContextLength);
        var parameters = LLamaContextParams.Default();
        parameters.n_ctx = (uint)most;
        parameters.n_batch = (uint)most;
        parameters.n_ubatch = (uint)most;
        parameters.n_seq_max = MostSequences;
        parameters.n_threads = threads;
        parameters.n_threads_batch = threads;
        parameters.embeddings = true;
        parameters.kv_unified = true;
        parameters.llama_pooling_type = pooling is null ? LLamaPoolingType.Mean : LLamaPoolingType.Unspecified;
        _context = SafeLLamaContextHandle.Create(model.Handle, parameters);
        _thread = new Thread(Run) { IsBackground = true, Name = "lauter-embeddings" };
        _thread.Start();
    }

    public int Dimensions { get; }

    /// <summary>Whether the file is a cross-encoder: its output is one score of a pair, not a vector.</summary>
    public bool Ranks { get; }

    public async Task<float[][]> EmbedAsync(IReadOnlyList<int[]> texts, CancellationToken cancellationToken)
    {
        _metrics.Request();
        var items = texts.Select(tokens => new Item(tokens, cancellationToken)).ToArray();
        foreach (var item in items.OrderBy(item => item.Tokens.Length))
        {
            await _queue.Writer.WriteAsync(item, cancellationToken);
        }

        return await Task.WhenAll(items.Select(item => item.Vector.Task)).WaitAsync(cancellationToken);
    }

    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _thread.Join();
        _context.Dispose();
    }

    private void Run()
    {
        var group = new List<Item>();
        while (true)
        {
            group.Clear();
            if (!_queue.Reader.TryPeek(out _) && !_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                return;
            }

            var tokens = Collect(group);
            try
            {
                var started = Stopwatch.GetTimestamp();
                Evaluate(group);
                _metrics.Step(tokens, 0, group.Count, tokens / Math.Max(1e-6, Stopwatch.GetElapsedTime(started).TotalSeconds));
            }
            catch (Exception error)
            {
                Console.Error.WriteLine($"embedding step failed: {error}");
                _metrics.Failure();
                foreach (var item in group)
                {
                    item.Vector.TrySetException(new GenerationFailedException("The engine could not evaluate this text."));
                }
            }
        }
    }

    /// <summary>Takes texts while they fit one evaluation; a longer one goes alone.</summary>
    private int Collect(List<Item> group)
    {
        var tokens = 0;
        while (group.Count < MostSequences && _queue.Reader.TryPeek(out var next) && (group.Count == 0 || tokens + next.Tokens.Length <= BatchTokens))
        {
            _queue.Reader.TryRead(out _);
            if (next.Cancelled.IsCancellationRequested)
            {
                _metrics.Cancellation();
                next.Vector.TrySetCanceled(next.Cancelled);
                continue;
            }

            group.Add(next);
            tokens += next.Tokens.Length;
        }

        return tokens;
    }

    private void Evaluate(List<Item> group)
    {
        if (group.Count == 0)
        {
            return;
        }

        _batch.Clear();
        for (var sequence = 0; sequence < group.Count; sequence++)
        {
            for (var position = 0; position < group[sequence].Tokens.Length; position++)
            {
                _batch.Add((LLamaToken)group[sequence].Tokens[position], (LLamaPos)position, (LLamaSeqId)sequence, true);
            }
        }

        _context.MemoryClear(false);
        var result = _context.Decode(_batch);
        if (result != DecodeResult.Ok)
        {
            throw new InvalidOperationException($"Evaluating {_batch.TokenCount} tokens returned {result}.");
        }

        for (var sequence = 0; sequence < group.Count; sequence++)
        {
            var vector = _context.GetEmbeddingsSeq((LLamaSeqId)sequence).ToArray();
            var norm = Ranks ? 0 : TensorPrimitives.Norm(vector);
            if (norm > 0)
            {
                TensorPrimitives.Divide(vector, norm, vector);
            }

            group[sequence].Vector.TrySetResult(vector);
        }
    }

    private sealed record Item(int[] Tokens, CancellationToken Cancelled)
    {
        public TaskCompletionSource<float[]> Vector { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
