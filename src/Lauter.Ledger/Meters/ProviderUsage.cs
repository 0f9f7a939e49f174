using System.Text.Json;

namespace Lauter.Ledger;

/// <summary>
/// A provider's usage report as disjoint meters. Two conventions exist and mixing them up is the most common cost error: OpenAI-style
/// <c>prompt_tokens</c> includes cached and cache-written tokens and <c>completion_tokens</c> includes reasoning; Anthropic-style
/// <c>input_tokens</c> excludes both cache counts. Amounts of money in a report (<c>cost</c>) are never believed: they come without a currency
/// and without a contract.
/// </summary>
/// <param name="Readings">One reading per meter that the report names; zero amounts are kept, absent ones are not invented.</param>
/// <param name="InputTokens">All prompt tokens, however they were served.</param>
/// <param name="OutputTokens">All generated tokens.</param>
/// <param name="Fault">Why the report contradicts itself, or null. A report with a fault is priced by its totals as uncached.</param>
public sealed record ProviderUsage(IReadOnlyList<MeterReading> Readings, long InputTokens, long OutputTokens, string? Fault)
{
    /// <summary>A report that never came: every token meter of a chat is missing.</summary>
    public static ProviderUsage Missing { get; } = new(
        [new(Meter.UncachedInput, 0, MeterSource.Missing), new(Meter.TextOutput, 0, MeterSource.Missing)], 0, 0, Fault: null);

    /// <summary>The sum of all meters: what a provider's own total must be.</summary>
    public long TotalTokens => checked(InputTokens + OutputTokens);

    /// <summary>
    /// Reads a report of either convention, told apart by its members: <c>prompt_tokens</c> = OpenAI chat; <c>input_tokens</c> beside
    /// <c>input_tokens_details</c> or <c>total_tokens</c> = OpenAI responses; other <c>input_tokens</c> = Anthropic.
    /// </summary>
    /// <returns>Null when the element is not a usage object with a prompt or input count.</returns>
    public static ProviderUsage? From(JsonElement usage, MeterSource source) => FromOpenAi(usage, source) ?? FromAnthropic(usage, source);

    /// <summary>
    /// Reads the member <c>usage</c> of an OpenAI-style answer (chat, completions or responses) or of the last chunk of a stream. Servers that
    /// deviate are recognised by their own total: reasoning that is not part of <c>completion_tokens</c>, cache counts under Anthropic's names that
    /// are or are not part of <c>prompt_tokens</c>.
    /// </summary>
    /// <returns>Null when the element is not such an object with a prompt count.</returns>
    public static ProviderUsage? FromOpenAi(JsonElement usage, MeterSource source) => OpenAiUsage.Read(usage, source);

    /// <summary>Reads the member <c>usage</c> of an Anthropic-style answer, or what <see cref="StreamUsage"/> gathered of a stream.</summary>
    /// <returns>Null when the element is not such an object with an input count.</returns>
    public static ProviderUsage? FromAnthropic(JsonElement usage, MeterSource source)
    {
        if (usage.ValueKind != JsonValueKind.Object || Count(usage, "input_tokens") is not { } input)
        {
            return null;
        }

        string? fault = null;
        var (hour, minutes) = (Detail(usage, "cache_creation", "ephemeral_1h_input_tokens"), Detail(usage, "cache_creation", "ephemeral_5m_input_tokens"));
        var written = Count(usage, "cache_creation_input_tokens") ?? hour + minutes;
        if (hour > written || (minutes > 0 && hour + minutes != written))
        {
            fault = $"cache_creation_input_tokens {written} differs from ephemeral_5m_input_tokens {minutes} + ephemeral_1h_input_tokens {hour}";
            hour = 0;
        }

        return Of(input, Count(usage, "cache_read_input_tokens") ?? 0, written - hour, hour, Count(usage, "output_tokens") ?? 0, 0, source, fault);
    }

    /// <summary>Reads the member <c>usage</c> of an OpenAI-style embeddings answer: the prompt is what was embedded.</summary>
    /// <returns>Null when the element is not a usage object with a prompt count.</returns>
    public static ProviderUsage? FromEmbeddings(JsonElement usage, MeterSource source) =>
        usage.ValueKind == JsonValueKind.Object && Count(usage, "prompt_tokens") is { } prompt
            ? new ProviderUsage([new(Meter.EmbeddingInput, prompt, source)], prompt, 0, Fault: null)
            : null;

    internal static ProviderUsage Of(long input, long read, long written, long writtenLong, long text, long reasoning, MeterSource source, string? fault)
    {
        List<MeterReading> readings = [new(Meter.UncachedInput, input, source), new(Meter.TextOutput, text, source)];
        Add(Meter.CacheRead, read);
        Add(Meter.CacheWriteShort, written);
        Add(Meter.CacheWriteLong, writtenLong);
        Add(Meter.ReasoningOutput, reasoning);
        return new ProviderUsage(readings, checked(input + read + written + writtenLong), checked(text + reasoning), fault);

        void Add(Meter meter, long amount)
        {
            if (amount > 0)
            {
                readings.Add(new MeterReading(meter, amount, source));
            }
        }
    }

    internal static long Detail(JsonElement usage, string group, string name) =>
        usage.TryGetProperty(group, out var details) && details.ValueKind == JsonValueKind.Object ? Count(details, name) ?? 0 : 0;

    /// <summary>A whole number of tokens from 0 to 2³¹ − 1; anything else is no count.</summary>
    internal static long? Count(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count) && count >= 0
            && count <= int.MaxValue
            ? count
            : null;
}
