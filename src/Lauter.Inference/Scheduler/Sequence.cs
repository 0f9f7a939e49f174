using Lauter.Inference.Sampling;

namespace Lauter.Inference.Scheduler;

/// <summary>A job that holds a native sequence id and cells of the cache.</summary>
internal sealed class Sequence(GenerationJob job, int id, TokenSampler sampler)
{
    public GenerationJob Job => job;

    /// <summary>Native sequence id; never taken from a client.</summary>
    public int Id => id;

    public TokenSampler Sampler => sampler;

    public TextAssembler Text { get; } = new(job.Stops);

    /// <summary>Tokens whose keys and values the cache holds: the position of the next one.</summary>
    public int Position { get; set; }

    /// <summary>The sampled token that the next step has to decode.</summary>
    public int Pending { get; set; }

    public int Generated { get; set; }

    /// <summary>Prompt tokens of the batch being built, and whether this sequence decodes in it.</summary>
    public int InBatch { get; set; }

    /// <summary>Index of this sequence's logits in the batch, or −1.</summary>
    public int Output { get; set; } = -1;

    /// <summary>Ticks when the last token was shown, or 0.</summary>
    public long LastToken { get; set; }

    public List<SampledToken> PromptTokens { get; } = [];

    public bool IsPrefilling => Position < job.Prompt.Length;
}
