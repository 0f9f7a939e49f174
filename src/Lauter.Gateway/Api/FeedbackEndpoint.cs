using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Settlement;
using Lauter.Traces;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Api;

/// <summary>
/// <c>POST /v1/feedback</c> with <c>trace_id</c> or <c>id</c> (the answer's <c>chatcmpl-…</c>) and at least one of <c>rating</c> (-1, 0, 1, "up",
/// "down"), <c>comment</c>, <c>correction</c>. A correction must satisfy the application's output schema: it becomes a label.
/// </summary>
internal sealed class FeedbackEndpoint(
    GatewayOptions options, RequestEdge edge, ApplicationRegistry registry, RecentTraces recent, TraceStore store, TraceJournal journal, TimeProvider time)
{
    private const int MaximumCommentLength = 10_000;

    public async Task<OpenAiError?> HandleAsync(EdgeRequest request)
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

        string[] known = ["trace_id", "id", "rating", "comment", "correction"];
        if (members.Names.FirstOrDefault(n => !known.Contains(n, StringComparer.Ordinal)) is { } unknown)
        {
            return OpenAiError.BadRequest("unknown_parameter", $"'{(unknown.Length > 64 ? unknown[..64] : unknown)}' is unknown; the members are {string.Join(", ", known)}.");
        }

        var name = members.Text("trace_id") ?? members.Text("id");
        name = name?.StartsWith("chatcmpl-", StringComparison.Ordinal) == true ? name[9..] : name;
        if (!Guid.TryParse(name, out var traceId))
        {
            return OpenAiError.BadRequest("invalid_value", "'trace_id' must be the id of an answer: its 'id' or the header x-lauter-trace-id.", "trace_id");
        }

        var (rating, ratingFault) = Rating(members);
        if (ratingFault is not null)
        {
            return OpenAiError.BadRequest("invalid_value", ratingFault, "rating");
        }

        if (members.IsSet("comment") && members.Text("comment") is not { Length: <= MaximumCommentLength })
        {
            return OpenAiError.BadRequest("invalid_value", $"'comment' must be a text of at most {MaximumCommentLength} characters.", "comment");
        }

        var correction = members.IsSet("correction") ? JsonNode.Parse(members.Raw("correction").Span) : null;
        if (rating is null && !members.IsSet("comment") && correction is null)
        {
            return OpenAiError.BadRequest("missing_required_parameter", "Give at least one of rating, comment, correction.");
        }

        // A trace of another tenant looks like one that does not exist.
        var trace = recent.Find(traceId) ?? (store.Find(traceId) is { } stored ? (stored.Tenant, stored.Application) : null);
        if (trace is not { } found || found.Tenant != request.Key.Tenant || !request.Key.Allows(found.Application))
        {
            return new OpenAiError(404, "invalid_request_error", "trace_not_found", $"There is no answer {traceId:N} that this key may comment on.", "trace_id");
        }

        if (correction is not null && Fault(registry.Find(found.Application), ref correction) is { } correctionFault)
        {
            return OpenAiError.BadRequest("invalid_correction", correctionFault, "correction");
        }

        var record = new FeedbackRecord
        {
            Id = request.Id,
            TraceId = traceId,
            At = time.GetUtcNow(),
            Tenant = request.Key.Tenant,
            KeyId = request.Key.Id,
            Rating = rating,
            Comment = members.Text("comment"),
            Correction = correction,
        };
        try
        {
            journal.Append(record);
        }
        catch (JournalUnavailableException e)
        {
            return new OpenAiError(503, "server_error", "journal_unavailable", e.Message) { RetryAfterSeconds = 5 };
        }

        request.Context.Response.ContentType = "application/json";
        await request.Context.Response.WriteAsync(
            new JsonObject { ["object"] = "feedback", ["id"] = record.Id.ToString("N"), ["trace_id"] = traceId.ToString("N") }.ToJsonString(), request.Context.RequestAborted);
        return null;
    }

    private static (int? Rating, string? Fault) Rating(JsonMembers members) =>
        !members.IsSet("rating") ? (null, null)
        : members.Integer("rating") is >= -1 and <= 1 and var number ? ((int)number, null)
        : members.Text("rating") switch
        {
            "up" => (1, null),
            "down" => (-1, null),
            _ => (null, "'rating' must be -1, 0, 1, \"up\" or \"down\"."),
        };

    private static string? Fault(LiveApplication? live, ref JsonNode? correction)
    {
        if (live?.Output is not { } schema)
        {
            return null;
        }

        if (correction is JsonValue value && value.GetValueKind() == JsonValueKind.String)
        {
            try
            {
                correction = JsonNode.Parse(value.GetValue<string>()); // the answer's content as the SDK gave it: JSON inside a text
            }
            catch (JsonException)
            {
                return $"The answers of '{live.Name}' are JSON; the correction is a text that is not.";
            }
        }

        return InputReader.Fault(schema, correction) is { } fault ? $"The correction does not match the output schema of '{live.Name}': {fault}" : null;
    }
}
