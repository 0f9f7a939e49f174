namespace Lauter.Inference.Engine;

/// <summary>How an engine serves one model. Everything but the model has a default that suits the machine.</summary>
public sealed record EngineOptions
{
    /// <summary>Parameters below which one thread is the fastest.</summary>
    public const long SmallModelParameters = 20_000_000;

    /// <summary>The GGUF file.</summary>
    public required string ModelPath { get; init; }

    /// <summary>The name answered by <c>/v1/models</c> and in every response. Default: the file's name without its ending.</summary>
    public string? ModelId { get; init; }

    /// <summary>Unix socket to listen on, at most 107 bytes of UTF-8; null for none.</summary>
    public string? SocketPath { get; init; }

    /// <summary>TCP address to listen on, as <c>IP:PORT</c> or <c>http://IP:PORT</c>, <c>localhost</c> also; null for none. The engine asks for no key.</summary>
    public string? ListenAddress { get; init; }

    /// <summary>Cells (tokens) of the key-value cache shared by all sequences. Default: eight full sequences, but at most 256 MiB of cache.</summary>
    public int? CacheCells { get; init; }

    /// <summary>
    /// Sequences that are worked on at once, 1–254. Default 32: a step of 32 tokens takes far less than 32 times a step of one. More requests
    /// wait in the queue.
    /// </summary>
    public int Sequences { get; init; } = 32;

    /// <summary>LoRA adapters in GGUF to load at the start: the name that requests ask for as their model, and the file.</summary>
    public IReadOnlyDictionary<string, string> Adapters { get; init; } = new Dictionary<string, string>();

    /// <summary>Directory from which callers may have adapters loaded while the engine runs; null for none, then they can be neither loaded nor dropped.</summary>
    public string? AdapterDirectory { get; init; }

    /// <summary>Whether prompts that begin like an earlier one of the same tenant take its work over. Default true; never in deterministic mode.</summary>
    public bool Reuse { get; init; } = true;

    /// <summary>Share of the cells in which one tenant's prefixes may lie, above 0 to 1. Default 0.5.</summary>
    public double TenantShare { get; init; } = 0.5;

    /// <summary>
    /// Memory for prefixes that had to leave the key-value cache, MiB, 0–1,048,576; 0 forgets them. Their cells are copied back instead of computed again.
    /// One tenant may have the same share of it as of the cells. Default: twice what the cells take, at most 256; it is taken only when prefixes leave.
    /// </summary>
    public int? HostCacheMebibytes { get; init; }

    /// <summary>
    /// Most tokens to guess ahead from text that stands earlier in the same request, 0–8; 0, the default, guesses nothing. Guesses are made only while they are
    /// measured to pay, and change no answer: the model's own choice decides. For answers that quote their prompt. Never in deterministic mode.
    /// </summary>
    public int Speculation { get; init; }

    /// <summary>Requests that may wait before new ones are refused with 429, 0–100,000. Default 256.</summary>
    public int Queue { get; init; } = 256;

    /// <summary>Prompt tokens in one step at most, 16–8,192. Default 512.</summary>
    public int BatchTokens { get; init; } = 512;

    /// <summary>Time between two tokens of a running answer that prompts of others may not exceed. Default 50 ms.</summary>
    public TimeSpan InterTokenTarget { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Threads of the native code, 1–1,024. Null: one for models below <see cref="SmallModelParameters"/>, whose layers are done sooner than
    /// a second thread wakes; the processors that the container grants for larger ones.
    /// </summary>
    public int? Threads { get; init; }

    /// <summary>One request at a time from an empty cache: the same request always gives the same answer, at the price of throughput.</summary>
    public bool Deterministic { get; init; }

    /// <summary>Everything wrong with these options, naming the key, the value and the range; empty when they can be used.</summary>
    public IReadOnlyList<string> Faults()
    {
        var faults = new List<string>();
        if (string.IsNullOrEmpty(SocketPath) && string.IsNullOrEmpty(ListenAddress))
        {
            faults.Add("the engine needs a socket path or an address to listen on");
        }

        if (SocketPath is not null && System.Text.Encoding.UTF8.GetByteCount(SocketPath) > 107)
        {
            faults.Add($"the socket path '{SocketPath}' is longer than the 107 bytes that Unix sockets allow; choose a shorter directory");
        }

        if (ListenAddress is not null && EndPoint(ListenAddress) is null)
        {
            faults.Add($"the address '{ListenAddress}' is not an IP address with a port, such as http://127.0.0.1:8080");
        }

        Check(CacheCells is null or (>= 16 and <= 16_777_216), nameof(CacheCells), CacheCells ?? 0, "16–16,777,216");
        Check(HostCacheMebibytes is null or (>= 0 and <= 1_048_576), nameof(HostCacheMebibytes), HostCacheMebibytes ?? 0, "0–1,048,576");
        Check(Speculation is >= 0 and <= 8, nameof(Speculation), Speculation, "0–8");
        Check(Sequences is >= 1 and <= 254, nameof(Sequences), Sequences, "1–254");
        if (TenantShare is not (> 0 and <= 1))
        {
            faults.Add($"{nameof(TenantShare)} is {TenantShare}; it must be above 0 and at most 1");
        }

        if (AdapterDirectory is not null && !Directory.Exists(AdapterDirectory))
        {
            faults.Add($"the directory of adapters '{AdapterDirectory}' does not exist");
        }

        Check(Queue is >= 0 and <= 100_000, nameof(Queue), Queue, "0–100,000");
        Check(BatchTokens is >= 16 and <= 8_192, nameof(BatchTokens), BatchTokens, "16–8,192");
        Check(Threads is null or (>= 1 and <= 1_024), nameof(Threads), Threads ?? 0, "1–1,024");
        return faults;

        void Check(bool holds, string key, int value, string range)
        {
            if (!holds)
            {
                faults.Add($"{key} is {value}; it must be {range}");
            }
        }
    }

    /// <summary>The address and port of <see cref="ListenAddress"/>, or null when it is none.</summary>
    internal static System.Net.IPEndPoint? EndPoint(string address)
    {
        var plain = address.StartsWith("http://", StringComparison.Ordinal) ? address["http://".Length..].TrimEnd('/') : address;
        plain = plain.StartsWith("localhost:", StringComparison.Ordinal) ? $"127.0.0.1{plain["localhost".Length..]}" : plain;
        return System.Net.IPEndPoint.TryParse(plain, out var endPoint) && endPoint.Port != 0 ? endPoint : null;
    }
}
