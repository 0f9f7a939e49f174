using System.Globalization;
using System.Text.RegularExpressions;
using Lauter.Catalog.Projects;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Limits;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;

namespace Lauter.Gateway.Configuration;

/// <summary>The gateway file is missing or holds faults; all of them are listed, each with its line and column.</summary>
public sealed class GatewayFileException(string path, IReadOnlyList<YamlFault> faults, bool missing = false)
    : Exception(missing
        ? $"There is no gateway file at {path}. 'docs/howto/add-a-provider.md' shows one."
        : $"{path} has {faults.Count} fault(s):{string.Concat(faults.Select(f => $"\n  {path}:{f}"))}")
{
    /// <summary>Every fault, in the order of the file.</summary>
    public IReadOnlyList<YamlFault> Faults { get; } = faults;

    /// <summary>True when there is no such file.</summary>
    public bool Missing { get; } = missing;
}

/// <summary>A gateway as its file describes it.</summary>
public sealed record GatewayDefinition
{
    /// <summary>Its name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>Address to listen on. Default http://127.0.0.1:5080.</summary>
    public required string Listen { get; init; }

    /// <summary>Options of the gateway: state, prices, budgets, limits.</summary>
    public required GatewayOptions Options { get; init; }

    /// <summary>What callers may name as <c>model</c>.</summary>
    public required IReadOnlyList<LiveApplication> Applications { get; init; }

