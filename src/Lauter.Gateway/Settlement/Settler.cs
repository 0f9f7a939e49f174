using Lauter.Gateway.Api;
using Lauter.Gateway.Applications;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;

namespace Lauter.Gateway.Settlement;

/// <summary>Begins settlements; see <see cref="RequestSettlement"/> for the steps.</summary>
internal sealed class Settler(GatewayOptions options, TraceJournal journal, BudgetLeases leases, GatewayMetrics metrics, RecentTraces recent, RateGate rates, TimeProvider time)
{
    /// <summary>A local request is cancelled at its time limit; what runs on until it notices is bounded by this.</summary>
    private static readonly TimeSpan CancellationSlack = TimeSpan.FromSeconds(5);

    public TimeProvider Time => time;

    /// <summary>Step 1 alone: for an answer that costs nothing.</summary>
    public (RequestSettlement? Settlement, OpenAiError? Error) BeginFree(RequestStart start)
    {
        try
        {
            journal.EnsureAvailable();
            return (new RequestSettlement(this, start, null), null);
        }
        catch (JournalUnavailableException e)
        {
            return (null, new OpenAiError(503, "server_error", "journal_unavailable", e.Message) { RetryAfterSeconds = 5, ShouldRetry = true });
        }
    }

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

        if (start.IsMirrored)
        {
            return Reserve(start, null);
        }

        // Four bytes a token: a limit on speed may be an estimate, a limit on money may not.
        var most = (start.InputBound / 4) + start.OutputBound;
        var held = new HeldRates(start.Admission, most);
        if (held.Take() is { } refusal || held.Enter(rates, start, out refusal))
        {
            return (null, Refuse(start, OpenAiError.TooFast(refusal)));
        }

        var (settlement, error) = Reserve(start, held);
        if (settlement is null)
        {
            held.End(0);
        }

        return (settlement, error);
    }

    private static string[] AccountsOf(RequestStart start) => start.IsMirrored ? [$"application:{start.Application}"]
        : start.User is null
        ? [$"application:{start.Application}", $"key:{start.Key.Id}", $"tenant:{start.Key.Tenant}"]
        : [$"application:{start.Application}", $"key:{start.Key.Id}", $"tenant:{start.Key.Tenant}", $"user:{start.Key.Tenant}/{start.User}"];

    private (RequestSettlement? Settlement, OpenAiError? Error) Reserve(RequestStart start, HeldRates? held)
    {
        var accounts = AccountsOf(start);
        if (!leases.Covers(accounts))
        {
            return Ask(start, null, held);
        }

        if (WorstCase(start) is not { } worst)
        {
            return leases.Limits(accounts)
                ? (null, Refuse(start, new OpenAiError(
                    402, "insufficient_quota", "price_unknown",
                    $"The application '{start.Application}' has a budget, but the price of '{SkuOf(start)}' is unknown, so the budget could not be kept. State it under prices.rows.")
                { ShouldRetry = false }))
                : Ask(start, null, held);
        }

        var result = leases.Reserve(accounts, worst);
        return result.Reservation is { } reservation
            ? Ask(start, reservation, held)
            : (null, Refuse(start, new OpenAiError(402, "insufficient_quota", "budget_exceeded", result.Refusal!.ToString())
            {
                ShouldRetry = false,
                RetryAfterSeconds = result.Refusal.ResetsAt is { } at ? (int)Math.Min(int.MaxValue, Math.Ceiling((at - time.GetUtcNow()).TotalSeconds)) : null,
            }));
    }

    /// <summary>Step 3 for a provider: that it will be asked is on record before it is asked.</summary>
    private (RequestSettlement? Settlement, OpenAiError? Error) Ask(RequestStart start, Reservation? reservation, HeldRates? held)
    {
        if (start.Live is { Kind: ApplicationKind.Provider, Provider: { } provider })
        {
            try
            {
                journal.Append(new BegunRecord
                {
                    Id = start.Id, Route = start.Route, Application = start.Application, Release = start.Release, Tenant = start.Key.Tenant, KeyId = start.Key.Id, User = start.User,
                    Started = start.At, Sku = SkuOf(start)!, CreditAccount = LedgerAccounts.Provider(provider.Name), Held = reservation?.Held ?? [],
                });
            }
            catch (JournalUnavailableException e)
            {
                reservation?.Settle(new Money(0, reservation.Worst.Currency));
                return (null, new OpenAiError(503, "server_error", "journal_unavailable", e.Message) { RetryAfterSeconds = 5, ShouldRetry = true });
            }
        }

        return (new RequestSettlement(this, start, reservation, held), null);
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

    public IReadOnlyList<Charge> Price(RequestStart start, RequestEnd end, long? coreMicroseconds)
    {
        var sku = SkuOf(start, end.Target);
        List<Charge> charges = [];
        foreach (var reading in end.Readings)
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
            User = start.User,
            Model = end.Target?.Model,
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
            Target = end.Target?.Key,
            Cached = end.FromCache,
            Parent = start.Parent,
            Agrees = end.Agrees,
            Guards = start.GuardNotes.Count == 0 && end.GuardNotes is not { Count: > 0 } ? null : [.. start.GuardNotes, .. end.GuardNotes ?? []],
            CreditAccount = start.Live is { Kind: ApplicationKind.Provider, Provider: { } provider } ? LedgerAccounts.Provider((end.Target ?? provider).Name)
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
        if (start.Live is { Kind: ApplicationKind.Provider, Route: { } route })
        {
            // Whichever target answers, the reservation must hold.
            Money? most = null;
            foreach (var target in route.Targets)
            {
                var one = Tokens(start, SkuOf(start, target)!);
                if (one is null || (most is { } m && m.Currency != one.Value.Currency))
                {
                    return null;
                }

                most = most is { } before && before.NanoUnits >= one.Value.NanoUnits ? before : one;
            }

            return most;
        }

        if (SkuOf(start) is not { } sku)
        {
            return machine;
        }

        var tokens = Tokens(start, sku);
        return machine is null || tokens is null ? tokens : machine.Value.Currency == tokens.Value.Currency ? machine + tokens : null;
    }

    private Money? Tokens(RequestStart start, string sku) => start.Route is "embeddings" or "rerank"
        ? options.Prices.Find(sku, Meter.EmbeddingInput, start.At)?.For(start.InputBound)
        : options.Prices.WorstCase(sku, start.InputBound + (start.Live?.MaximumAddedInputTokens ?? 0), start.OutputBound, start.At);

    private static string? SkuOf(RequestStart start, Providers.ProviderTarget? target = null) =>
        target?.Sku ?? start.Live?.Sku
        ?? (start.Live is { Kind: ApplicationKind.Provider, Provider: { } provider } ? (target ?? provider).Sku ?? (target ?? provider).Model : null);
}
