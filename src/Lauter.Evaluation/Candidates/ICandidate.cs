using System.Text.Json.Nodes;
using Lauter.Evaluation.Suites;

namespace Lauter.Evaluation.Candidates;

/// <summary>What could serve one application: a model with its prompt, nearest labelled examples, a provider, a cascade of these.</summary>
public interface ICandidate
{
    /// <summary>Shown in reports, for example <c>triage-sft</c> or <c>nearest (lexical)</c>.</summary>
    string Name { get; }

    /// <summary>One of <see cref="CandidateKinds"/>, or a kind of the caller.</summary>
    string Kind { get; }

    /// <summary>
    /// Answers one item; must not look at <see cref="SuiteItem.Reference"/>. Called concurrently, up to the run's parallelism. An
    /// expected failure is returned; an exception is recorded as <see cref="FailureKinds.Error"/> of this item.
    /// </summary>
    Task<CandidateAnswer> AnswerAsync(SuiteItem item, CancellationToken cancellationToken);
}

/// <summary>The kinds the product knows.</summary>
public static class CandidateKinds
{
    /// <summary>A model of the project behind the engine.</summary>
    public const string Model = "model";

    /// <summary>The label of the nearest labelled example.</summary>
    public const string Nearest = "nearest";

    /// <summary>A provider's model.</summary>
    public const string Provider = "provider";

    /// <summary>Several candidates in turn.</summary>
    public const string Cascade = "cascade";
}

/// <summary>Why an item has no usable answer.</summary>
public static class FailureKinds
{
    /// <summary>There is text, but it is not a JSON object.</summary>
    public const string Unparsed = "unparsed";

    /// <summary>The candidate said that it will not answer.</summary>
    public const string Refused = "refused";

    /// <summary>The time for one item was over.</summary>
    public const string Timeout = "timeout";

    /// <summary>The candidate failed; nothing is known about its quality on this item.</summary>
    public const string Error = "error";

    /// <summary>There is an answer, but a judge or a scorer gave no readable verdict on it: neither right nor wrong.</summary>
    public const string Unjudged = "unjudged";

    /// <summary>True when nothing is known about the answer's worth; refusals and answers that do not parse are known to be wrong.</summary>
    public static bool IsUnknown(string? failure) => failure is Error or Timeout or Unjudged;
}

/// <summary>One answer of a candidate.</summary>
/// <param name="Text">The answer as text; parsed as a JSON object when <paramref name="Parsed"/> is null and there is no failure.</param>
/// <param name="Parsed">The answer as an object.</param>
/// <param name="Failure">One of <see cref="FailureKinds"/>, or null.</param>
/// <param name="Elapsed">Wall time of this answer.</param>
/// <param name="PromptTokens">0 when the candidate reads no tokens.</param>
/// <param name="CompletionTokens">0 when the candidate writes no tokens.</param>
public sealed record CandidateAnswer(string? Text, JsonObject? Parsed, string? Failure, TimeSpan Elapsed, long PromptTokens, long CompletionTokens)
{
    /// <summary>What happened, for a person; null without a failure. Never holds the prompt or the answer.</summary>
    public string? FailureDetail { get; init; }
}

/// <summary>A candidate made of a function.</summary>
public sealed class DelegateCandidate(string name, string kind, Func<SuiteItem, CancellationToken, Task<CandidateAnswer>> answer) : ICandidate
{
    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <inheritdoc/>
    public string Kind { get; } = kind;

    /// <inheritdoc/>
    public Task<CandidateAnswer> AnswerAsync(SuiteItem item, CancellationToken cancellationToken) => answer(item, cancellationToken);
}
