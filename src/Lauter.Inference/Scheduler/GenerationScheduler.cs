using System.Collections.Concurrent;
using System.Diagnostics;
using LLama.Native;
using Lauter.Inference.Adapters;
using Lauter.Inference.Native;
using Lauter.Inference.Prefixes;
using Lauter.Inference.Sampling;

namespace Lauter.Inference.Scheduler;

/// <summary>Limits of the scheduler; see <see cref="Engine.EngineOptions"/> for the meaning of each.</summary>
internal sealed record SchedulerLimits(
    int Cells, int Sequences, int Queue, int BatchTokens, int Threads, bool Deterministic, bool Reuse, double TenantShare, long HostBytes, int Guesses, TimeSpan InterTokenTarget);

/// <summary>
/// One thread owns the native context and turns it step by step:
/// 1. take in new jobs and requests about adapters, drop cancelled jobs wherever they are;
/// 2. let in by turn while sequence ids and cells last (<see cref="TenantQueues"/>, <see cref="SequencePool"/>);
/// 3. build the batch (<see cref="StepPlanner"/>); 4. decode; 5. choose tokens, publish, finish (<see cref="StepReader"/>).
/// Submitting is thread-safe.
/// </summary>
internal sealed class GenerationScheduler : IDisposable
{
    /// <summary>Sequence ids of the unified cache, whatever the context was made for, without the last one: <see cref="Probe"/> has that.</summary>
    private const int NativeIds = 255;

    private readonly LoadedModel _model;
    private readonly SchedulerLimits _limits;
    private readonly EngineMetrics _metrics;
    private readonly SafeLLamaContextHandle _context;
    private readonly ISequenceMemory _memory;
    private readonly ConcurrentQueue<GenerationJob> _inbox = new();
    private readonly ConcurrentQueue<Action> _errands = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly TenantQueues _waiting = new();
    private readonly SequencePool _pool;
    private readonly StepBudget _budget;
    private readonly StepPlanner _planner;
    private readonly StepReader _reader;
    private readonly Thread _thread;
    private LoadedAdapter? _applied;
    private Sequence? _next;
    private long _order;
    private int _admissions;
    private volatile bool _stopping;

    public GenerationScheduler(LoadedModel model, SchedulerLimits limits, EngineMetrics metrics)
    {
        _model = model;
        _limits = limits;
        _metrics = metrics;
        var sequences = limits.Deterministic ? 1 : limits.Sequences;
        _context = SafeLLamaContextHandle.Create(model.Handle, Parameters(model, limits, sequences));
        _memory = new NativeSequenceMemory(_context, spare: sequences);
        var reuse = limits is { Deterministic: false, Reuse: true } && model.CanShareCells;
        _pool = new SequencePool(_memory, limits.Cells, sequences, NativeIds, reuse ? (int)(limits.Cells * limits.TenantShare) : 0,
            new HostTier(limits.HostBytes, (long)(limits.HostBytes * limits.TenantShare)), MostKept(model, limits));
        _budget = new StepBudget(limits.BatchTokens, limits.InterTokenTarget);
        _planner = new StepPlanner(_pool, _budget, limits.BatchTokens, limits.Deterministic ? 0 : limits.Guesses);
        _reader = new StepReader(model, _context, metrics);
        Adapters = new AdapterShelf(model, this);
        _thread = new Thread(Run) { IsBackground = true, Name = "lauter-engine" };
        _thread.Start();
    }

    /// <summary>The adapters that requests can ask for.</summary>
    public AdapterShelf Adapters { get; }

    /// <summary>Most tokens one sequence may hold: prompt plus answer.</summary>
    public int LongestSequence => Math.Min(_model.ContextLength, _limits.Cells);

    /// <summary>Whether requests leave prefixes for later ones of the same key.</summary>
    public bool Reuses => _pool.Tree is not null;

