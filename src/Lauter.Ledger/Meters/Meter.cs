using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lauter.Ledger;

/// <summary>
/// What can be used. Meters are disjoint: no unit of use is counted by two of them, so a request's cost is a plain sum. The numbers and
/// the names of <see cref="MeterNames"/> are stored: never renumber, never rename.
/// </summary>
[JsonConverter(typeof(MeterJsonConverter))]
public enum Meter
{
    /// <summary>Prompt tokens that were neither read from nor written to a provider's cache.</summary>
    UncachedInput = 1,

    /// <summary>Prompt tokens read from a provider's prompt cache.</summary>
    CacheRead = 2,

    /// <summary>Prompt tokens written to a cache that lives for minutes (the provider's default lifetime).</summary>
    CacheWriteShort = 3,

    /// <summary>Prompt tokens written to a cache that lives for an hour.</summary>
    CacheWriteLong = 4,

    /// <summary>Tokens of the visible answer.</summary>
    TextOutput = 5,

    /// <summary>Tokens of hidden reasoning.</summary>
    ReasoningOutput = 6,

    /// <summary>Tokens that were embedded.</summary>
    EmbeddingInput = 7,

    /// <summary>One millionth of a second of one core of the local machine.</summary>
    CoreMicroseconds = 8,

    /// <summary>One millionth of a second of one GPU.</summary>
    GpuMicroseconds = 9,

    /// <summary>One MiB kept for one hour (1,024 of them are a GiB-hour).</summary>
    StorageMebibyteHours = 10,

    /// <summary>One second of a person's work.</summary>
    PersonSeconds = 11,

    /// <summary>Tokens of an answer that came from the response cache: nobody is paid for them, and they show what the cache saved.</summary>
    ReusedTokens = 12,

    /// <summary>The difference to a provider's invoice; its quantity is always 0.</summary>
    InvoiceDifference = 13,
}

/// <summary>Where a reading comes from. The numbers are stored: never renumber.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MeterSource>))]
public enum MeterSource
{
    /// <summary>The provider reported it in a complete answer.</summary>
    [JsonStringEnumMemberName("provider")] Provider = 1,

    /// <summary>The provider reported it at the end of a stream.</summary>
    [JsonStringEnumMemberName("stream_end")] StreamEnd = 2,

    /// <summary>Counted on this machine.</summary>
    [JsonStringEnumMemberName("local")] Local = 3,

    /// <summary>Derived from something else, for example characters of a stream that broke off.</summary>
    [JsonStringEnumMemberName("estimated")] Estimated = 4,

    /// <summary>Nobody knows: the amount is meaningless and has no price. Missing is not zero.</summary>
    [JsonStringEnumMemberName("missing")] Missing = 5,
}

/// <summary>One reading of one meter.</summary>
/// <param name="Meter">What was used.</param>
/// <param name="Amount">How much, in the meter's base unit (tokens, core-microseconds …); never negative.</param>
/// <param name="Source">Where the number comes from.</param>
public readonly record struct MeterReading(Meter Meter, long Amount, MeterSource Source);

/// <summary>The stored and configured names of the meters.</summary>
public static class MeterNames
{
    private static readonly FrozenDictionary<Meter, string> Names = new Dictionary<Meter, string>
    {
        [Meter.UncachedInput] = "input",
        [Meter.CacheRead] = "cache_read",
        [Meter.CacheWriteShort] = "cache_write",
        [Meter.CacheWriteLong] = "cache_write_long",
        [Meter.TextOutput] = "output",
        [Meter.ReasoningOutput] = "reasoning",
        [Meter.EmbeddingInput] = "embedding",
        [Meter.CoreMicroseconds] = "core_microseconds",
        [Meter.GpuMicroseconds] = "gpu_microseconds",
        [Meter.StorageMebibyteHours] = "storage_mebibyte_hours",
        [Meter.PersonSeconds] = "person_seconds",
        [Meter.ReusedTokens] = "reused",
        [Meter.InvoiceDifference] = "invoice_difference",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, Meter> Meters = Names.ToFrozenDictionary(p => p.Value, p => p.Key, StringComparer.Ordinal);

    /// <summary>Every name.</summary>
    public static IEnumerable<string> All => Names.OrderBy(p => p.Key).Select(p => p.Value);

    /// <summary>The names that may stand in a price book: what costs by the unit.</summary>
    public static IEnumerable<string> Priced => Names.Where(p => p.Key is not (Meter.ReusedTokens or Meter.InvoiceDifference)).OrderBy(p => p.Key).Select(p => p.Value);

    /// <summary>The stored name of <paramref name="meter"/>.</summary>
    public static string NameOf(Meter meter) => Names[meter];

    /// <summary>The meter called <paramref name="name"/>.</summary>
    public static bool TryParse(string? name, out Meter meter) => Meters.TryGetValue(name ?? "", out meter);

    /// <summary>True for the meters that count tokens which someone is paid for.</summary>
    public static bool CountsTokens(Meter meter) => meter is >= Meter.UncachedInput and <= Meter.EmbeddingInput;
}

/// <summary>Writes a meter by its stored name.</summary>
public sealed class MeterJsonConverter : JsonConverter<Meter>
{
    /// <inheritdoc/>
    public override Meter Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        MeterNames.TryParse(reader.GetString(), out var meter) ? meter : throw new JsonException($"'{reader.GetString()}' is not a meter.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Meter value, JsonSerializerOptions options) => writer.WriteStringValue(MeterNames.NameOf(value));

    /// <inheritdoc/>
    public override Meter ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Read(ref reader, typeToConvert, options);

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, Meter value, JsonSerializerOptions options) =>
        writer.WritePropertyName(MeterNames.NameOf(value));
}
