using System.Numerics.Tensors;
using System.Threading.Channels;
using LLama.Native;
using Lauter.Inference.Native;

namespace Lauter.Inference.Scheduler;

/// <summary>
/// Vectors of texts from an encoder: one thread owns the native context and packs texts of all requests into one evaluation while they
/// fit. Pooling is what the file's metadata says (mean when it says nothing); vectors have unit length. Thread-safe.
/// </summary>
internal sealed class EmbeddingScheduler : IDisposable
{
    private const int MostSequences = 64;
    private readonly SafeLLamaContextHandle _context;
    private readonly EngineMetrics _metrics;
    private readonly LLamaBatch _batch = new();
    private readonly Channel<Item> _queue = Channel.CreateBounded<Item>(4_096);
    private readonly Thread _thread;
    private readonly int _batchTokens;

    public EmbeddingScheduler(LoadedModel model, int threads, EngineMetrics metrics)
    {
        _metrics = metrics;
        Dimensions = model.Handle.EmbeddingSize;
        // An encoder sees a whole text at once, so the micro-batch must hold the longest one.
        _batchTokens = Math.Max(1_024, model.ContextLength);
        var parameters = LLamaContextParams.Default();
        parameters.n_ctx = (uint)_batchTokens;
        parameters.n_batch = (uint)_batchTokens;
        parameters.n_ubatch = (uint)_batchTokens;
        parameters.n_seq_max = MostSequences;
        parameters.n_threads = threads;
        parameters.n_threads_batch = threads;
        parameters.embeddings = true;
        parameters.kv_unified = true;
        parameters.llama_pooling_type = model.Metadata($"{model.Architecture}.pooling_type") is null ? LLamaPoolingType.Mean : LLamaPoolingType.Unspecified;
        _context = SafeLLamaContextHandle.Create(model.Handle, parameters);
        _thread = new Thread(Run) { IsBackground = true, Name = "lauter-embeddings" };
        _thread.Start();
    }

    public int Dimensions { get; }

    public async Task<float[][]> EmbedAsync(IReadOnlyList<int[]> texts, CancellationToken cancellationToken)
    {
        _metrics.Request();
        var items = texts.Select(tokens => new Item(tokens, cancellationToken)).ToArray();
        foreach (var item in items)
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

            var tokens = 0;
            while (group.Count < MostSequences && _queue.Reader.TryPeek(out var next) && tokens + next.Tokens.Length <= _batchTokens)
            {
                _queue.Reader.TryRead(out _);
                if (next.Cancelled.IsCancellationRequested)
                {
                    next.Vector.TrySetCanceled(next.Cancelled);
                    continue;
                }

                group.Add(next);
                tokens += next.Tokens.Length;
            }

            try
            {
                Evaluate(group);
                _metrics.Step(tokens, 0, group.Count);
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
            var norm = TensorPrimitives.Norm(vector);
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
