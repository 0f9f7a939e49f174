using System.Globalization;
using System.Text;

namespace Lauter.Inference.Scheduler;

/// <summary>Counters of one engine, written in Prometheus text format. Thread-safe.</summary>
internal sealed class EngineMetrics
{
    private long _promptTokens;
    private long _completionTokens;
    private long _requests;
    private long _failures;
    private long _rejections;
    private long _cancellations;
    private long _steps;
    private long _stepSequences;
    private long _promptTokensAsked;
    private long _promptTokensReused;
    private int _prefixCells;
    private int _prefixNodes;
    private int _prefixMismatches;
    private long _guessed;
    private long _held;
    private long _hostBytes;
    private long _hostRestoredTokens;
    private int _preemptions;
    private int _longestWaitSteps;
    private double _promptTokensPerSecond;
    private int _active;
    private int _waiting;
    private int _cellsUsed;
    private int _cells;

    public SecondsHistogram TimeToFirstToken { get; } = new([.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30]);

    public SecondsHistogram InterToken { get; } = new([.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5]);

    public int Waiting => Volatile.Read(ref _waiting);

    public void Request() => Interlocked.Increment(ref _requests);

    public void Failure() => Interlocked.Increment(ref _failures);

    public void Rejection() => Interlocked.Increment(ref _rejections);

    public void Cancellation() => Interlocked.Increment(ref _cancellations);

    /// <summary>Seconds until the requests that wait are through, by their number and the mean time of those before them; 0 while nothing is known.</summary>
    public double QueueSeconds => TimeToFirstToken.Mean * Math.Max(1, Volatile.Read(ref _waiting)) / Math.Max(1, Volatile.Read(ref _active));

    /// <summary>What a finished request's prompt cost and what it was spared.</summary>
    public void Reuse(int promptTokens, int cachedTokens)
    {
        Interlocked.Add(ref _promptTokensAsked, promptTokens);
        Interlocked.Add(ref _promptTokensReused, cachedTokens);
    }

    public void Prefixes(int cells, int nodes, int mismatches)
    {
        Volatile.Write(ref _prefixCells, cells);
        Volatile.Write(ref _prefixNodes, nodes);
        Volatile.Write(ref _prefixMismatches, mismatches);
    }

    public void Guesses(int guessed, int held)
    {
        Interlocked.Add(ref _guessed, guessed);
        Interlocked.Add(ref _held, held);
    }

    public void HostTier(long bytes, long restoredTokens)
    {
        Volatile.Write(ref _hostBytes, bytes);
        Volatile.Write(ref _hostRestoredTokens, restoredTokens);
    }

    public void Fairness(int preemptions, int longestWaitSteps)
    {
        Volatile.Write(ref _preemptions, preemptions);
        Volatile.Write(ref _longestWaitSteps, longestWaitSteps);
    }

    public void Step(int promptTokens, int completionTokens, int sequences, double promptTokensPerSecond)
    {
        Volatile.Write(ref _promptTokensPerSecond, promptTokensPerSecond);
        Interlocked.Add(ref _promptTokens, promptTokens);
        Interlocked.Add(ref _completionTokens, completionTokens);
        Interlocked.Increment(ref _steps);
        Interlocked.Add(ref _stepSequences, sequences);
    }

    public void State(int waiting, int active, int cellsUsed, int cells)
    {
        Volatile.Write(ref _waiting, waiting);
        Volatile.Write(ref _active, active);
        Volatile.Write(ref _cellsUsed, cellsUsed);
        Volatile.Write(ref _cells, cells);
    }

