using System.Diagnostics;
using System.Threading.Channels;
using Lauter.Inference.Adapters;
using Lauter.Inference.Grammars;
using Lauter.Inference.Prefixes;
using Lauter.Inference.Sampling;

namespace Lauter.Inference.Scheduler;

/// <summary>Why a generation ended.</summary>
internal enum FinishReason
{
    /// <summary>The model ended its turn or a stop string was reached.</summary>
    Stop,

    /// <summary><c>max_tokens</c> was reached.</summary>
    Length,
}

/// <summary>What the scheduler tells a request: text that may be shown, tokens with log-probabilities, the end, in that order of time.</summary>
internal sealed record GenerationEvent(string Text, SampledToken? Token, FinishReason? Finish);

/// <summary>Thrown to the reader of a job when the engine could not go on with it; the text is fit for the caller.</summary>
internal sealed class GenerationFailedException(string message) : Exception(message);

/// <summary>One sequence to generate. Written by the request's thread before it is submitted, then owned by the scheduler's thread.</summary>
internal sealed class GenerationJob
{
    /// <summary>Tokens that an answer without a limit is charged for in the tenants' turns.</summary>
    public const int AnswerCharge = 512;

    private readonly Channel<GenerationEvent> _events = Channel.CreateUnbounded<GenerationEvent>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    public required int[] Prompt { get; init; }

    public required SamplingOptions Sampling { get; init; }

    /// <summary>Most tokens to generate; 0 only evaluates the prompt.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Whose turn it takes and whose prefixes it may use.</summary>
    public required PrefixKey Key { get; init; }

    /// <summary>The adapter to answer with; null for the base model.</summary>
    public LoadedAdapter? Adapter { get; init; }

    /// <summary>Places in its tenant's own queue that it may take from earlier requests: each step is worth <see cref="TenantQueues.PriorityStep"/> of waiting.</summary>
    public int Priority { get; init; }

    public IReadOnlyList<string> Stops { get; init; } = [];

    /// <summary>A constraint of this job's own; the scheduler disposes it.</summary>
    public AnswerConstraint? Constraint { get; init; }

    /// <summary>Alternatives to report for each prompt token; −1 reports nothing about the prompt.</summary>
    public int PromptLogProbabilities { get; init; } = -1;

    public CancellationToken Cancelled { get; init; }

    public ChannelReader<GenerationEvent> Events => _events.Reader;

    /// <summary>One entry per prompt token from the second on, when asked for; complete before the first event.</summary>
    public SampledToken[] PromptTokens { get; set; } = [];

    /// <summary>Tokens generated, the one that ended the answer included; valid when the events are complete.</summary>
    public int GeneratedTokens { get; set; }

    /// <summary>Prompt tokens that an earlier request with an equal key had evaluated; valid when the events are complete.</summary>
    public int CachedTokens { get; set; }

    /// <summary>Cells of the key-value cache that this job may need at its longest.</summary>
    public int Cells => Prompt.Length + Math.Max(1, MaxTokens);

    /// <summary>What its tenant pays for its turn.</summary>
    public int Charge => Prompt.Length + Math.Clamp(MaxTokens, 1, AnswerCharge);

    /// <summary>Ticks of <see cref="Stopwatch"/> when the job was submitted.</summary>
    public long Submitted { get; set; }

    public void Publish(GenerationEvent item) => _events.Writer.TryWrite(item);

    public void Complete(Exception? error = null)
    {
        Constraint?.Dispose();
        _events.Writer.TryComplete(error);
    }
}
