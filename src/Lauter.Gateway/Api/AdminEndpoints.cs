using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Keys;
using Lauter.Gateway.Routing;
using Lauter.Ledger.Budgets;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Api;

/// <summary>
/// <c>/admin/v1</c>, for keys that may administer: keys (list, create, revoke, rotate), budgets with what is spent and reserved, targets with their
/// health. Every other key gets the same 403 whatever it asks.
/// </summary>
internal sealed class AdminEndpoints(GatewayOptions options, RequestEdge edge, ApiKeyStore keys, BudgetLeases leases, TargetHealth health)
{
    private static readonly string[] KeyMembers = ["name", "tenant", "applications", "expires", "requests_per_minute", "tokens_per_minute", "concurrent_requests", "admin"];

    private static OpenAiError NotAdmin { get; } = new(403, "invalid_request_error", "not_admin", "This key may not administer the gateway.");

    public async Task<OpenAiError?> ListKeysAsync(EdgeRequest request)
    {
        if (!request.Key.Admin)
        {
            return NotAdmin;
        }

        await InformationEndpoints.WriteAsync(request.Context, new JsonObject { ["object"] = "list", ["data"] = new JsonArray([.. keys.Keys.Select(Json)]) });
        return null;
    }

    public async Task<OpenAiError?> CreateKeyAsync(EdgeRequest request)
    {
        if (!request.Key.Admin)
        {
            return NotAdmin;
        }

        var (body, bodyError) = await edge.ReadBodyAsync(request.Context);
        if (bodyError is not null)
        {
            return bodyError;
        }

        if (JsonMembers.Scan(body, options.MaximumDepth, out var fault) is not { } members)
        {
            return OpenAiError.BadRequest("invalid_json", fault!);
        }

        if (members.Names.FirstOrDefault(n => !KeyMembers.Contains(n, StringComparer.Ordinal)) is { } unknown)
        {
            return OpenAiError.BadRequest("unknown_parameter", $"'{(unknown.Length > 64 ? unknown[..64] : unknown)}' is unknown; the members are {string.Join(", ", KeyMembers)}.");
        }

        if (members.Text("name") is not { Length: > 0 and <= 128 } name)
        {
            return OpenAiError.BadRequest("invalid_value", "'name' must be a text of 1 to 128 characters.", "name");
        }

        foreach (var limit in KeyMembers[4..7])
        {
            if (members.IsSet(limit) && members.Integer(limit) is not (>= 1 and <= int.MaxValue))
            {
                return OpenAiError.BadRequest("invalid_value", $"'{limit}' must be a whole number of at least 1.", limit);
            }
        }

        DateTimeOffset? expires = null;
        if (members.IsSet("expires"))
        {
            if (!DateTimeOffset.TryParse(members.Text("expires"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
            {
                return OpenAiError.BadRequest("invalid_value", "'expires' must be a date such as 2027-01-31.", "expires");
            }

            expires = at.ToUniversalTime();
        }

        string[]? applications = null;
        if (members.Element("applications") is { ValueKind: JsonValueKind.Array } list)
        {
            if (list.EnumerateArray().Any(a => a.ValueKind != JsonValueKind.String))
            {
                return OpenAiError.BadRequest("invalid_value", "'applications' must be an array of names.", "applications");
            }

            applications = [.. list.EnumerateArray().Select(a => a.ToString())];
        }

        var (key, stored) = keys.Create(
            name, members.Text("tenant") ?? "default", applications, expires, (int?)members.Integer("requests_per_minute"),
            k => k with
            {
                TokensPerMinute = (int?)members.Integer("tokens_per_minute"), ConcurrentRequests = (int?)members.Integer("concurrent_requests"), Admin = members.Flag("admin") == true,
            });
        await ShowAsync(request, key, stored);
        return null;
    }

    public async Task<OpenAiError?> RevokeKeyAsync(EdgeRequest request)
    {
        if (!request.Key.Admin)
        {
            return NotAdmin;
        }

        if (!keys.Revoke(IdOf(request)))
        {
            return NotFound;
        }

        await InformationEndpoints.WriteAsync(request.Context, new JsonObject { ["id"] = IdOf(request), ["object"] = "key", ["deleted"] = true });
        return null;
    }

    public async Task<OpenAiError?> RotateKeyAsync(EdgeRequest request)
    {
        if (!request.Key.Admin)
        {
            return NotAdmin;
        }

        var hours = request.Context.Request.Query["grace_hours"] is [{ Length: > 0 } text] ? text : "24";
        if (!double.TryParse(hours, CultureInfo.InvariantCulture, out var grace) || grace is not (>= 0 and <= 8_760))
        {
            return OpenAiError.BadRequest("invalid_value", "'grace_hours' must be a number from 0 to 8760.", "grace_hours");
        }

        if (keys.Rotate(IdOf(request), TimeSpan.FromHours(grace)) is not { } rotated)
        {
            return NotFound;
        }

        await ShowAsync(request, rotated.Key, rotated.Stored);
        return null;
    }

    public async Task<OpenAiError?> BudgetsAsync(EdgeRequest request)
    {
        if (!request.Key.Admin)
        {
            return NotAdmin;
        }

        await InformationEndpoints.WriteAsync(request.Context, new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. leases.Status().Select(s => new JsonObject
            {
                ["account"] = s.Budget.Account, ["window"] = s.Budget.Window.ToString().ToLowerInvariant(), ["window_start"] = s.WindowStart.ToString("o"), ["limit"] = s.Budget.Limit.ToString(),
                ["spent"] = s.Spent.ToString(), ["reserved"] = s.Reserved.ToString(), ["available"] = s.Available.ToString(), ["shadow"] = s.Budget.Shadow,
            })]),
        });
        return null;
    }

    public async Task<OpenAiError?> TargetsAsync(EdgeRequest request)
    {
        if (!request.Key.Admin)
        {
            return NotAdmin;
        }

        await InformationEndpoints.WriteAsync(request.Context, new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. health.Report().Select(t => new JsonObject
            {
                ["target"] = t.Target, ["cooling_down"] = t.Cooling, ["failures_in_a_row"] = t.Failures, ["first_byte_milliseconds"] = Math.Round(t.LatencyMilliseconds, 3),
            })]),
        });
        return null;
    }

    private static OpenAiError NotFound { get; } = new(404, "invalid_request_error", "key_not_found", "There is no such key.", "id");

    private static string IdOf(EdgeRequest request) => request.Context.Request.RouteValues["id"] as string ?? "";

    private static Task ShowAsync(EdgeRequest request, string key, ApiKey stored)
    {
        var json = Json(stored);
        json["key"] = key; // shown once: only its hash is kept
        return InformationEndpoints.WriteAsync(request.Context, json);
    }

    private static JsonObject Json(ApiKey key) => new()
    {
        ["id"] = key.Id, ["object"] = "key", ["name"] = key.Name, ["tenant"] = key.Tenant, ["applications"] = new JsonArray([.. key.Applications.Select(a => JsonValue.Create(a))]),
        ["created"] = key.Created.ToString("o"), ["expires"] = key.Expires?.ToString("o"), ["requests_per_minute"] = key.RequestsPerMinute,
        ["tokens_per_minute"] = key.TokensPerMinute, ["concurrent_requests"] = key.ConcurrentRequests, ["admin"] = key.Admin,
    };
}