    public string ToPrometheus()
    {
        var text = new StringBuilder();
        Write(text, "counter", "lauter_engine_requests_total", "Requests accepted.", Interlocked.Read(ref _requests));
        Write(text, "counter", "lauter_engine_failures_total", "Requests that the engine could not finish.", Interlocked.Read(ref _failures));
        Write(text, "counter", "lauter_engine_rejections_total", "Requests refused because the queue was full.", Interlocked.Read(ref _rejections));
        Write(text, "counter", "lauter_engine_cancellations_total", "Requests given up by their caller.", Interlocked.Read(ref _cancellations));
        Write(text, "counter", "lauter_engine_prompt_tokens_total", "Prompt tokens evaluated.", Interlocked.Read(ref _promptTokens));
        Write(text, "counter", "lauter_engine_completion_tokens_total", "Tokens generated.", Interlocked.Read(ref _completionTokens));
        Write(text, "counter", "lauter_engine_steps_total", "Batches evaluated.", Interlocked.Read(ref _steps));
        Write(text, "counter", "lauter_engine_step_sequences_total", "Sequences in all batches; divided by the steps it is the mean batch.", Interlocked.Read(ref _stepSequences));
        Write(text, "gauge", "lauter_engine_queue_requests", "Requests that wait.", Volatile.Read(ref _waiting));
        Write(text, "gauge", "lauter_engine_active_requests", "Requests that hold a sequence.", Volatile.Read(ref _active));
        Write(text, "gauge", "lauter_engine_kv_cells_used", "Cells of the key-value cache that active requests and prefixes hold.", Volatile.Read(ref _cellsUsed));
        Write(text, "gauge", "lauter_engine_kv_cells", "Cells of the key-value cache.", Volatile.Read(ref _cells));
        Write(text, "gauge", "lauter_engine_kv_cells_private", "Those of them that only active requests hold.", Volatile.Read(ref _cellsUsed) - Volatile.Read(ref _prefixCells));
        Write(text, "counter", "lauter_engine_guessed_tokens_total", "Tokens guessed from earlier text and evaluated ahead.", Interlocked.Read(ref _guessed));
        Write(text, "counter", "lauter_engine_held_tokens_total", "Guessed tokens that the model chose too.", Interlocked.Read(ref _held));
        Write(text, "gauge", "lauter_engine_host_prefix_bytes", "Bytes of prefixes kept outside the key-value cache.", Volatile.Read(ref _hostBytes));
        Write(text, "counter", "lauter_engine_host_restored_tokens_total", "Tokens copied back into the key-value cache instead of being computed again.", Volatile.Read(ref _hostRestoredTokens));
        Write(text, "gauge", "lauter_engine_prefix_cells", "Cells of the key-value cache kept for later requests; active ones may share them.", Volatile.Read(ref _prefixCells));
        Write(text, "gauge", "lauter_engine_prefix_nodes", "Runs of tokens in the prefix tree.", Volatile.Read(ref _prefixNodes));
        Write(text, "counter", "lauter_engine_prefix_mismatches_total", "Runs that the cache held otherwise than our log says; dropped, never reused.", Volatile.Read(ref _prefixMismatches));
        Write(text, "counter", "lauter_engine_prompt_tokens_asked_total", "Prompt tokens of finished requests.", Interlocked.Read(ref _promptTokensAsked));
        Write(text, "counter", "lauter_engine_prompt_tokens_reused_total", "Those of them that an earlier request of the same tenant had evaluated.", Interlocked.Read(ref _promptTokensReused));
        Write(text, "counter", "lauter_engine_preemptions_total", "Times a request gave its cells up and computed them again later.", Volatile.Read(ref _preemptions));
        Write(text, "gauge", "lauter_engine_longest_wait_steps", "Most steps in a row in which an active request got nothing.", Volatile.Read(ref _longestWaitSteps));
        Write(text, "gauge", "lauter_engine_prefill_tokens_per_second", "Prompt tokens evaluated per second, as the scheduler measured it.", (long)Volatile.Read(ref _promptTokensPerSecond));
        TimeToFirstToken.Write(text, "lauter_engine_time_to_first_token_seconds", "Time from arrival to the first token.");
        InterToken.Write(text, "lauter_engine_inter_token_seconds", "Time between two tokens of one request.");
        return text.ToString();
    }

    private static void Write(StringBuilder text, string type, string name, string help, long value) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n{name} {value}\n");
}

/// <summary>A cumulative histogram over seconds with fixed upper bounds. Thread-safe.</summary>
internal sealed class SecondsHistogram(double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private long _nanoseconds;
    private long _observations;

    /// <summary>Mean in seconds, 0 without observations.</summary>
    public double Mean => Interlocked.Read(ref _observations) is > 0 and var count ? Interlocked.Read(ref _nanoseconds) / 1e9 / count : 0;

    public void Observe(TimeSpan value)
    {
        var bucket = Array.FindIndex(bounds, bound => value.TotalSeconds <= bound);
        Interlocked.Increment(ref _counts[bucket < 0 ? bounds.Length : bucket]);
        Interlocked.Increment(ref _observations);
        Interlocked.Add(ref _nanoseconds, value.Ticks * 100);
    }

    public void Write(StringBuilder text, string name, string help)
    {
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} histogram\n");
        long total = 0;
        for (var bucket = 0; bucket < bounds.Length; bucket++)
        {
            total += Interlocked.Read(ref _counts[bucket]);
            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{le=\"{bounds[bucket]}\"}} {total}\n");
        }

        total += Interlocked.Read(ref _counts[bounds.Length]);
        text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{le=\"+Inf\"}} {total}\n{name}_sum {Interlocked.Read(ref _nanoseconds) / 1e9}\n{name}_count {total}\n");
    }
}
