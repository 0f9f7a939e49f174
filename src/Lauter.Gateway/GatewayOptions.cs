using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;

namespace Lauter.Gateway;

/// <summary>Settings of the gateway. Limits hold at the edge, before anything is parsed deeper or spent.</summary>
public sealed record GatewayOptions
{
    /// <summary>The project's state, by custom <c>.lauter</c>: <c>keys.json</c>, <c>ledger.db</c>, <c>traces.db</c>, <c>journal/</c>.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Prices of providers and of the machine. Default: only the built-in assumption for the machine.</summary>
    public PriceBook Prices { get; init; } = PriceBook.Default;

    /// <summary>Limits on accounts <c>application:NAME</c>, <c>key:ID</c> and <c>tenant:NAME</c>. Default: none.</summary>
    public IReadOnlyList<Budget> Budgets { get; init; } = [];

    /// <summary>When a trace must be on the disk. Default: within 50 ms.</summary>
    public JournalDurability Durability { get; init; } = JournalDurability.Group;

    /// <summary>Least free bytes on the disk; below it requests get 503. Default 32 MiB.</summary>
    public long MinimumFreeBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>How long traces are kept. Null (default) = for ever.</summary>
    public TimeSpan? Retention { get; init; }

    /// <summary>Keep the text of requests and answers in traces. Corrections need it. Default true.</summary>
    public bool KeepTexts { get; init; } = true;

    /// <summary>Largest request body in bytes. Default 4 MiB.</summary>
    public int MaximumBodyBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Deepest nesting of a request body. Default 64.</summary>
    public int MaximumDepth { get; init; } = 64;

    /// <summary>Most messages of one chat. Default 512.</summary>
    public int MaximumMessages { get; init; } = 512;

    /// <summary>Most inputs of one embeddings request. Default 2,048, as OpenAI's.</summary>
    public int MaximumEmbeddingInputs { get; init; } = 2_048;

    /// <summary>Most answers (<c>n</c>) that one request may ask of a provider. Default 8.</summary>
    public int MaximumChoices { get; init; } = 8;

    /// <summary>Requests served at the same time; more get 429 with Retry-After. Default 1,024.</summary>
    public int MaximumConcurrentRequests { get; init; } = 1_024;

    /// <summary>Longest time of a request to a local application. Default 60 s. It bounds what such a request can cost.</summary>
    public TimeSpan LocalTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest time of a request to a provider. Default 10 min.</summary>
    public TimeSpan ProviderTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Largest complete answer of a provider in bytes. Default 16 MiB.</summary>
    public int MaximumAnswerBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Memory that kept answers may use. Default 64 MiB.</summary>
    public long CacheBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>How long an answer is given again. Default 1 h.</summary>
    public TimeSpan CacheLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Limits of whole tenants, by name. Default: none.</summary>
    public IReadOnlyDictionary<string, Limits.TenantLimits> Tenants { get; init; } = new Dictionary<string, Limits.TenantLimits>(StringComparer.Ordinal);

    /// <summary>How often the journal is moved into the store. Default 1 s.</summary>
    public TimeSpan DrainInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often idle time of engines is posted. Default 1 min.</summary>
    public TimeSpan IdleInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The file of the keys.</summary>
    public string KeysPath => Path.Combine(StateDirectory, "keys.json");

    /// <summary>The file of the ledger.</summary>
    public string LedgerPath => Path.Combine(StateDirectory, "ledger.db");

    /// <summary>The file of the traces.</summary>
    public string TracesPath => Path.Combine(StateDirectory, "traces.db");

    /// <summary>The directory of the journal.</summary>
    public string JournalDirectory => Path.Combine(StateDirectory, "journal");
}
