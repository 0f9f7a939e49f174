using Lauter.Gateway.Api;
using Lauter.Gateway.Applications;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;

namespace Lauter.Gateway.Settlement;

/// <summary>Begins settlements; see <see cref="RequestSettlement"/> for the steps.</summary>
internal sealed class Settler(GatewayOptions options, TraceJournal journal, BudgetLeases leases, GatewayMetrics metrics, RecentTraces recent, TimeProvider time)
{
    /// <summary>A local request is cancelled at its time limit; what runs on until it notices is bounded by this.</summary>
    private static readonly TimeSpan CancellationSlack = TimeSpan.FromSeconds(5);

    public TimeProvider Time => time;

    /// <summary>Steps 1 and 2.</summary>
    public (RequestSettlement? Settlement, OpenAiError? Error) Begin(RequestStart start)
    {
        try
        {
            journal.EnsureAvailable();
        }
        catch (JournalUnavailableException e)
        {
            return (null, new OpenAiError(503, "server_error", "journal_unavailable", e.Message) { RetryAfterSeconds = 5, ShouldRetry = true });
        }

        string[] accounts = [$"application:{start.Application}", $"key:{start.Key.Id}", $"tenant:{start.Key.Tenant}"];
        if (!leases.Budgets.Any(b => accounts.Contains(b.Account, StringComparer.Ordinal)))
        {
            return (new RequestSettlement(this, start, null), null);
        }

        if (WorstCase(start) is not { } worst)
        {
            return leases.Limits(accounts)
                ? (null, Refuse(start, new OpenAiError(
                    402, "insufficient_quota", "price_unknown",
                    $"The application '{start.Application}' has a budget, but the price of '{SkuOf(start)}' is unknown, so the budget could not be kept. State it under prices.rows.")
                { ShouldRetry = false }))
                : (new RequestSettlement(this, start, null), null);
        }

        var result = leases.Reserve(accounts, worst);
        return result.Reservation is { } reservation
            ? (new RequestSettlement(this, start, reservation), null)
            : (null, Refuse(start, new OpenAiError(402, "insufficient_quota", "budget_exceeded", result.Refusal!.ToString())
            {
                ShouldRetry = false,
                RetryAfterSeconds = result.Refusal.ResetsAt is { } at ? (int)Math.Min(int.MaxValue, Math.Ceiling((at - time.GetUtcNow()).TotalSeconds)) : null,
            }));
    }

    /// <summary>Records a request that was turned away before anything was spent.</summary>
    public OpenAiError Refuse(RequestStart start, OpenAiError error)
    {
        try
        {
            Record(start, new RequestEnd(error.Status is 402 or 429 ? TraceOutcome.Refused : TraceOutcome.Invalid, error.Status) { ErrorCode = error.Code }, [], [], null);
        }
        catch (JournalUnavailableException)
        {
            // Nothing was spent and the caller gets the reason: the record of a refusal may be lost with the disk full.
        }

        return error;
    }

    public IReadOnlyList<Charge> Price(RequestStart start, IReadOnlyList<MeterReading> readings, long? coreMicroseconds)
    {
        var sku = SkuOf(start);
        List<Charge> charges = [];
        foreach (var reading in readings)
        {
            charges.Add(sku is not null
                ? options.Prices.Charge(sku, reading, start.At)
                : new Charge(
                    reading.Meter, reading.Amount, reading.Source, MachineRate.Sku,
                    reading.Source == MeterSource.Missing ? null : Money.Zero(options.Prices.Machine.CoreHour.Currency), "paid by machine time"));
        }

        if (coreMicroseconds is { } time)
        {
            charges.Add(options.Prices.Charge(MachineRate.Sku, new MeterReading(Meter.CoreMicroseconds, Math.Max(0, time), MeterSource.Local), start.At));
        }

        return charges;
    }

    public TraceRecord Record(
        RequestStart start, RequestEnd end, IReadOnlyList<Charge> charges, IReadOnlyList<BudgetSettlement> settlements, TimeSpan? first)
    {
        var record = new TraceRecord
        {
            Id = start.Id,
            Route = start.Route,
            Application = start.Application,
            Release = start.Release,
            Unit = start.Unit,
            Tenant = start.Key.Tenant,
            KeyId = start.Key.Id,
            Started = start.At,
            Duration = time.GetElapsedTime(start.Timestamp),
            TimeToFirst = first,
            Outcome = end.Outcome,
            Status = end.Status,
            Stream = start.Stream,
            FinishReason = end.FinishReason,
            ErrorCode = end.ErrorCode,
            Charges = charges,
            CreditAccount = start.Live is { Kind: ApplicationKind.Provider, Provider: { } provider } ? LedgerAccounts.Provider(provider.Name)
                : SkuOf(start) is { } sku ? LedgerAccounts.Provider(sku) : LedgerAccounts.Machine,
            Settlements = settlements,
            Request = options.KeepTexts ? start.RequestText : null,
            Response = options.KeepTexts ? end.ResponseText : null,
            Input = options.KeepTexts ? start.Input : null,
        };
        metrics.Count(record);
        recent.Add(record);
        journal.Append(record);
        return record;
    }

    private Money? WorstCase(RequestStart start)
    {
        Money? machine = start.Live is { Kind: not ApplicationKind.Provider } live
            ? options.Prices.Machine.ForCores((long)(options.LocalTimeout + CancellationSlack).TotalMicroseconds * (live.Clock?.Cores ?? live.Cores))
            : null;
        if (SkuOf(start) is not { } sku)
        {
            return machine;
        }

        var tokens = options.Prices.WorstCase(sku, start.InputBound + (start.Live?.MaximumAddedInputTokens ?? 0), start.OutputBound, start.At);
        return machine is null || tokens is null ? tokens : machine.Value.Currency == tokens.Value.Currency ? machine + tokens : null;
    }

    private static string? SkuOf(RequestStart start) =>
        start.Live?.Sku ?? (start.Live is { Kind: ApplicationKind.Provider, Provider: { } provider } ? provider.Model : null);
}
