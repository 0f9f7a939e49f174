using System.Text.Json.Nodes;
using Lauter.Inference.Sampling;
using Lauter.Models.Templates;

namespace Lauter.Inference.Engine;

/// <summary>A chat to be answered.</summary>
/// <param name="Messages">System, user and assistant turns, oldest first.</param>
public sealed record ChatRequest(IReadOnlyList<ChatMessage> Messages)
{
    /// <summary>Most tokens of the answer; null lets it go on to the end of the context.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How tokens are chosen. Default: greedy.</summary>
    public SamplingOptions Sampling { get; init; } = new() { Temperature = 0 };

    /// <summary>Texts that end the answer; at most 16.</summary>
    public IReadOnlyList<string> Stops { get; init; } = [];

    /// <summary>JSON Schema that the answer must satisfy; null leaves it free.</summary>
    public JsonNode? Schema { get; init; }

    /// <summary>Whose turn it is in the queue. Default: the one tenant <c>default</c>.</summary>
    public string? Tenant { get; init; }
}

/// <summary>The answer to a chat or a completion.</summary>
/// <param name="Text">The answer without stop strings and control tokens.</param>
/// <param name="FinishReason"><c>stop</c> or <c>length</c>.</param>
/// <param name="PromptTokens">Tokens of the rendered prompt.</param>
/// <param name="CompletionTokens">Tokens generated.</param>
/// <param name="LogProbabilities">One entry per token of the answer, when asked for.</param>
public sealed record ChatResult(
    string Text, string FinishReason, int PromptTokens, int CompletionTokens, IReadOnlyList<TokenScore>? LogProbabilities);

/// <summary>A piece of a streamed answer; the last one carries the finish reason and the counts.</summary>
public sealed record ChatDelta(string Text, string? FinishReason, int? PromptTokens, int? CompletionTokens);

/// <summary>A token with its log-probability (natural logarithm) and the likeliest alternatives at its place.</summary>
public sealed record TokenScore(int Token, string Text, double LogProbability, IReadOnlyList<TokenLogProbability> Alternatives);

/// <summary>State of an engine.</summary>
/// <param name="Model">Its model's name.</param>
/// <param name="ContextLength">Longest prompt plus answer, in tokens.</param>
/// <param name="Embeds">Whether it makes vectors instead of text.</param>
/// <param name="Waiting">Requests in the queue.</param>
public sealed record EngineHealth(string Model, int ContextLength, bool Embeds, int Waiting);

/// <summary>The engine refused or failed a request.</summary>
/// <param name="status">HTTP status; 0 when no answer came.</param>
/// <param name="code">OpenAI's error code, for instance <c>context_length_exceeded</c>.</param>
/// <param name="message">For people.</param>
/// <param name="inner">What was caught.</param>
public sealed class EngineException(int status, string code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>HTTP status; 0 when no answer came.</summary>
    public int Status => status;

    /// <summary>OpenAI's error code, or <c>engine_unreachable</c>.</summary>
    public string Code => code;
}
