using Lauter.Inference.Prefixes;
using Lauter.Inference.Sampling;

namespace Lauter.Inference.Scheduler;

/// <summary>
/// An admitted job. Its token log outlives its place in the cache: a sequence that has to give its cells up comes back and computes them
/// again. Scheduler's thread only.
/// </summary>
internal sealed class Sequence(GenerationJob job, long order, TokenSampler sampler)
{
    public GenerationJob Job => job;

    /// <summary>Counts admissions: a smaller one came earlier.</summary>
    public long Order => order;

    public TokenSampler Sampler => sampler;

    public TextAssembler Text { get; } = new(job.Stops);

    /// <summary>Prompt and answer so far.</summary>
    public List<int> Tokens { get; } = [.. job.Prompt];

    /// <summary>What it takes from the prefix tree; its native id is there too, never taken from a client.</summary>
    public PrefixHold Hold { get; } = new(job.Key);

    public int Id => Hold.Id;

    /// <summary>Tokens whose keys and values the cache holds: the position of the next one.</summary>
    public int Position { get; set; }

    public int Generated { get; set; }

    /// <summary>Tokens of this sequence in the batch being built.</summary>
    public int InBatch { get; set; }

    /// <summary>Index of this sequence's logits in the batch, or −1; of its first ones when it asks about its prompt.</summary>
    public int Output { get; set; } = -1;

    /// <summary>Guesses about its next tokens; null until the first is asked for.</summary>
    public Drafts? Drafts { get; set; }

    /// <summary>Tokens in the batch that were guessed: they stand behind the newest real one and are not in <see cref="Tokens"/>.</summary>
    public List<int> Guessed { get; } = [];

    /// <summary>Steps in a row in which it was left out.</summary>
    public int StepsWaited { get; set; }

    /// <summary>Times it had to start again after a failed evaluation.</summary>
    public int Restarts { get; set; }

    /// <summary>Whether it gave its cells up and came back: what it then finds in the tree is its own.</summary>
    public bool Returned { get; set; }

    /// <summary>Ticks when the last token was shown, or 0.</summary>
    public long LastToken { get; set; }

    public List<SampledToken> PromptTokens { get; } = [];

    /// <summary>Tokens that still have to be evaluated before the next one can be chosen; 1 when it is decoding.</summary>
    public int Pending => Tokens.Count - Position;

    /// <summary>Whether more than the newest token has to be evaluated: the prompt, or everything after a preemption.</summary>
    public bool IsPrefilling => Pending > 1 || Generated == 0;

    /// <summary>Tokens that the answer may still get.</summary>
    public int Remaining => Math.Max(0, job.MaxTokens - Generated);

    /// <summary>Cells that only this sequence holds.</summary>
    public int PrivateCells => Position - Hold.End;

    /// <summary>Whether it may use and leave prefixes. One that asks about each prompt token needs them all evaluated.</summary>
    public bool Shares => job.PromptLogProbabilities < 0 && job.Prompt.Length >= PrefixTree.ShortestCut;
}
