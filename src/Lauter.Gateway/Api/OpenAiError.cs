using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Api;

/// <summary>An error in the shape that OpenAI's SDKs read: <c>{"error":{"message","type","param","code"}}</c>.</summary>
internal sealed record OpenAiError(int Status, string Type, string Code, string Message, string? Param = null)
{
    /// <summary>Seconds after which a retry makes sense; null = none is said.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>What the header <c>x-should-retry</c> says; null = the SDK decides by the status.</summary>
    public bool? ShouldRetry { get; init; }

    public static OpenAiError BadRequest(string code, string message, string? param = null) => new(400, "invalid_request_error", code, message, param);

    public static OpenAiError Unauthorized { get; } = new(
        401, "invalid_request_error", "invalid_api_key", "A valid API key is needed: send it as 'Authorization: Bearer lk-…'.");

    public static OpenAiError Forbidden { get; } = new(
        403, "invalid_request_error", "model_not_allowed", "This key may not use that model, or there is no such model. GET /v1/models lists what it may use.", "model");

    /// <summary>A limit on rates or concurrency stands in the way.</summary>
    public static OpenAiError TooFast(Lauter.Ledger.Budgets.RateRefusal refusal) => new(
        429, refusal.Kind == Lauter.Ledger.Budgets.RateKind.Tokens ? "tokens" : "requests",
        refusal.Kind == Lauter.Ledger.Budgets.RateKind.Concurrency ? "slow_down" : "rate_limit_exceeded", refusal.ToString())
    {
        RetryAfterSeconds = refusal.RetryAfter is { } wait ? Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)) : null,
        ShouldRetry = refusal.RetryAfter is null ? false : null,
    };

    public JsonObject ToJson() => new()
    {
        ["error"] = new JsonObject { ["message"] = Message, ["type"] = Type, ["param"] = Param, ["code"] = Code },
    };

    public async Task WriteAsync(HttpContext context, Func<OpenAiError, JsonObject>? shape = null)
    {
        context.Response.StatusCode = Status;
        context.Response.ContentType = "application/json";
        if (RetryAfterSeconds is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString();
        }

        if (ShouldRetry is { } retry)
        {
            context.Response.Headers["x-should-retry"] = retry ? "true" : "false";
        }

        await context.Response.WriteAsync((shape?.Invoke(this) ?? ToJson()).ToJsonString(JsonText.Options), context.RequestAborted);
    }
}
