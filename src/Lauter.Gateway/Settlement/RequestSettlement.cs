using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Keys;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;

namespace Lauter.Gateway.Settlement;

/// <summary>What is known about a request when it begins to be served.</summary>
internal sealed record RequestStart
{
    public required Guid Id { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>Timestamp of the clock at arrival.</summary>
    public required long Timestamp { get; init; }

    public required string Route { get; init; }

    public required string Application { get; init; }

    public required ApiKey Key { get; init; }

    public LiveApplication? Live { get; init; }

    /// <summary>See <see cref="TraceRecord.Unit"/>.</summary>
    public string? Unit { get; init; }

    /// <summary>See <see cref="TraceRecord.User"/>.</summary>
    public string? User { get; init; }

    public bool Stream { get; init; }

    /// <summary>A number of prompt tokens that cannot be beaten: bytes of the body plus the template's.</summary>
    public long InputBound { get; init; }

    /// <summary>Most tokens of all answers together.</summary>
    public long OutputBound { get; init; }

    public string? RequestText { get; init; }

    public JsonObject? Input { get; init; }

    /// <summary>The request on whose behalf this one is made; null = a caller's own.</summary>
    public Guid? Parent { get; init; }

    /// <summary>See <see cref="Api.EdgeRequest.Admission"/>.</summary>
    public Api.EdgeAdmission? Admission { get; init; }

    /// <summary>What guards found in the request.</summary>
    public IReadOnlyList<string> GuardNotes { get; init; } = [];

    public string? Release => Live?.ReleaseId;

    /// <summary>Nobody waits for it and nobody asked for it: the application pays, and no caller's limit counts it.</summary>
    public bool IsMirrored => Route == MirrorRoute;

    /// <summary>The route of mirrored requests.</summary>
    public const string MirrorRoute = "mirror";
}

/// <summary>How a request ended.</summary>
internal sealed record RequestEnd(TraceOutcome Outcome, int Status)
{
    public string? FinishReason { get; init; }

    public string? ErrorCode { get; init; }

    /// <summary>Tokens used; empty = none.</summary>
    public IReadOnlyList<MeterReading> Readings { get; init; } = [];

    /// <summary>True when a provider may have used more than <see cref="Readings"/> says: the budget then counts the whole reservation.</summary>
    public bool MayHaveUsedMore { get; init; }

    public string? ResponseText { get; init; }

    /// <summary>The target that answered or failed last; null = none was asked.</summary>
    public Providers.ProviderTarget? Target { get; init; }

    /// <summary>What guards found in the answer.</summary>
    public IReadOnlyList<string>? GuardNotes { get; init; }

    /// <summary>See <see cref="TraceRecord.Agrees"/>.</summary>
    public bool? Agrees { get; init; }

    /// <summary>The answer was kept from an earlier request; its tokens were paid then.</summary>
    public bool FromCache { get; init; }
}

/// <summary>
/// The one way in which every request is paid, whatever its route and end:
/// 1. the journal can take a record, else 503 before anything is spent;
/// 2. the most it can cost is reserved in every budget that applies, else 402, and when a provider will be asked, that is put on record;
/// 3. it runs; 4. <see cref="End"/> prices the meters, settles the reservation and appends the trace, exactly once and before the
/// caller gets the last byte; 5. the journal's reader posts it to the ledger.
/// </summary>
internal sealed class RequestSettlement
{
    private readonly Settler _settler;
    private readonly RequestStart _start;
    private readonly Reservation? _reservation;
    private readonly HeldRates? _held;
    private readonly double _share;
    private readonly long _began;
    private TimeSpan? _first;
    private int _ended;

    internal RequestSettlement(Settler settler, RequestStart start, Reservation? reservation, HeldRates? held = null)
    {
        _held = held;
        _settler = settler;
        _start = start;
        _reservation = reservation;
        _began = settler.Time.GetTimestamp();
        _share = start.Live is { Clock: { } clock, Kind: not ApplicationKind.Provider } ? clock.Start() : 0;
    }

    public Guid Id => _start.Id;

    public bool Ended => Volatile.Read(ref _ended) != 0;

    /// <summary>The first byte of the answer is ready.</summary>
    public void MarkFirst() => _first ??= _settler.Time.GetElapsedTime(_start.Timestamp);

    /// <summary>Settles and records the request.</summary>
    /// <exception cref="JournalUnavailableException">The record could not be kept; the budget is settled all the same.</exception>
    /// <exception cref="InvalidOperationException">The request had ended before.</exception>
    public TraceRecord End(RequestEnd end)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            throw new InvalidOperationException($"Request {_start.Id:N} was settled twice.");
        }

        var used = end.Readings.Where(r => MeterNames.CountsTokens(r.Meter)).Sum(r => r.Amount);
        _held?.End(end.MayHaveUsedMore ? null : used);
        var charges = _settler.Price(_start, end, CoreTime());
        var cost = Charge.Total(charges);
        var settled = _reservation?.Settle(
            charges.Count == 0 ? new Money(0, _reservation.Worst.Currency)
            : end.MayHaveUsedMore || cost is null || cost.Value.Currency != _reservation.Worst.Currency ? null
            : cost) ?? [];
        return _settler.Record(_start, end, charges, settled, _first);
    }

    private long? CoreTime() => _start.Live switch
    {
        null or { Kind: ApplicationKind.Provider } => null,
        { Clock: { } clock } => clock.Stop(_share),
        { } live => (long)_settler.Time.GetElapsedTime(_began).TotalMicroseconds * live.Cores,
    };
}
