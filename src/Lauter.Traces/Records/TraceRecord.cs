using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;

namespace Lauter.Traces;

/// <summary>How a request ended. The names are stored: never rename.</summary>
public enum TraceOutcome
{
    /// <summary>The caller got the whole answer.</summary>
    [JsonStringEnumMemberName("answered")] Answered = 1,

    /// <summary>The caller went away before the end.</summary>
    [JsonStringEnumMemberName("cancelled")] Cancelled = 2,

    /// <summary>An engine, an index or a provider failed, or its answer did not fit the schema.</summary>
    [JsonStringEnumMemberName("failed")] Failed = 3,

    /// <summary>A budget or rate limit refused it before anything was spent.</summary>
    [JsonStringEnumMemberName("refused")] Refused = 4,

    /// <summary>The request itself was wrong.</summary>
    [JsonStringEnumMemberName("invalid")] Invalid = 5,

    /// <summary>The process ended while it ran: what a provider billed for it is unknown until its invoice comes.</summary>
    [JsonStringEnumMemberName("lost")] Lost = 6,
}

/// <summary>One request of one caller from beginning to end: what was asked, what came back, what it used and cost.</summary>
public sealed record TraceRecord
{
    /// <summary>UUID version 7: sorts by time, makes every later step idempotent.</summary>
    public required Guid Id { get; init; }

    /// <summary><c>chat.completions</c> or <c>embeddings</c>.</summary>
    public required string Route { get; init; }

    /// <summary>The application asked for.</summary>
    public required string Application { get; init; }

    /// <summary>The release that answered, or null.</summary>
    public string? Release { get; init; }

    /// <summary>What was assigned to a release while two of them answered: a hash of tenant and user; null = the request by itself.</summary>
    public string? Unit { get; init; }

    /// <summary>Whose data this is; nobody else may see it.</summary>
    public required string Tenant { get; init; }

    /// <summary>The key that was used (its id, never the key).</summary>
    public required string KeyId { get; init; }

    /// <summary>The caller's tag for its own user (<c>safety_identifier</c> or <c>user</c> of the request), or null.</summary>
    public string? User { get; init; }

    /// <summary>The provider's model or the local one, as it named itself, or null.</summary>
    public string? Model { get; init; }

    /// <summary>When the request arrived.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>Until the last byte of the answer was ready.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Until the first byte of the answer was ready; null when none was.</summary>
    public TimeSpan? TimeToFirst { get; init; }

    /// <summary>How it ended.</summary>
    public required TraceOutcome Outcome { get; init; }

    /// <summary>The HTTP status, 200 for a stream that broke off later.</summary>
    public required int Status { get; init; }

    /// <summary>True for a streamed answer.</summary>
    public bool Stream { get; init; }

    /// <summary><c>stop</c>, <c>length</c> …, or null.</summary>
    public string? FinishReason { get; init; }

    /// <summary>The code of the error that the caller got, or null.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>The provider and model that answered or failed last, <c>provider/model</c>; null for local work.</summary>
    public string? Target { get; init; }

    /// <summary>True when the answer was kept from an earlier request: its tokens were paid then.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Cached { get; init; }

    /// <summary>The request on whose behalf this one was made (a mirrored request, the first step of a cascade); null = a caller's own.</summary>
    public Guid? Parent { get; init; }

    /// <summary>Whether a mirrored answer says the same as the caller's (equal as JSON, or as text without outer spaces); null = nothing was compared.</summary>
    public bool? Agrees { get; init; }

    /// <summary>What guards found and did, one line each, without the text itself; null = nothing.</summary>
    public IReadOnlyList<string>? Guards { get; init; }

    /// <summary>What was used, with its price; null amounts are unknown.</summary>
    public IReadOnlyList<Charge> Charges { get; init; } = [];

    /// <summary>Where the cost is credited; see <see cref="LedgerAccounts"/>.</summary>
    public string? CreditAccount { get; init; }

    /// <summary>What was booked on budget leases.</summary>
    public IReadOnlyList<BudgetSettlement> Settlements { get; init; } = [];

    /// <summary>The caller's request as JSON, or null when it is not kept.</summary>
    public string? Request { get; init; }

    /// <summary>The answer's text as the caller got it (as far as it came), or null when it is not kept.</summary>
    public string? Response { get; init; }

    /// <summary>True when request or response was cut to the limit of the journal.</summary>
    public bool Truncated { get; init; }

    /// <summary>True when the texts were removed on purpose.</summary>
    public bool Redacted { get; init; }

