using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Api;

/// <summary><c>GET /v1/models</c>, <c>GET /metrics</c>, and every address under <c>/v1</c> that does not exist.</summary>
internal sealed class InformationEndpoints(ApplicationRegistry registry, GatewayMetrics metrics)
{
    public async Task<OpenAiError?> ListModelsAsync(EdgeRequest request)
    {
        JsonArray data = [];
        foreach (var model in Models(request))
        {
            data.Add(model);
        }

        await WriteAsync(request.Context, new JsonObject { ["object"] = "list", ["data"] = data });
        return null;
    }

    public async Task<OpenAiError?> GetModelAsync(EdgeRequest request)
    {
        var name = request.Context.Request.RouteValues["model"] as string;
        if (Models(request).FirstOrDefault(m => m["id"]!.GetValue<string>() == name) is not { } model)
        {
            return OpenAiError.Forbidden;
        }

        await WriteAsync(request.Context, model);
        return null;
    }

    public async Task<OpenAiError?> MetricsAsync(EdgeRequest request)
    {
        if (!request.Key.Allows("*"))
        {
            return OpenAiError.Forbidden;
        }

        request.Context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await request.Context.Response.WriteAsync(metrics.Render(), request.Context.RequestAborted);
        return null;
    }

    public Task<OpenAiError?> UnknownAsync(EdgeRequest request) => Task.FromResult<OpenAiError?>(new OpenAiError(
        404, "invalid_request_error", "unknown_url", $"There is no {request.Context.Request.Method} {request.Context.Request.Path}."));

    private IEnumerable<JsonObject> Models(EdgeRequest request) =>
        registry.Applications.Where(a => request.Key.Allows(a.Name)).Select(a => Model(a.Name, a.Created, a.Kind.ToString().ToLowerInvariant(), a.ReleaseId))
            .Concat(registry.Embedders.Where(e => request.Key.Allows(e.Name)).Select(e => Model(e.Name, DateTimeOffset.UnixEpoch, "embedder", null)));

    private static JsonObject Model(string name, DateTimeOffset created, string kind, string? release) => new()
    {
        ["id"] = name,
        ["object"] = "model",
        ["created"] = created.ToUnixTimeSeconds(),
        ["owned_by"] = "lauter",
        ["kind"] = kind,
        ["release"] = release,
    };

    internal static Task WriteAsync(HttpContext context, JsonObject body)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body.ToJsonString(JsonText.Options), context.RequestAborted);
    }
}
