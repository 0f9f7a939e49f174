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
    private int _active;
    private int _waiting;
    private int _cellsReserved;
    private int _cells;

    public SecondsHistogram TimeToFirstToken { get; } = new([.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30]);

    public SecondsHistogram InterToken { get; } = new([.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5]);

    public int Waiting => Volatile.Read(ref _waiting);

    public void Request() => Interlocked.Increment(ref _requests);

    public void Failure() => Interlocked.Increment(ref _failures);

    public void Rejection() => Interlocked.Increment(ref _rejections);

    public void Cancellation() => Interlocked.Increment(ref _cancellations);

    public void Step(int promptTokens, int completionTokens, int sequences)
    {
        Interlocked.Add(ref _promptTokens, promptTokens);
        Interlocked.Add(ref _completionTokens, completionTokens);
        Interlocked.Increment(ref _steps);
        Interlocked.Add(ref _stepSequences, sequences);
    }

    public void State(int waiting, int active, int cellsReserved, int cells)
    {
        Volatile.Write(ref _waiting, waiting);
        Volatile.Write(ref _active, active);
        Volatile.Write(ref _cellsReserved, cellsReserved);
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
        Write(text, "gauge", "lauter_engine_kv_cells_reserved", "Cells of the key-value cache reserved by active requests.", Volatile.Read(ref _cellsReserved));
        Write(text, "gauge", "lauter_engine_kv_cells", "Cells of the key-value cache.", Volatile.Read(ref _cells));
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

    public void Observe(TimeSpan value)
    {
        var bucket = Array.FindIndex(bounds, bound => value.TotalSeconds <= bound);
        Interlocked.Increment(ref _counts[bucket < 0 ? bounds.Length : bucket]);
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
