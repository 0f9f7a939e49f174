using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Ledger;

/// <summary>
/// The usage of a stream from the reports in its chunks. Reports are running totals: a later one replaces an earlier one member by member and is
/// never added to it (adding them up costs about tenfold). Anthropic's streams report the prompt in <c>message_start</c> and the answer in each
/// <c>message_delta</c>; OpenAI-style ones report everything in one chunk, or in every chunk. A stream without any report is
/// <see cref="ProviderUsage.Missing"/>, which is not zero.
/// </summary>
/// <remarks>Not safe for concurrent use: one per stream.</remarks>
public sealed class StreamUsage
{
    private JsonObject? _merged;

    /// <summary>Takes the member <c>usage</c> of a chunk; what is not an object is ignored (most chunks say <c>null</c>).</summary>
    public void Observe(JsonElement usage)
    {
        if (usage.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        _merged ??= [];
        foreach (var member in usage.EnumerateObject())
        {
            // A later null means "not said here", not "none".
            if (member.Value.ValueKind != JsonValueKind.Null)
            {
                _merged[member.Name] = JsonNode.Parse(member.Value.GetRawText());
            }
        }
    }

    /// <summary>What the stream used; <see cref="ProviderUsage.Missing"/> when it never said.</summary>
    public ProviderUsage ToUsage() =>
        _merged is not null && ProviderUsage.From(JsonElement.Parse(_merged.ToJsonString()), MeterSource.StreamEnd) is { } usage ? usage : ProviderUsage.Missing;
}
