using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Gateway.Keys;
using Lauter.Hosting;

namespace Lauter.Commands;

/// <summary><c>lauter key create|list|revoke|rotate</c>: API keys of a project or of a gateway file. A running server sees a change within a second.</summary>
internal static class KeyCommand
{
    public static Command Create() => new("key", "Create, list, revoke and rotate API keys.") { CreateKey(), List(), Revoke(), Rotate() };

    private static Command CreateKey()
    {
        var name = new Argument<string>("name") { Description = "What people call it." };
        var place = In();
        var tenant = new Option<string>("--tenant") { Description = "Whose data it reaches.", DefaultValueFactory = _ => "default" };
        var applications = new Option<string[]>("--application") { Description = "An application it may use; give it again for more. Default: all.", AllowMultipleArgumentsPerToken = true };
        var expires = new Option<string?>("--expires") { Description = "A date (2027-01-31) or a number of days (90d) after which it is refused." };
        var requests = new Option<int?>("--requests-per-minute") { Description = "Most requests a minute." };
        var tokens = new Option<int?>("--tokens-per-minute") { Description = "Most tokens a minute, prompt and answer together." };
        var concurrent = new Option<int?>("--concurrent-requests") { Description = "Most requests at the same time." };
        var admin = new Option<bool>("--admin") { Description = "It may administer the gateway through /admin/v1." };
        var format = Arguments.Format();
        var command = new Command("create", "Create a key. It is shown once; only its hash is stored.") { name, place, tenant, applications, expires, requests, tokens, concurrent, admin, format };
        command.SetAction(result =>
        {
            foreach (var (option, value) in new[] { ("--requests-per-minute", result.GetValue(requests)), ("--tokens-per-minute", result.GetValue(tokens)), ("--concurrent-requests", result.GetValue(concurrent)) })
            {
                if (value < 1)
                {
                    throw new CommandException(ExitCodes.Usage, $"{option} is {value}; it must be at least 1.");
                }
            }

            var (key, stored) = Open(result.GetValue(place)!).Create(
                result.GetValue(name)!, result.GetValue(tenant)!, result.GetValue(applications) is { Length: > 0 } chosen ? chosen : null, Expiry(result.GetValue(expires)), result.GetValue(requests),
                k => k with { TokensPerMinute = result.GetValue(tokens), ConcurrentRequests = result.GetValue(concurrent), Admin = result.GetValue(admin) });
            Show(key, stored, result.GetValue(format));
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command List()
    {
        var place = In();
        var format = Arguments.Format();
        var command = new Command("list", "List the keys, without the keys themselves.") { place, format };
        command.SetAction(result =>
        {
            var keys = Open(result.GetValue(place)!).Keys;
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonArray([.. keys.Select(Json)]));
                return ExitCodes.Success;
            }

            foreach (var key in keys)
            {
                var limits = string.Join(", ", new[]
                {
                    key.RequestsPerMinute is { } r ? $"{r} requests/min" : null, key.TokensPerMinute is { } t ? $"{t} tokens/min" : null,
                    key.ConcurrentRequests is { } c ? $"{c} at once" : null, key.Admin ? "admin" : null,
                }.OfType<string>());
                System.Console.WriteLine($"{key.Id}  {key.Name}  tenant {key.Tenant}  {string.Join(",", key.Applications)}  {(key.Expires is { } e ? $"until {e:yyyy-MM-dd HH:mm}Z" : "no end")}  {limits}".TrimEnd());
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Revoke()
    {
        var id = new Argument<string>("id") { Description = "The key's id, as 'lauter key list' shows it." };
        var place = In();
        var command = new Command("revoke", "Remove a key; a running server refuses it within a second.") { id, place };
        command.SetAction(result =>
        {
            if (!Open(result.GetValue(place)!).Revoke(result.GetValue(id)!))
            {
                throw Unknown(result.GetValue(id)!);
            }

            System.Console.Error.WriteLine($"  {result.GetValue(id)} is revoked");
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Rotate()
    {
        var id = new Argument<string>("id") { Description = "The key's id, as 'lauter key list' shows it." };
        var place = In();
        var grace = new Option<double>("--grace-hours") { Description = "How long the old key goes on.", DefaultValueFactory = _ => 24 };
        var format = Arguments.Format();
        var command = new Command("rotate", "Replace a key by a new one with the same rights.") { id, place, grace, format };
        command.SetAction(result =>
        {
            if (result.GetValue(grace) is < 0 or > 24 * 365)
            {
                throw new CommandException(ExitCodes.Usage, $"--grace-hours is {result.GetValue(grace)}; it must be from 0 to 8760.");
            }

            var (key, stored) = Open(result.GetValue(place)!).Rotate(result.GetValue(id)!, TimeSpan.FromHours(result.GetValue(grace))) ?? throw Unknown(result.GetValue(id)!);
            Show(key, stored, result.GetValue(format));
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The keys of a gateway file, or of the project in a directory.</summary>
    public static ApiKeyStore Open(string place) => new(Path.Combine(StateOf(place), "keys.json"), TimeProvider.System);

    /// <summary>The state directory of a gateway file, or of the project in a directory.</summary>
    public static string StateOf(string place)
    {
        var file = File.Exists(place) ? place : Path.Combine(place, "GATEWAY.yaml");
        return File.Exists(file) ? GatewayCommand.Load(file).Options.StateDirectory : Workspace.Open(place).State;
    }

    private static Option<string> In() => new("--in") { Description = "A gateway file, or the directory of one (GATEWAY.yaml) or of a project (lauter.yaml).", DefaultValueFactory = _ => "." };

    private static CommandException Unknown(string id) => new(ExitCodes.InputMissing, $"there is no key '{id}'. 'lauter key list' shows the keys.");

    private static DateTimeOffset? Expiry(string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (text.EndsWith('d') && double.TryParse(text.AsSpan(0, text.Length - 1), CultureInfo.InvariantCulture, out var days) && days is > 0 and <= 36_500)
        {
            return TimeProvider.System.GetUtcNow().AddDays(days);
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at.ToUniversalTime()
            : throw new CommandException(ExitCodes.Usage, $"--expires '{text}' is neither a date such as 2027-01-31 nor a number of days such as 90d.");
    }

    private static void Show(string key, ApiKey stored, string? format)
    {
        if (format == "json")
        {
            var json = Json(stored);
            json["key"] = key;
            Arguments.WriteJson(json);
            return;
        }

        System.Console.Error.WriteLine($"  {stored.Id} ({stored.Name}), shown once:");
        System.Console.Out.WriteLine(key);
    }

    private static JsonObject Json(ApiKey key) => new()
    {
        ["id"] = key.Id, ["name"] = key.Name, ["tenant"] = key.Tenant, ["applications"] = new JsonArray([.. key.Applications.Select(a => JsonValue.Create(a))]),
        ["created"] = key.Created.ToString("o"), ["expires"] = key.Expires?.ToString("o"), ["requests_per_minute"] = key.RequestsPerMinute,
        ["tokens_per_minute"] = key.TokensPerMinute, ["concurrent_requests"] = key.ConcurrentRequests, ["admin"] = key.Admin,
    };
}
