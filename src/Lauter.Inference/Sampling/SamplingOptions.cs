namespace Lauter.Inference.Sampling;

/// <summary>How the next token is chosen. The defaults are OpenAI's; 0 or the neutral value switches a filter off.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides the logits; 0 chooses the likeliest token. Default 1, range 0–2.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Keeps the smallest set of likeliest tokens whose probabilities reach this sum. Default 1 (all), range above 0 to 1.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Keeps this many likeliest tokens. Default 0 (all), range 0–1,000,000.</summary>
    public int TopK { get; init; }

    /// <summary>Drops tokens less likely than this share of the likeliest one. Default 0 (none), range 0–1.</summary>
    public float MinP { get; init; }

    /// <summary>Subtracted from the logit of a token for each time it was generated. Default 0, range −2 to 2.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Subtracted from the logit of a token that was generated at all. Default 0, range −2 to 2.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens in the prompt or the answer. Default 1 (off), range above 0 to 2.</summary>
    public float RepeatPenalty { get; init; } = 1;

    /// <summary>Added to the logits of single tokens, by id.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Seed of the random choice; null draws one. Ignored at temperature 0.</summary>
    public ulong? Seed { get; init; }

    /// <summary>How many alternatives to report per token: −1 reports none and no log-probability, range −1 to 20.</summary>
    public int TopLogProbabilities { get; init; } = -1;

    internal bool NeedsLogProbability => TopLogProbabilities >= 0;

    internal bool ChangesLogits => FrequencyPenalty != 0 || PresencePenalty != 0 || RepeatPenalty != 1 || LogitBias is { Count: > 0 };
}

/// <summary>A token with the natural logarithm of the model's own probability, before temperature, penalties and constraints.</summary>
public readonly record struct TokenLogProbability(int Token, float LogProbability);

/// <summary>A chosen token; the log-probability is NaN and the alternatives are empty when they were not asked for.</summary>
internal readonly record struct SampledToken(int Token, float LogProbability, TokenLogProbability[] Alternatives);
