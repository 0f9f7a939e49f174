using System.Collections.Concurrent;
using System.Diagnostics;
using LLama.Native;
using Lauter.Inference.Grammars;
using Lauter.Inference.Native;
using Lauter.Inference.Sampling;

namespace Lauter.Inference.Scheduler;

/// <summary>Limits of the scheduler; see <see cref="Engine.EngineOptions"/> for the meaning of each.</summary>
internal sealed record SchedulerLimits(int Cells, int Sequences, int Queue, int BatchTokens, int Threads, bool Deterministic, TimeSpan InterTokenTarget);

/// <summary>
/// One thread owns the native context and turns it step by step:
/// 1. take in new jobs, drop cancelled ones wherever they are;
/// 2. admit by turn while sequence ids and cells last;
/// 3. build the batch: one token of every decoding sequence, then prompt chunks within the budget;
/// 4. decode; 5. sample, publish, finish.
/// Submitting is thread-safe.
/// </summary>
internal sealed class GenerationScheduler : IDisposable
{
    private readonly LoadedModel _model;
    private readonly SchedulerLimits _limits;
    private readonly EngineMetrics _metrics;
    private readonly SafeLLamaContextHandle _context;
    private readonly LLamaBatch _batch = new();
    private readonly ConcurrentQueue<GenerationJob> _inbox = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly TenantQueues _waiting = new();
    private readonly List<Sequence> _active = [];
    private readonly SortedSet<int> _freeIds;
    private readonly StepBudget _budget;
    private readonly Thread _thread;
    private int _admissions;
    private int _reserved;
    private int _firstPrompt;
    private volatile bool _stopping;

    public GenerationScheduler(LoadedModel model, SchedulerLimits limits, EngineMetrics metrics)
    {
        _model = model;
        _limits = limits;
        _metrics = metrics;
        _budget = new StepBudget(limits.BatchTokens, limits.InterTokenTarget);
        _freeIds = [.. Enumerable.Range(0, limits.Deterministic ? 1 : limits.Sequences)];
        var parameters = LLamaContextParams.Default();
        parameters.n_ctx = (uint)limits.Cells;
        parameters.n_batch = (uint)(limits.BatchTokens + limits.Sequences);
        parameters.n_ubatch = (uint)Math.Min(512, limits.BatchTokens + limits.Sequences);
        parameters.n_seq_max = (uint)limits.Sequences;
        parameters.n_threads = limits.Threads;
        parameters.n_threads_batch = limits.Threads;
        // Split caches abort the process on partial sequence copies and refuse ids at or above n_seq_max.
        parameters.kv_unified = true;
        if (model.HasFullPrecision)
        {
            // Half-precision keys and values, and the fused attention kernel, which rounds to half precision inside, moved log-probabilities of a
            // 1.3 M fp32 model by up to 0.012 nats; without them the difference to our own forward pass was below 0.0001.
            parameters.type_k = GGMLType.GGML_TYPE_F32;
            parameters.type_v = GGMLType.GGML_TYPE_F32;
            parameters.llama_flash_attn_type = LLamaFlashAttentionType.LLAMA_FLASH_ATTENTION_TYPE_DISABLED;
        }

        _context = SafeLLamaContextHandle.Create(model.Handle, parameters);
        _thread = new Thread(Run) { IsBackground = true, Name = "lauter-engine" };
        _thread.Start();
    }

    /// <summary>Most tokens one sequence may hold: prompt plus answer.</summary>
    public int LongestSequence => Math.Min(_model.ContextLength, _limits.Cells);

    /// <summary>Hands a job over; false when the queue is full. The job must fit <see cref="LongestSequence"/>.</summary>
    public bool TrySubmit(GenerationJob job)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(job.Cells, LongestSequence);
        ArgumentOutOfRangeException.ThrowIfZero(job.Prompt.Length);
        ObjectDisposedException.ThrowIf(_stopping, this);
        if (Interlocked.Increment(ref _admissions) > _limits.Queue + _limits.Sequences)
        {
            Interlocked.Decrement(ref _admissions);
            _metrics.Rejection();
            return false;
        }