    /// <summary>Hands jobs over, all or none; false when the queue has no room for them. Each must fit <see cref="LongestSequence"/>.</summary>
    public bool TrySubmit(params ReadOnlySpan<GenerationJob> jobs)
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        foreach (var job in jobs)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(job.Cells, LongestSequence);
            ArgumentOutOfRangeException.ThrowIfZero(job.Prompt.Length);
        }

        if (Interlocked.Add(ref _admissions, jobs.Length) > _limits.Queue + _limits.Sequences)
        {
            Interlocked.Add(ref _admissions, -jobs.Length);
            _metrics.Rejection();
            return false;
        }

        foreach (var job in jobs)
        {
            _metrics.Request();
            job.Submitted = Stopwatch.GetTimestamp();
            _inbox.Enqueue(job);
        }

        _wake.Release();
        return true;
    }

    /// <summary>Seconds after which a refused request may come back: what the queue's prompts take at the measured rate, 1–60.</summary>
    public int RetryAfterSeconds => Math.Clamp((int)Math.Ceiling(_metrics.QueueSeconds), 1, 60);

    /// <summary>Runs something on the scheduler's thread between two steps.</summary>
    public Task<T> OnThreadAsync<T>(Func<T> errand)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _errands.Enqueue(() =>
        {
            try
            {
                done.SetResult(errand());
            }
            catch (Exception error)
            {
                done.SetException(error);
            }
        });
        _wake.Release();
        return done.Task;
    }

    public void Dispose()
    {
        _stopping = true;
        _wake.Release();
        _thread.Join();
        Adapters.Dispose();
        _pool.Tree?.Clear();
        _context.Dispose();
        _wake.Dispose();
    }

    /// <summary>Forgets the prefixes of an adapter that is gone.</summary>
    internal void DropPrefixes(LoadedAdapter adapter) => _pool.Tree?.Drop(key => key.Adapter == adapter.Key);

    /// <summary>Sets the weights of the next evaluation.</summary>
    internal void Apply(LoadedAdapter? adapter)
    {
        if (_applied != adapter)
        {
            _context.SetLoraAdapters(adapter is null ? [] : [(adapter.Native, adapter.Scale)]);
            _applied = adapter;
        }
    }

    /// <summary>The largest difference of a logit with and without an adapter, on a probe in a sequence of its own. Scheduler's thread only.</summary>
    internal float Probe(LoadedAdapter adapter)
    {
        var batch = new LLamaBatch();
        var token = (LLamaToken)Math.Min(100, _model.VocabularySize - 1);
        var logits = new float[2][];
        for (var run = 0; run < 2; run++)
        {
            Apply(run == 0 ? null : adapter);
            batch.Clear();
            batch.Add(token, (LLamaPos)0, (LLamaSeqId)NativeIds, true);
            _pool.MakeRoom(() => 1);
            if (_context.Decode(batch) != DecodeResult.Ok)
            {
                throw new GenerationFailedException("The adapter could not be evaluated.");
            }

            logits[run] = _context.GetLogitsIth(0).ToArray();
            _memory.Remove(NativeIds);
        }

        return logits[0].Zip(logits[1]).Max(pair => Math.Abs(pair.First - pair.Second));
    }

    /// <summary>
    /// Cells of idle prefixes that may stay in the cache while sequences are worked on: each step walks over them, and over the gaps between them. With the
    /// fused kernel 3,900 of them slowed one answer of a 135 M model by 16 %, and 512 by 2 %; without it they are paid in blocks of 256: 1,024 made an answer of
    /// a 1.3 M fp32 model take 53 ms instead of 14. Copying a prefix back takes far less than computing it, so they wait outside, if there is an outside.
    /// </summary>
    private static int MostKept(LoadedModel model, SchedulerLimits limits) => Math.Min(limits.Cells, model.HasFullPrecision ? KeptUnfused : limits.HostBytes > 0 ? 0 : limits.Cells);

    private const int KeptUnfused = 128;

    private static LLamaContextParams Parameters(LoadedModel model, SchedulerLimits limits, int sequences)
    {
        var parameters = LLamaContextParams.Default();
        parameters.n_ctx = (uint)limits.Cells;
        var largest = Math.Max(limits.BatchTokens + sequences, sequences * (1 + limits.Guesses));
        parameters.n_batch = (uint)largest;
        parameters.n_ubatch = (uint)Math.Min(512, largest);
        parameters.n_seq_max = (uint)Math.Min(sequences + 1, NativeIds);
        parameters.n_threads = limits.Threads;
        parameters.n_threads_batch = limits.Threads;
        // Split caches abort the process on partial sequence copies and refuse ids at or above n_seq_max.
        parameters.kv_unified = true;
        // A cache that keeps only the window cannot be cut or shared.
        parameters.swa_full = true;
        if (model.HasFullPrecision)
        {
            // Half-precision keys and values, and the fused attention kernel, which rounds to half precision inside, moved log-probabilities of a
            // 1.3 M fp32 model by up to 0.012 nats; without them the difference to our own forward pass was below 0.0001.
            parameters.type_k = GGMLType.GGML_TYPE_F32;
            parameters.type_v = GGMLType.GGML_TYPE_F32;
            parameters.llama_flash_attn_type = LLamaFlashAttentionType.LLAMA_FLASH_ATTENTION_TYPE_DISABLED;
        }

        return parameters;
    }

    private void Run()
    {
        while (!_stopping)
        {
            try
            {
                TakeIn();
                DropCancelled();
                LetIn();
                Report();
                if (_planner.Build())
                {
                    Step();
                }
                else
                {
                    // Cancelling does not wake the thread: a cancelled job only matters here when something runs, and then the loop does not wait.
                    _wake.Wait();
                }
            }
            catch (Exception error)
            {
                // Whatever went wrong with one batch must not leave the engine wedged: everyone in it is told, the cache starts empty.
                Console.Error.WriteLine($"engine step failed: {error}");
                FailActive(_ => true, "The engine failed while evaluating this request; it can be sent again.");
            }
        }

        FailActive(_ => true, "The engine is stopping.");
        TakeIn();
        foreach (var job in _waiting.Remove(_ => true))
        {
            Leave(job, new GenerationFailedException("The engine is stopping."));
        }
    }

    private void TakeIn()
    {
        while (_wake.Wait(0))
        {
        }

        while (_inbox.TryDequeue(out var job))
        {
            Adapters.Use(job.Adapter);
            if (job.Adapter is { IsDropped: true })
            {
                Leave(job, new GenerationFailedException("The adapter was dropped while the request came in."));
                continue;
            }

            _waiting.Add(job);
        }

        while (_errands.TryDequeue(out var errand))
        {
            errand();
        }
    }

    private void DropCancelled()
    {
        foreach (var job in _waiting.Remove(job => job.Cancelled.IsCancellationRequested))
        {
            _metrics.Cancellation();
            Leave(job, new OperationCanceledException(job.Cancelled));
        }

        foreach (var sequence in _pool.Active.Concat(_pool.Preempted).Where(sequence => sequence.Job.Cancelled.IsCancellationRequested).ToArray())
        {
            _metrics.Cancellation();
            Release(sequence, new OperationCanceledException(sequence.Job.Cancelled));
        }
    }

    /// <summary>Those who stepped back come first: letting others pass would make them step back again and again.</summary>
    private void LetIn()
    {
        while (_pool.Preempted.Count > 0)
        {
            var first = _pool.Preempted[0];
            if (!_pool.TryEnter(first))
            {
                return;
            }

            _pool.Preempted.RemoveAt(0);
        }

        while (_waiting.Peek() is { } job)
        {
            // The one whose turn it is asks again after each step until it fits; it is made only once.
            _next = _next?.Job == job ? _next : new Sequence(job, _order++, new TokenSampler(job.Sampling, job.Constraint, job.Prompt, _reader.Scratch));
            if (!_pool.TryEnter(_next))
            {
                return;
            }

            _next = null;
            _waiting.Take(job);
        }
    }

    private void Report()
    {
        _metrics.State(_waiting.Count + _pool.Preempted.Count, _pool.Active.Count, _pool.Used, _limits.Cells);
        _metrics.Prefixes(_pool.Tree?.Cells ?? 0, _pool.Tree?.Nodes ?? 0, _pool.Tree?.Mismatches ?? 0);
        _metrics.HostTier(_pool.Tree?.Host.Bytes ?? 0, _pool.Tree?.Host.RestoredTokens ?? 0);
        _metrics.Fairness(_pool.Preemptions, _planner.LongestWaitSeen);
    }

    private void Step()
    {
        Apply(_planner.Adapter);
        var started = Stopwatch.GetTimestamp();
        var result = _context.Decode(_planner.Batch);
        if (result != DecodeResult.Ok)
        {
            Recover(result);
            return;
        }

        var sampled = 0;
        foreach (var sequence in _planner.Members)
        {
            var outcome = _reader.Read(sequence);
            sampled += outcome.Sampled;
            if (sequence.Guessed.Count > 0)
            {
                _memory.Remove(sequence.Id, sequence.Position, sequence.Position + sequence.Guessed.Count + 1);
            }

            if (_pool.Tree is { } tree && sequence.Shares && sequence.Generated <= 1 && !outcome.Ended)
            {
                // While its prompt is evaluated others that begin like it can already take what is there.
                tree.Extend(sequence.Hold, sequence.Tokens, sequence.Position);
            }

            if (outcome.Ended)
            {
                Release(sequence, outcome.Error, keep: outcome.Error is null);
            }
        }

        _budget.Observe(_planner.PromptTokens, _planner.Decoding + _planner.Guessed, Stopwatch.GetElapsedTime(started));
        _metrics.Step(_planner.PromptTokens, sampled, _planner.Members.Count, _budget.PromptTokensPerSecond);
    }

    /// <summary>
    /// The cache and our account of it disagree, or native code refused the batch. Our token logs know what was evaluated, so everyone starts
    /// again from an empty cache; who comes here twice is told to send the request again.
    /// </summary>
    private void Recover(DecodeResult result)
    {
        Console.Error.WriteLine($"decode of {_planner.Batch.TokenCount} tokens in {_planner.Members.Count} sequences returned {result}; starting again from the token logs");
        foreach (var sequence in _planner.Members)
        {
            sequence.Restarts++;
        }

        FailActive(sequence => sequence.Restarts > 1, $"The engine could not evaluate a batch ({result}); the request can be sent again.");
    }

    private void Release(Sequence sequence, Exception? error, bool keep = false)
    {
        _pool.Leave(sequence, keep);
        if (_limits.Deterministic)
        {
            // An empty cache gives the next sequence the same cells, so its sums run in the same order.
            _memory.Clear();
        }

        sequence.Job.GeneratedTokens = sequence.Generated;
        _metrics.Reuse(sequence.Job.Prompt.Length, sequence.Job.CachedTokens);
        Leave(sequence.Job, error);
    }

    /// <summary>Fails some of the active jobs and empties the cache; the others compute theirs again.</summary>
    private void FailActive(Predicate<Sequence> match, string message)
    {
        foreach (var sequence in _pool.Active.Concat(_pool.Preempted).Where(sequence => match(sequence)).ToArray())
        {
            _metrics.Failure();
            _pool.Leave(sequence, keep: false);
            Leave(sequence.Job, new GenerationFailedException(message));
        }

        _pool.Restart();
    }

    private void Leave(GenerationJob job, Exception? error)
    {
        Interlocked.Decrement(ref _admissions);
        Adapters.Release(job.Adapter);
        job.Complete(error);
    }
}
