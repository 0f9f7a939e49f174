using System.Text.Json.Nodes;
using Lauter.Ledger;

namespace Lauter.Gateway.Applications;

/// <summary>One message of a chat, text only.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> …</param>
/// <param name="Content">Its text.</param>
public sealed record ChatTurn(string Role, string Content);

/// <summary>What an application is asked.</summary>
/// <param name="Tenant">Whose request it is.</param>
/// <param name="Turns">The caller's messages.</param>
/// <param name="Text">The text of the last user message.</param>
/// <param name="Input">The fields of the input schema; null when the application has none.</param>
/// <param name="MaximumOutputTokens">Most tokens of the answer.</param>
/// <param name="Temperature">As the caller asked, or null.</param>
/// <param name="TopP">As the caller asked, or null.</param>
/// <param name="Seed">As the caller asked, or null.</param>
public sealed record AnswerRequest(
    string Tenant, IReadOnlyList<ChatTurn> Turns, string Text, JsonObject? Input, int MaximumOutputTokens, double? Temperature, double? TopP, long? Seed);

/// <summary>A piece of an answer.</summary>
public abstract record AnswerPart;

/// <summary>More text.</summary>
/// <param name="Text">What follows what came before.</param>
public sealed record AnswerText(string Text) : AnswerPart;

/// <summary>Citations, as the member <c>annotations</c> of the message.</summary>
/// <param name="Annotations">Objects with a <c>type</c>.</param>
public sealed record AnswerAnnotations(JsonArray Annotations) : AnswerPart;

/// <summary>The end of a whole answer. A source that cannot give one throws <see cref="AnswerException"/>.</summary>
/// <param name="FinishReason"><c>stop</c>, <c>length</c>, <c>content_filter</c> or <c>tool_calls</c>.</param>
/// <param name="Readings">Tokens, where they were counted. Core time is metered by the gateway.</param>
public sealed record AnswerEnd(string FinishReason, IReadOnlyList<MeterReading> Readings) : AnswerPart;

/// <summary>Answers requests of an application inside this machine.</summary>
public interface IAnswerSource
{
    /// <summary>The answer in pieces; the last one is an <see cref="AnswerEnd"/>.</summary>
    /// <exception cref="AnswerException">There is no answer.</exception>
    IAsyncEnumerable<AnswerPart> AnswerAsync(AnswerRequest request, CancellationToken cancellationToken);
}

/// <summary>An engine, an index or an upstream could not answer.</summary>
/// <param name="code">Stable code for the caller, for example <c>engine_unavailable</c>.</param>
/// <param name="message">What failed and what to do; holds no prompt and no secret.</param>
/// <param name="status">HTTP status: 500 to 504; 400 when the request does not fit the application, 429 when it must wait.</param>
/// <param name="inner">The cause.</param>
public sealed class AnswerException(string code, string message, int status = 502, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Stable code for the caller.</summary>
    public string Code { get; } = code;

    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;
}