    /// <summary>The fields of the input after they were read by the application's schema, or null.</summary>
    public JsonObject? Input { get; init; }

    /// <summary>The sum of the charges, or null when one of them is unknown.</summary>
    [JsonIgnore]
    public Money? Cost => Charge.Total(Charges);

    /// <summary>The posting of this request, or null when nothing was used.</summary>
    public LedgerEntry? ToLedgerEntry() => Charges.Count == 0
        ? null
        : LedgerEntry.ForUsage(
            Outcome == TraceOutcome.Lost ? $"trace/{Id:N}/lost" : $"trace/{Id:N}", Started, LedgerPhase.Serving, Application, CreditAccount ?? LedgerAccounts.Machine, Charges, $"trace {Id:N}", $"{Route} of {Application}") with
        {
            Tags = Tags(),
        };

    private Dictionary<string, string> Tags()
    {
        var tags = new Dictionary<string, string>(StringComparer.Ordinal) { ["key"] = KeyId, ["tenant"] = Tenant };
        if (Release is not null)
        {
            tags["release"] = Release;
        }

        if (User is not null)
        {
            tags["user"] = User;
        }

        return tags;
    }
}

/// <summary>
/// A request that may cost money at a provider began. Written before the provider is asked: when the process ends before the request does, this is
/// what is left of it, and it becomes a trace with the outcome <see cref="TraceOutcome.Lost"/>.
/// </summary>
public sealed record BegunRecord
{
    /// <summary>The id of the trace that will end it.</summary>
    public required Guid Id { get; init; }

    /// <summary><c>chat.completions</c> or <c>embeddings</c>.</summary>
    public required string Route { get; init; }

    /// <summary>The application asked for.</summary>
    public required string Application { get; init; }

    /// <summary>The release that would have answered, or null.</summary>
    public string? Release { get; init; }

    /// <summary>Whose it is.</summary>
    public required string Tenant { get; init; }

    /// <summary>The key that was used.</summary>
    public required string KeyId { get; init; }

    /// <summary>The caller's tag for its own user, or null.</summary>
    public string? User { get; init; }

    /// <summary>When the request arrived.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>The product in the price book.</summary>
    public required string Sku { get; init; }

    /// <summary>Who may bill for it.</summary>
    public required string CreditAccount { get; init; }

    /// <summary>What is held on budget leases: it counts as spent when the request is lost.</summary>
    public IReadOnlyList<BudgetSettlement> Held { get; init; } = [];

    /// <summary>The trace of the request when nothing more is known of it.</summary>
    internal TraceRecord ToLost() => new()
    {
        Id = Id, Route = Route, Application = Application, Release = Release, Tenant = Tenant, KeyId = KeyId, User = User, Started = Started, Duration = TimeSpan.Zero,
        Outcome = TraceOutcome.Lost, Status = 0, ErrorCode = "process_ended", CreditAccount = CreditAccount, Settlements = Held,
        Charges = [.. ProviderUsage.Missing.Readings.Select(r => new Charge(r.Meter, r.Amount, r.Source, Sku, null))],
    };
}

/// <summary>What someone said about an answer. A correction is a label: it becomes a row of the next dataset version.</summary>
public sealed record FeedbackRecord
{
    /// <summary>UUID version 7 of this feedback.</summary>
    public required Guid Id { get; init; }

    /// <summary>The answer it is about.</summary>
    public required Guid TraceId { get; init; }

    /// <summary>When it was given.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whose it is.</summary>
    public required string Tenant { get; init; }

    /// <summary>The key that gave it.</summary>
    public required string KeyId { get; init; }

    /// <summary>-1 bad, 0 neutral, 1 good, or null.</summary>
    public int? Rating { get; init; }

    /// <summary>Free text, or null.</summary>
    public string? Comment { get; init; }

    /// <summary>What the answer should have been: an object of the output schema or a text; null = no correction.</summary>
    public JsonNode? Correction { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TraceRecord))]
[JsonSerializable(typeof(FeedbackRecord))]
[JsonSerializable(typeof(BegunRecord))]
internal sealed partial class TraceJson : JsonSerializerContext
{
    /// <summary>Han text stays readable and short in the journal.</summary>
    public static TraceJson Relaxed => RelaxedTraceJson.Context;
}

/// <summary>In a class of its own: a static member of the context could run before the generated ones that it needs.</summary>
internal static class RelaxedTraceJson
{
    public static readonly TraceJson Context = new(new JsonSerializerOptions(TraceJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
