using System.Text.Json;
using Json.Schema;
using Lauter.Catalog.Projects;
using Lauter.Data.Redaction;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Caches;
using Lauter.Gateway.Guards;
using Lauter.Gateway.Providers;
using Lauter.Gateway.Routing;

namespace Lauter.Gateway.Configuration;

/// <summary>Reads providers, guards and applications of a gateway file.</summary>
internal sealed class GatewayParts(string directory)
{
    /// <summary>Connections are shared by all targets of a gateway; they are kept apart by address.</summary>
    private readonly HttpClient _client = ProviderTarget.CreateClient();

    public ProviderTarget? Provider(string name, YamlMap map)
    {
        var url = map.Text("url", required: true);
        Uri? address = null;
        if (url is not null && (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out address) || address.Scheme is not ("http" or "https")))
        {
            map.Fault("url", $"'{url}' is not an address such as https://llm.example.com/v1.");
            address = null;
        }

        if (address is { Query.Length: > 1 } || address is { UserInfo.Length: > 0 })
        {
            map.Fault("url", "must hold neither a query nor a password: name the key under 'key'.");
        }

        var wire = map.Choice("wire", ["openai", "azure", "anthropic"]);
        var version = map.Text("api_version");
        var target = address is null ? null : new ProviderTarget
        {
            Name = name,
            BaseAddress = address,
            Model = "",
            Client = _client,
            ApiKey = Secret(map),
            Wire = wire switch { "azure" => ProviderWire.Azure, "anthropic" => ProviderWire.Anthropic, _ => ProviderWire.OpenAi },
            Query = version is null ? null : $"?api-version={Uri.EscapeDataString(version)}",
            MaximumTokensMember = map.Choice("limit_member", ["max_tokens", "max_completion_tokens"]) ?? "max_tokens",
            SupportsStreamUsage = map.Flag("stream_usage") ?? true,
            Drops = map.Texts("drops"),
        };
        map.Finish();
        return target;
    }

    public Guard? Guard(string name, YamlMap map)
    {
        var kind = map.Choice("kind", ["personal_data", "words", "injection", "schema"], required: true);
        var action = map.Choice("action", ["log", "mask", "block"]) switch { "mask" => GuardAction.Mask, "block" => GuardAction.Block, _ => GuardAction.Log };
        var at = map.Texts("at");
        foreach (var wrong in at.Where(a => a is not ("request" or "answer")))
        {
            map.Fault("at", $"'{wrong}' is not known.{NearestName.Suggest(wrong, ["request", "answer"])}");
        }

        var (requests, answers) = at.Count == 0 ? (true, false) : (at.Contains("request"), at.Contains("answer"));
        Guard? guard = kind switch
        {
            "personal_data" => new PersonalDataGuard(name, action, requests, answers, Kinds(map), map.Flag("restore") ?? action == GuardAction.Mask),
            "words" => Words(map) is { } bank ? new WordGuard(name, action, requests, answers, bank) : null,
            "injection" => new InjectionGuard(name, action, map.Number("threshold", 0.1, 10) ?? 1),
            "schema" => Schema(map) is { } schema ? new SchemaGuard(name, map.Has("action") ? action : GuardAction.Block, schema, map.Flag("repair") ?? true) : null,
            _ => null,
        };
        map.Finish();
        return guard;
    }

    private static SemanticPolicy? Semantic(YamlMap map, string? cache)
    {
        var section = map.Map("semantic");
        if (cache != "semantic")
        {
            section?.Finish();
            if (section is not null)
            {
                map.Fault("semantic", "has no effect without 'cache: semantic'.");
            }

            return null;
        }

        if (section is null)
        {
            map.Fault("semantic", "is missing: 'cache: semantic' needs semantic: { embeddings: NAME }, an application that gives vectors.");
            return null;
        }

        var policy = section.Text("embeddings", required: true) is { } name
            ? new SemanticPolicy(name) { FalseHits = section.Number("false_hits", 0.0001, 0.5) ?? 0.02, Checks = section.Number("checks", 0.001, 1) ?? 0.1 }
            : null;
        section.Finish();
        return policy;
    }

    public LiveApplication? Application(string name, YamlMap map, Dictionary<string, ProviderTarget?> providers, Dictionary<string, Guard?> guards)
    {
        var entries = map.Maps("models", required: true).Select(m => Entry(m, providers)).ToList();
        var longer = map.Map("longer_context") is { } l ? Target(l, providers, finish: true) : null;
        var filtered = map.Map("when_filtered") is { } f ? Target(f, providers, finish: true) : null;
        var mirror = map.Map("mirror");
        var share = mirror?.Number("share", 0, 1) ?? 1;
        var mirrored = mirror is null ? null : Target(mirror, providers, finish: true);
        var cascade = map.Map("cascade");
        var threshold = cascade?.Number("threshold", 0, 1);
        if (cascade is not null && threshold is null)
        {
            cascade.Fault("threshold", "is missing: the mean token probability from which the first model's answer is kept, 0 to 1.");
        }

        cascade?.Finish();
        List<Guard> used = [];
        foreach (var guard in map.Texts("guards"))
        {
            if (guards.TryGetValue(guard, out var known))
            {
                used.AddRange(known is null ? [] : [known]);
            }
            else
            {
                map.Fault("guards", $"there is no guard '{guard}'.{NearestName.Suggest(guard, guards.Keys)}");
            }
        }

        var choose = map.Choice("choose", ["weight", "latency", "cost"]);
        var cache = map.Choice("cache", ["off", "exact", "always", "semantic"]);
        var semantic = Semantic(map, cache);
        var output = File(map, "output");
        var route = new ProviderRoute
        {
            Entries = [.. entries.OfType<RouteEntry>()],
            Choose = choose switch { "latency" => RouteChoice.Latency, "cost" => RouteChoice.Cost, _ => RouteChoice.Weight },
            LongerContext = longer,
            WhenFiltered = filtered,
            Mirror = mirrored is null ? null : new RouteMirror(mirrored, share),
            Cascade = threshold is { } t ? new RouteCascade(t) : null,
            FirstByteTimeout = GatewayFile.Seconds(map, "first_byte_seconds") ?? TimeSpan.FromSeconds(120),
            EventTimeout = GatewayFile.Seconds(map, "event_seconds") ?? TimeSpan.FromSeconds(60),
        };
        if (route.Cascade is not null && route.Entries.Select(e => e.Rank).Distinct().Count() < 2)
        {
            map.Fault("cascade", "needs models of two ranks: give the larger one 'rank: 2'.");
        }

        var live = new LiveApplication
        {
            Name = name,
            Kind = ApplicationKind.Provider,
            Route = route,
            MaximumOutputTokens = map.Integer("max_tokens", 1, 10_000_000) ?? 4_096,
            Guards = used,
            Cache = cache switch { "exact" => CachePolicy.Exact, "always" => CachePolicy.Always, "semantic" => CachePolicy.Semantic, _ => CachePolicy.Off },
            Semantic = semantic,
            OutputSchema = output,
        };
        map.Finish();
        if (route.Entries.Count == 0)
        {
            return null;
        }

        try
        {
            live.Compile();
            return live;
        }
        catch (ArgumentException e)
        {
            map.Fault("", e.Message);
            return null;
        }
    }

    private RouteEntry? Entry(YamlMap map, Dictionary<string, ProviderTarget?> providers)
    {
        var (rank, weight) = (map.Integer("rank", 1, 100) ?? 1, map.Number("weight", 0.000_001, 1_000_000) ?? 1);
        RouteCondition? condition = null;
        if (map.Map("when") is { } when)
        {
            condition = new RouteCondition(
                when.Integer("input_tokens_from", 0, int.MaxValue), when.Integer("input_tokens_to", 0, int.MaxValue), when.Flag("stream"), when.Flag("tools"),
                when.Has("tenants") ? when.Texts("tenants") : null);
            when.Finish();
        }

        return Target(map, providers, finish: true) is { } target ? new RouteEntry(target, rank, weight, condition) : null;
    }

    private static ProviderTarget? Target(YamlMap map, Dictionary<string, ProviderTarget?> providers, bool finish)
    {
        var provider = map.Reference("provider", "provider", providers.Keys, required: true);
        var model = map.Text("model", required: true);
        var sku = map.Text("sku");
        if (finish)
        {
            map.Finish();
        }

        return provider is not null && model is not null && providers.GetValueOrDefault(provider) is { } known ? known with { Model = model, Sku = sku } : null;
    }

    private string? Secret(YamlMap map)
    {
        if (!map.Has("key"))
        {
            return null;
        }

        if (map.Map("key") is not { } key)
        {
            return null;
        }

        var (variable, file) = (key.Text("env"), key.Text("file"));
        key.Finish();
        if ((variable is null) == (file is null))
        {
            key.Fault("", "name exactly one of 'env' (an environment variable) and 'file'; a key is never written into this file.");
            return null;
        }

        if (variable is not null)
        {
            var value = Environment.GetEnvironmentVariable(variable)?.Trim();
            if (string.IsNullOrEmpty(value))
            {
                key.Fault("env", $"the environment variable '{variable}' is not set.");
            }

            return value;
        }

        var path = Path.GetFullPath(file!, directory);
        try
        {
            return System.IO.File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            key.Fault("file", $"{path} cannot be read: {e.Message}");
            return null;
        }
    }

    private static HashSet<PersonalDataKind> Kinds(YamlMap map)
    {
        var named = map.Texts("kinds");
        if (named.Count == 0)
        {
            return [.. PersonalData.AllKinds];
        }

        var known = PersonalData.AllKinds.ToDictionary(PersonalData.NameOf, k => k, StringComparer.Ordinal);
        foreach (var wrong in named.Where(n => !known.ContainsKey(n)))
        {
            map.Fault("kinds", $"'{wrong}' is not known.{NearestName.Suggest(wrong, known.Keys)}");
        }

        return [.. named.Where(known.ContainsKey).Select(n => known[n])];
    }

    private WordBank? Words(YamlMap map)
    {
        try
        {
            var words = map.Texts("words");
            var lines = File(map, "file") is { } text ? text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#') : [];
            var bank = new WordBank([.. words, .. lines]);
            if (bank.Count == 0)
            {
                map.Fault("", "needs words: list them under 'words', or name a 'file' with one a line.");
            }

            return bank;
        }
        catch (ArgumentException e)
        {
            map.Fault("file", e.Message);
            return null;
        }
    }

    private JsonSchema? Schema(YamlMap map)
    {
        if (File(map, "file") is not { } text)
        {
            if (!map.Has("file"))
            {
                map.Fault("file", "is missing: a JSON Schema.");
            }

            return null;
        }

        try
        {
            return JsonSchema.FromText(text, new BuildOptions { SchemaRegistry = new SchemaRegistry() });
        }
        catch (Exception e) when (e is JsonException or JsonSchemaException or ArgumentException or InvalidOperationException)
        {
            map.Fault("file", $"is not a JSON Schema: {e.Message}");
            return null;
        }
    }

    private string? File(YamlMap map, string key)
    {
        if (map.Text(key) is not { } name)
        {
            return null;
        }

        var path = Path.GetFullPath(name, directory);
        try
        {
            return System.IO.File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            map.Fault(key, $"{path} cannot be read: {e.Message}");
            return null;
        }
    }
}
