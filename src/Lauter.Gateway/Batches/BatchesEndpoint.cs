using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Api;

namespace Lauter.Gateway.Batches;

/// <summary><c>/v1/batches</c>: many requests in a file, answered into a file, behind the callers that wait.</summary>
internal sealed class BatchesEndpoint(GatewayOptions options, RequestEdge edge, FileStore files, BatchStore batches, BatchRunner runner, TimeProvider time)
{
    /// <summary>Most lines of a batch, as OpenAI's.</summary>
    public const int MaximumLines = 50_000;

    public async Task<OpenAiError?> CreateAsync(EdgeRequest request)
    {
        var (body, bodyError) = await edge.ReadBodyAsync(request.Context);
        if (bodyError is not null)
        {
            return bodyError;
        }

        if (JsonMembers.Scan(body, options.MaximumDepth, out var fault) is not { } members)
        {
            return OpenAiError.BadRequest("invalid_json", fault!);
        }

        var endpoint = members.Text("endpoint");
        if (endpoint is not ("/v1/chat/completions" or "/v1/completions" or "/v1/embeddings"))
        {
            return OpenAiError.BadRequest("invalid_value", "'endpoint' must be /v1/chat/completions, /v1/completions or /v1/embeddings.", "endpoint");
        }

        if (members.Text("completion_window") is not "24h")
        {
            return OpenAiError.BadRequest("invalid_value", "'completion_window' must be 24h.", "completion_window");
        }

        if (files.Find(request.Key.Tenant, members.Text("input_file_id")) is not { Purpose: "batch" } file)
        {
            return new OpenAiError(404, "invalid_request_error", "file_not_found", "There is no such file with the purpose batch.", "input_file_id");
        }

        var batch = new StoredBatch
        {
            Id = "batch_" + request.Name, Tenant = request.Key.Tenant, KeyId = request.Key.Id, Endpoint = endpoint, InputFileId = file.Id, Status = "validating", Created = request.At,
            Expires = request.At.AddHours(24), Metadata = Metadata(members),
        };
        batches.Add(batch);
        runner.Wake();
        await InformationEndpoints.WriteAsync(request.Context, Json(batch));
        return null;
    }

    public async Task<OpenAiError?> ListAsync(EdgeRequest request)
    {
        await InformationEndpoints.WriteAsync(
            request.Context, new JsonObject { ["object"] = "list", ["data"] = new JsonArray([.. batches.List(request.Key.Tenant).Select(Json)]), ["has_more"] = false });
        return null;
    }

    public async Task<OpenAiError?> GetAsync(EdgeRequest request)
    {
        if (Find(request) is not { } batch)
        {
            return NotFound;
        }

        await InformationEndpoints.WriteAsync(request.Context, Json(batch));
        return null;
    }

    public async Task<OpenAiError?> CancelAsync(EdgeRequest request)
    {
        if (Find(request) is not { } batch)
        {
            return NotFound;
        }

        var changed = batches.Change(batch, b => b.Status == "validating" ? b with { Status = "cancelled", Ended = time.GetUtcNow() } : b with { Status = "cancelling" });
        runner.Wake();
        await InformationEndpoints.WriteAsync(request.Context, Json(changed ?? batch));
        return null;
    }

    private static OpenAiError NotFound { get; } = new(404, "invalid_request_error", "batch_not_found", "There is no such batch.", "batch_id");

    private StoredBatch? Find(EdgeRequest request) => batches.Find(request.Key.Tenant, request.Context.Request.RouteValues["id"] as string);

    private static Dictionary<string, string>? Metadata(JsonMembers members) =>
        members.Element("metadata") is { ValueKind: JsonValueKind.Object } map
            ? map.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.String).Take(16).GroupBy(m => m.Name, StringComparer.Ordinal).ToDictionary(m => m.Key, m => m.First().Value.ToString(), StringComparer.Ordinal)
            : null;

    private static JsonObject Json(StoredBatch batch) => new()
    {
        ["id"] = batch.Id, ["object"] = "batch", ["endpoint"] = batch.Endpoint, ["input_file_id"] = batch.InputFileId, ["completion_window"] = "24h", ["status"] = batch.Status,
        ["errors"] = batch.Error is null ? null : new JsonObject { ["object"] = "list", ["data"] = new JsonArray(new JsonObject { ["code"] = "invalid_batch", ["message"] = batch.Error, ["line"] = null, ["param"] = null }) },
        ["output_file_id"] = batch.OutputFileId, ["error_file_id"] = batch.ErrorFileId, ["created_at"] = batch.Created.ToUnixTimeSeconds(), ["expires_at"] = batch.Expires.ToUnixTimeSeconds(),
        ["in_progress_at"] = batch.Started?.ToUnixTimeSeconds(), ["completed_at"] = batch.Status == "completed" ? batch.Ended?.ToUnixTimeSeconds() : null,
        ["failed_at"] = batch.Status == "failed" ? batch.Ended?.ToUnixTimeSeconds() : null, ["cancelled_at"] = batch.Status == "cancelled" ? batch.Ended?.ToUnixTimeSeconds() : null,
        ["expired_at"] = batch.Status == "expired" ? batch.Ended?.ToUnixTimeSeconds() : null,
        ["request_counts"] = new JsonObject { ["total"] = batch.Total, ["completed"] = batch.Completed, ["failed"] = batch.Failed },
        ["metadata"] = batch.Metadata is null ? null : JsonSerializer.SerializeToNode(batch.Metadata),
    };
}