        _metrics.Request();
        job.Submitted = Stopwatch.GetTimestamp();
        _inbox.Enqueue(job);
        _wake.Release();
        return true;
    }

    public void Dispose()
    {
        _stopping = true;
        _wake.Release();
        _thread.Join();
        _context.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        while (!_stopping)
        {
            try
            {
                TakeIn();
                DropCancelled();
                Admit();
                _metrics.State(_waiting.Count, _active.Count, _reserved, _limits.Cells);
                if (BuildBatch())
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
                FailActive("The engine failed while evaluating this request; it can be sent again.");
            }
        }

        FailActive("The engine is stopping.");
        TakeIn();
        foreach (var job in _waiting.Remove(_ => true))
        {
            Leave(job, new GenerationFailedException("The engine is stopping."));
        }
    }

    private void TakeIn()
    {
        while (_inbox.TryDequeue(out var job))
        {
            _waiting.Add(job);
        }
    }

    private void DropCancelled()
    {
        foreach (var job in _waiting.Remove(job => job.Cancelled.IsCancellationRequested))
        {
            _metrics.Cancellation();
            Leave(job, new OperationCanceledException(job.Cancelled));
        }

        for (var index = _active.Count - 1; index >= 0; index--)
        {
            var sequence = _active[index];
            if (sequence.Job.Cancelled.IsCancellationRequested)
            {
                _metrics.Cancellation();
                Release(sequence, new OperationCanceledException(sequence.Job.Cancelled));
            }
        }
    }

    private void Admit()
    {
        while (_freeIds.Count > 0 && _waiting.Peek() is { } job && _reserved + job.Cells <= _limits.Cells)
        {
            _waiting.Take(job);
            var id = _freeIds.Min;
            _freeIds.Remove(id);
            _reserved += job.Cells;
            _active.Add(new Sequence(job, id, new TokenSampler(job.Sampling, job.Grammar, _model.VocabularySize, job.Prompt)));
        }
    }

    private bool BuildBatch()
    {
        _batch.Clear();
        var decoding = 0;
        foreach (var sequence in _active)
        {
            sequence.InBatch = 0;
            sequence.Output = -1;
            if (!sequence.IsPrefilling)
            {
                sequence.Output = _batch.Add((LLamaToken)sequence.Pending, (LLamaPos)sequence.Position, (LLamaSeqId)sequence.Id, true);
                sequence.InBatch = 1;
                decoding++;
            }
        }

        // Prompts share the budget in turn: the one that was first in the last step is last in this one.
        var left = _budget.PromptTokens(decoding);
        _firstPrompt = _active.Count == 0 ? 0 : (_firstPrompt + 1) % _active.Count;
        for (var offset = 0; offset < _active.Count && left > 0; offset++)
        {
            var sequence = _active[(_firstPrompt + offset) % _active.Count];
            if (sequence.IsPrefilling)
            {
                left -= AddPrompt(sequence, left);
            }
        }

        return _batch.TokenCount > 0;
    }

    private int AddPrompt(Sequence sequence, int budget)
    {
        var prompt = sequence.Job.Prompt;
        var count = Math.Min(budget, prompt.Length - sequence.Position);
        var all = sequence.Job.PromptLogProbabilities >= 0;
        for (var index = 0; index < count; index++)
        {
            var position = sequence.Position + index;
            var last = position == prompt.Length - 1;
            var output = _batch.Add((LLamaToken)prompt[position], (LLamaPos)position, (LLamaSeqId)sequence.Id, all || last);
            if (index == 0 && all)
            {
                sequence.Output = output;
            }
            else if (last && !all)
            {
                sequence.Output = output;
            }
        }

        sequence.InBatch = count;
        return count;
    }

    private void Step()
    {
        var started = Stopwatch.GetTimestamp();
        var result = _context.Decode(_batch);
        if (result != DecodeResult.Ok)
        {
            // Admission reserves cells, so even "no cell" means that the cache and our account of it disagree.
            Console.Error.WriteLine($"decode of {_batch.TokenCount} tokens in {_active.Count} sequences returned {result}");
            FailActive($"The engine could not evaluate a batch ({result}); the request can be sent again.");
            return;
        }

        var promptTokens = 0;
        var sampled = 0;
        var sequences = 0;
        foreach (var sequence in _active.ToArray())
        {
            if (sequence.InBatch == 0)
            {
                continue;
            }

            sequences++;
            var wasPrompt = sequence.IsPrefilling;
            promptTokens += wasPrompt ? sequence.InBatch : 0;
            if (wasPrompt && sequence.Job.PromptLogProbabilities >= 0)
            {
                ReadPrompt(sequence);
            }

            sequence.Position += sequence.InBatch;
            if (!sequence.IsPrefilling && Sample(sequence, wasPrompt))
            {
                sampled++;
            }
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        _budget.Observe(promptTokens, sequences - (promptTokens > 0 ? 1 : 0), elapsed);
        _metrics.Step(promptTokens, sampled, sequences);
    }

    /// <summary>Logits at position i speak about prompt token i + 1.</summary>
    private void ReadPrompt(Sequence sequence)
    {
        var prompt = sequence.Job.Prompt;
        for (var index = 0; index < sequence.InBatch; index++)
        {
            var position = sequence.Position + index;
            if (position + 1 < prompt.Length)
            {
                var logits = _context.GetLogitsIth(sequence.Output + index);
                sequence.PromptTokens.Add(TokenSampler.Describe(logits, prompt[position + 1], sequence.Job.PromptLogProbabilities));
            }
        }

        sequence.Output += sequence.InBatch - 1;
    }

    private bool Sample(Sequence sequence, bool first)
    {
        var job = sequence.Job;
        if (first)
        {
            job.PromptTokens = [.. sequence.PromptTokens];
        }

        if (job.MaxTokens == 0)
        {
            Finish(sequence, FinishReason.Length);
            return false;
        }

        SampledToken token;
        try
        {
            token = sequence.Sampler.Next(_context.GetLogitsIth(sequence.Output));
        }
        catch (GrammarDeadEndException error)
        {
            _metrics.Failure();
            Release(sequence, new GenerationFailedException(error.Message), sequence.Generated);
            return false;
        }

        var now = Stopwatch.GetTimestamp();
        if (first)
        {
            _metrics.TimeToFirstToken.Observe(Stopwatch.GetElapsedTime(job.Submitted, now));
        }
        else
        {
            _metrics.InterToken.Observe(Stopwatch.GetElapsedTime(sequence.LastToken, now));
        }

        sequence.LastToken = now;
        sequence.Generated++;
        if (_model.EndsGeneration(token.Token))
        {
            job.Publish(new GenerationEvent(sequence.Text.Finish(), null, FinishReason.Stop));
            Release(sequence, null, sequence.Generated);
            return true;
        }

        var text = sequence.Text.Add(_model.Piece(token.Token));
        job.Publish(new GenerationEvent(text, token, null));
        if (sequence.Text.Stopped || sequence.Sampler.IsFinished)
        {
            Finish(sequence, FinishReason.Stop);
        }
        else if (sequence.Generated >= job.MaxTokens)
        {
            Finish(sequence, FinishReason.Length);
        }
        else
        {
            sequence.Pending = token.Token;
        }

        return true;
    }

    private void Finish(Sequence sequence, FinishReason reason)
    {
        var rest = sequence.Text.Stopped ? "" : sequence.Text.Finish();
        // The held-back rest can itself complete a stop string only in Add, never here: Finish shows it as it is.
        sequence.Job.Publish(new GenerationEvent(rest, null, reason));
        Release(sequence, null, sequence.Generated);
    }

    private void Release(Sequence sequence, Exception? error, int generated = 0)
    {
        _active.Remove(sequence);
        _reserved -= sequence.Job.Cells;
        _freeIds.Add(sequence.Id);
        if (_limits.Deterministic)
        {
            // An empty cache gives the next sequence the same cells, so its sums run in the same order.
            _context.MemoryClear(false);
        }
        else
        {
            _context.MemorySequenceRemove((LLamaSeqId)sequence.Id, (LLamaPos)(-1), (LLamaPos)(-1));
        }

        sequence.Job.GeneratedTokens = generated;
        Leave(sequence.Job, error);
    }

    private void FailActive(string message)
    {
        foreach (var sequence in _active.ToArray())
        {
            _metrics.Failure();
            Leave(sequence.Job, new GenerationFailedException(message));
            _freeIds.Add(sequence.Id);
        }

        _active.Clear();
        _reserved = 0;
        _context.MemoryClear(true);
    }

    private void Leave(GenerationJob job, Exception? error)
    {
        Interlocked.Decrement(ref _admissions);
        job.Complete(error);
    }
}
