using System.Globalization;
using Lauter.Gateway.Api;

namespace Lauter.Gateway.Providers;

/// <summary>What a refusal of a provider means for the request.</summary>
internal enum FailureKind
{
    /// <summary>The request itself is wrong, everywhere.</summary>
    Caller,

    /// <summary>It may work later, or elsewhere.</summary>
    Passing,

    /// <summary>It may work elsewhere, but not here: key, unpaid bill, unknown model.</summary>
    Target,

    /// <summary>The text is too long for this model.</summary>
    ContextLength,

    /// <summary>The provider's content filter refused.</summary>
    ContentFilter,
}

/// <summary>A refusal of a provider: what it means, what the caller is told if nobody else answers, and how long the provider wants to be left alone.</summary>
internal sealed record ProviderFailure(FailureKind Kind, OpenAiError Error, TimeSpan? Wait = null)
{
    /// <summary>Reads the response of a provider that did not succeed. Faults of the project's own account there are not the caller's.</summary>
    public static async Task<ProviderFailure> ReadAsync(HttpResponseMessage response, ProviderTarget target, TimeProvider time, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var (message, code, type, param) = await ProviderErrors.ReadAsync(response, cancellationToken);
        var wait = WaitOf(response, time);
        if (IsContextLength(status, code, message))
        {
            return new(FailureKind.ContextLength, new OpenAiError(400, "invalid_request_error", "context_length_exceeded", message ?? "The text is too long for the model.", param ?? "messages"));
        }

        if (status is 400 or 403 && (code is "content_filter" or "content_policy_violation" || type is "content_filter"))
        {
            return new(FailureKind.ContentFilter, new OpenAiError(400, "invalid_request_error", "content_filter", message ?? $"The content filter of '{target.Name}' refused the request.", param));
        }

        if (status == 402 || code is "insufficient_quota" or "billing_hard_limit_reached" or "billing_not_active")
        {
            return new(FailureKind.Target, Fault("provider_unpaid", $"The provider '{target.Name}' wants to be paid first ({status}).") with { ShouldRetry = false }, wait ?? TimeSpan.FromMinutes(1));
        }

        return status switch
        {
            401 or 403 => new(FailureKind.Target, Fault("provider_refused", $"The provider '{target.Name}' refused the project's credentials ({status}).")),
            404 when code is "model_not_found" or null => new(FailureKind.Target, new OpenAiError(404, type ?? "invalid_request_error", code ?? "provider_error", message ?? $"The provider '{target.Name}' answered 404.", param)),
            429 => new(
                FailureKind.Passing,
                new OpenAiError(429, type ?? "requests", code ?? "rate_limit_exceeded", message ?? $"The provider '{target.Name}' is at its limit.")
                {
                    RetryAfterSeconds = wait is { } w ? (int)Math.Ceiling(w.TotalSeconds) : 1,
                },
                wait ?? TimeSpan.FromSeconds(1)),
            408 or 409 => new(FailureKind.Passing, Failed(target, status, wait)),
            >= 400 and < 500 => new(
                FailureKind.Caller, new OpenAiError(status, type ?? "invalid_request_error", code ?? "provider_error", message ?? $"The provider '{target.Name}' answered {status}.", param)),
            _ => new(FailureKind.Passing, Failed(target, status, wait), wait),
        };
    }

    /// <summary>The connection or the answer broke before its first byte.</summary>
    public static ProviderFailure Unreachable(ProviderTarget target) =>
        new(FailureKind.Passing, Fault("provider_unreachable", $"The connection to the provider '{target.Name}' failed."));

    /// <summary>Nothing came in time.</summary>
    public static ProviderFailure Timeout(ProviderTarget target, TimeSpan limit) =>
        new(FailureKind.Passing, new OpenAiError(504, "server_error", "timeout", $"The provider '{target.Name}' did not begin to answer within {limit.TotalSeconds:0.###} s."));

    public static OpenAiError Fault(string code, string message) => new(502, "server_error", code, message);

    // Retried already: the caller's SDK should not multiply that.
    private static OpenAiError Failed(ProviderTarget target, int status, TimeSpan? wait) =>
        Fault("provider_failed", $"The provider '{target.Name}' answered {status}.") with
        {
            RetryAfterSeconds = wait is { } w ? (int)Math.Ceiling(w.TotalSeconds) : null, ShouldRetry = false,
        };

    private static bool IsContextLength(int status, string? code, string? message) =>
        status is 400 or 413 or 422
        && (code is "context_length_exceeded" or "string_above_max_length"
            || (message is not null && (message.Contains("maximum context length", StringComparison.OrdinalIgnoreCase) || message.Contains("prompt is too long", StringComparison.OrdinalIgnoreCase)
                || message.Contains("context window", StringComparison.OrdinalIgnoreCase) || message.Contains("exceeds the available context size", StringComparison.OrdinalIgnoreCase))));

    private static TimeSpan? WaitOf(HttpResponseMessage response, TimeProvider time)
    {
        if (response.Headers.TryGetValues("retry-after-ms", out var values) && double.TryParse(values.FirstOrDefault(), CultureInfo.InvariantCulture, out var milliseconds) && milliseconds is >= 0 and < 86_400_000)
        {
            return TimeSpan.FromMilliseconds(milliseconds);
        }

        return response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => TimeSpan.FromTicks(Math.Max(0, (date - time.GetUtcNow()).Ticks)),
            _ => null,
        };
    }
}
