using System.Text.Json;

namespace Lauter.Ledger;

/// <summary>
/// The OpenAI convention and the ways in which servers deviate from it. A deviation is accepted only when it explains the server's own total; otherwise the
/// published convention holds and the contradiction is named.
/// </summary>
internal static class OpenAiUsage
{
    public static ProviderUsage? Read(JsonElement usage, MeterSource source)
    {
        if (usage.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (ProviderUsage.Count(usage, "prompt_tokens") is { } prompt)
        {
            return Read(
                new Names("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details"), usage, prompt,
                ProviderUsage.Count(usage, "completion_tokens") ?? 0, source);
        }

        // The responses endpoint uses Anthropic's names with OpenAI's meaning.
        return ProviderUsage.Count(usage, "input_tokens") is { } input && (usage.TryGetProperty("input_tokens_details", out _) || usage.TryGetProperty("total_tokens", out _))
            ? Read(
                new Names("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details"), usage, input,
                ProviderUsage.Count(usage, "output_tokens") ?? 0, source)
            : null;
    }

    private static ProviderUsage Read(Names names, JsonElement usage, long prompt, long completion, MeterSource source)
    {
        string? fault = null;
        var total = ProviderUsage.Count(usage, "total_tokens");
        var reasoning = ProviderUsage.Detail(usage, names.OutputDetails, "reasoning_tokens");
        var cached = First(ProviderUsage.Detail(usage, names.InputDetails, "cached_tokens"), ProviderUsage.Count(usage, "prompt_cache_hit_tokens"));
        var written = ProviderUsage.Detail(usage, names.InputDetails, "cache_write_tokens");

        // 1. Translating proxies add Anthropic's cache members; whether the prompt includes them, only the total tells.
        var (read, creation) = (ProviderUsage.Count(usage, "cache_read_input_tokens") ?? 0, ProviderUsage.Count(usage, "cache_creation_input_tokens") ?? 0);
        if (read + creation > 0)
        {
            if (read + creation > prompt || (total is { } sum && sum == prompt + completion + read + creation))
            {
                prompt = checked(prompt + read + creation);
            }

            (cached, written) = (Math.Max(cached, read), Math.Max(written, creation));
        }

        // 2. Some servers leave reasoning out of the completion and add it to the total only.
        if (reasoning > 0 && total is { } whole && whole == prompt + completion + reasoning)
        {
            completion = checked(completion + reasoning);
        }

        // 3. What is left must add up.
        if (total is { } stated && stated != prompt + completion)
        {
            fault = $"total_tokens {stated} differs from {names.Input} {prompt} + {names.Output} {completion}";
        }

        if (cached + written > prompt)
        {
            fault ??= $"{names.Input} {prompt} is smaller than cached_tokens {cached} + cache_write_tokens {written}";
            cached = written = 0;
        }

        if (reasoning > completion)
        {
            fault ??= $"{names.Output} {completion} is smaller than reasoning_tokens {reasoning}";
            reasoning = 0;
        }

        return ProviderUsage.Of(prompt - cached - written, cached, written, 0, completion - reasoning, reasoning, source, fault);
    }

    private static long First(long detail, long? other) => detail > 0 ? detail : other ?? 0;

    private sealed record Names(string Input, string Output, string InputDetails, string OutputDetails);
}