    /// <summary>Names and GGUF files of models that callers may fine-tune. Default: none.</summary>
    public IReadOnlyDictionary<string, string> FineTuning { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>
/// Reads the file of <c>lauter gateway</c>: providers, guards, applications with their routes, tenants, keys' budgets, limits, cache, journal,
/// prices. Secrets are named by environment variable or file, never written in it. Every fault is reported at once.
/// </summary>
public static partial class GatewayFile
{
    private const int MaximumBytes = 1 << 20;

    /// <summary>Reads the file.</summary>
    /// <exception cref="GatewayFileException">It is missing, or has faults.</exception>
    public static GatewayDefinition Load(string path)
    {
        var full = Path.GetFullPath(path);
        if (!File.Exists(full))
        {
            throw new GatewayFileException(full, [], missing: true);
        }

        if (new FileInfo(full).Length > MaximumBytes)
        {
            throw new GatewayFileException(full, [new YamlFault(1, 1, "", $"the file is larger than {MaximumBytes} bytes.")]);
        }

        List<YamlFault> faults = [];
        var definition = Parse(File.ReadAllText(full), Path.GetDirectoryName(full)!, faults);
        return faults.Count == 0 && definition is not null ? definition : throw new GatewayFileException(full, [.. faults.OrderBy(f => f.Line).ThenBy(f => f.Column)]);
    }

    /// <summary>Parses the text of a gateway file; null or incomplete when <paramref name="faults"/> is not empty.</summary>
    /// <param name="text">The text.</param>
    /// <param name="directory">What paths in it are relative to.</param>
    /// <param name="faults">Receives the faults.</param>
    public static GatewayDefinition? Parse(string text, string directory, List<YamlFault> faults)
    {
        if (YamlMap.Parse(text, faults) is not { } root)
        {
            return null;
        }

        var name = root.Text("gateway", required: true) ?? "";
        if (name.Length > 0 && !NamePattern().IsMatch(name))
        {
            root.Fault("gateway", $"'{name}' must be letters, digits, hyphens, dots and underscores, at most 64.");
        }

        var reader = new GatewayParts(directory);
        var providers = root.Entries("providers").ToDictionary(e => e.Name, e => reader.Provider(e.Name, e.Map), StringComparer.Ordinal);
        var guards = root.Entries("guards").ToDictionary(e => e.Name, e => reader.Guard(e.Name, e.Map), StringComparer.Ordinal);
        List<Budget> budgets = [];
        List<LiveApplication> applications = [];
        foreach (var (application, map) in root.Entries("applications"))
        {
            budgets.AddRange(Budgets($"application:{application}", map));
            if (reader.Application(application, map, providers, guards) is { } live)
            {
                applications.Add(live);
            }
        }

        Dictionary<string, string> fineTuning = new(StringComparer.Ordinal);
        foreach (var (model, map) in root.Entries("fine_tuning"))
        {
            fineTuning[model] = Path.GetFullPath(map.Text("file", required: true) ?? "", directory);
            if (map.Has("file") && !File.Exists(fineTuning[model]))
            {
                map.Fault("file", $"the model {fineTuning[model]} was not found.");
            }

            map.Finish();
        }

        if (applications.Count == 0 && fineTuning.Count == 0 && faults.Count == 0)
        {
            root.Fault("applications", "is missing or empty: name at least one application that callers can use as their 'model'.");
        }

        Dictionary<string, TenantLimits> tenants = new(StringComparer.Ordinal);
        foreach (var (tenant, map) in root.Entries("tenants"))
        {
            budgets.AddRange(Budgets($"tenant:{tenant}", map));
            tenants[tenant] = new TenantLimits
            {
                RequestsPerMinute = map.Integer("requests_per_minute", 1, 10_000_000),
                TokensPerMinute = map.Integer("tokens_per_minute", 1, int.MaxValue),
                ConcurrentRequests = map.Integer("concurrent_requests", 1, 1_000_000),
            };
            map.Finish();
        }

        foreach (var (key, map) in root.Entries("keys"))
        {
            budgets.AddRange(Budgets($"key:{key}", map));
            map.Finish();
        }

        var prices = Prices(root, budgets);
        var options = Limits(root.Map("limits"), new GatewayOptions
        {
            StateDirectory = Path.GetFullPath(root.Text("state") ?? ".gateway", directory), Prices = prices, Budgets = budgets, Tenants = tenants,
        });
        options = Journal(root.Map("journal"), Cache(root.Map("cache"), options));
        var listen = root.Text("listen") ?? "http://127.0.0.1:5080";
        if (!Uri.TryCreate(listen, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            root.Fault("listen", $"'{listen}' is not an address such as http://127.0.0.1:5080.");
        }

        root.Finish();
        return new GatewayDefinition { Name = name, Listen = listen, Options = options, Applications = applications, FineTuning = fineTuning };
    }

    private static IReadOnlyList<Budget> Budgets(string account, YamlMap map)
    {
        if (map.Json("budget") is not { } section)
        {
            return [];
        }

        List<string> faults = [];
        var budgets = Budget.Read(account, "budget", section, faults);
        foreach (var fault in faults)
        {
            map.Fault("budget", fault);
        }

        return budgets;
    }

    private static PriceBook Prices(YamlMap root, List<Budget> budgets)
    {
        var result = PriceBook.FromJson(root.Json("prices"), budgets.Count > 0 ? budgets[0].Limit.Currency : "CNY");
        foreach (var fault in result.Faults)
        {
            root.Fault("prices", fault);
        }

        return result.Book ?? PriceBook.Default;
    }

    private static GatewayOptions Limits(YamlMap? map, GatewayOptions options)
    {
        if (map is null)
        {
            return options;
        }

        var read = options with
        {
            MaximumBodyBytes = map.Integer("body_bytes", 1_024, 256 * 1024 * 1024) ?? options.MaximumBodyBytes,
            MaximumDepth = map.Integer("depth", 4, 512) ?? options.MaximumDepth,
            MaximumMessages = map.Integer("messages", 1, 100_000) ?? options.MaximumMessages,
            MaximumChoices = map.Integer("choices", 1, 128) ?? options.MaximumChoices,
            MaximumEmbeddingInputs = map.Integer("embedding_inputs", 1, 100_000) ?? options.MaximumEmbeddingInputs,
            MaximumConcurrentRequests = map.Integer("concurrent_requests", 1, 1_000_000) ?? options.MaximumConcurrentRequests,
            ProviderTimeout = Seconds(map, "provider_seconds") ?? options.ProviderTimeout,
            MaximumAnswerBytes = map.Integer("answer_bytes", 1_024, 256 * 1024 * 1024) ?? options.MaximumAnswerBytes,
        };
        map.Finish();
        return read;
    }

    private static GatewayOptions Cache(YamlMap? map, GatewayOptions options)
    {
        if (map is null)
        {
            return options;
        }

        var read = options with
        {
            CacheBytes = (map.Integer("mebibytes", 1, 1_048_576) ?? 64) * 1024L * 1024,
            CacheLifetime = TimeSpan.FromMinutes(map.Number("minutes", 0.01, 525_600) ?? 60),
        };
        map.Finish();
        return read;
    }

    private static GatewayOptions Journal(YamlMap? map, GatewayOptions options)
    {
        if (map is null)
        {
            return options;
        }

        var read = options with
        {
            Durability = map.Choice("durability", ["group", "always"]) == "always" ? JournalDurability.Always : JournalDurability.Group,
            KeepTexts = map.Flag("keep_texts") ?? true,
            Retention = map.Number("retention_days", 0.01, 36_500) is { } days ? TimeSpan.FromDays(days) : null,
        };
        map.Finish();
        return read;
    }

    internal static TimeSpan? Seconds(YamlMap map, string key) => map.Number(key, 0.001, 86_400) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    internal static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
