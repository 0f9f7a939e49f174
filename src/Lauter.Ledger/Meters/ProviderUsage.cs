using System.Text.Json;

namespace Lauter.Ledger;

/// <summary>
/// A provider's usage report as disjoint meters. Two conventions exist and mixing them up is the most common cost error: OpenAI-style
/// <c>prompt_tokens</c> includes cached and cache-written tokens and <c>completion_tokens</c> includes reasoning; Anthropic-style
/// <c>input_tokens</c> excludes both cache counts.
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

    /// <summary>Reads the member <c>usage</c> of an OpenAI-style answer or of the last chunk of a stream.</summary>
    /// <returns>Null when the element is not a usage object with a prompt or input count.</returns>
    public static ProviderUsage? FromOpenAi(JsonElement usage, MeterSource source)
    {
        if (usage.ValueKind != JsonValueKind.Object || Count(usage, "prompt_tokens") is not { } prompt)
        {
            return null;
        }

        var completion = Count(usage, "completion_tokens") ?? 0;
        var cached = Detail(usage, "prompt_tokens_details", "cached_tokens");
        var written = Detail(usage, "prompt_tokens_details", "cache_write_tokens");
        var reasoning = Detail(usage, "completion_tokens_details", "reasoning_tokens");
        var fault = Check(usage, prompt, completion);
        if (cached + written > prompt)
        {
            fault ??= $"prompt_tokens {prompt} is smaller than cached_tokens {cached} + cache_write_tokens {written}";
            cached = written = 0;
        }

        if (reasoning > completion)
        {
            fault ??= $"completion_tokens {completion} is smaller than reasoning_tokens {reasoning}";
            reasoning = 0;
        }

        return Of(prompt - cached - written, cached, written, 0, completion - reasoning, reasoning, source, fault);
    }

    /// <summary>Reads the member <c>usage</c> of an Anthropic-style answer.</summary>
    /// <returns>Null when the element is not a usage object with an input count.</returns>
    public static ProviderUsage? FromAnthropic(JsonElement usage, MeterSource source)
    {
        if (usage.ValueKind != JsonValueKind.Object || Count(usage, "input_tokens") is not { } input)
        {
            return null;
        }

        var written = Count(usage, "cache_creation_input_tokens") ?? 0;
        var writtenLong = Detail(usage, "cache_creation", "ephemeral_1h_input_tokens");
        string? fault = null;
        if (writtenLong > written)
        {
            fault = $"cache_creation_input_tokens {written} is smaller than ephemeral_1h_input_tokens {writtenLong}";
            writtenLong = 0;
        }

        return Of(
            input, Count(usage, "cache_read_input_tokens") ?? 0, written - writtenLong, writtenLong, Count(usage, "output_tokens") ?? 0, 0, source, fault);
    }

    private static ProviderUsage Of(long input, long read, long written, long writtenLong, long text, long reasoning, MeterSource source, string? fault)
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

    private static string? Check(JsonElement usage, long prompt, long completion) =>
        Count(usage, "total_tokens") is { } total && total != prompt + completion
            ? $"total_tokens {total} differs from prompt_tokens {prompt} + completion_tokens {completion}"
            : null;

    private static long Detail(JsonElement usage, string group, string name) =>
        usage.TryGetProperty(group, out var details) && details.ValueKind == JsonValueKind.Object ? Count(details, name) ?? 0 : 0;

    private static long? Count(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count) && count >= 0
            && count <= int.MaxValue
            ? count
            : null;
}
