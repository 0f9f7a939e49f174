using System.Collections.Concurrent;

namespace Lauter.Ledger.Budgets;

/// <summary>
/// Budgets that cannot be overspent and cost no I/O per request. Each process holds a lease per budget and window, granted durably; a
/// request reserves the most it can cost against the lease in memory and settles with what it did cost. After a crash the whole lease
/// counts as spent until <see cref="Reconcile"/> replaces it by what the journal says was settled. Requests that were in flight at the
/// crash left no settlement: what a provider bills for them shows up in the reconciliation with its invoice, not here.
/// </summary>
/// <remarks>Safe for concurrent use; several processes may share one file.</remarks>
public sealed class BudgetLeases : IDisposable
{
    private readonly LeaseTable _table;
    private readonly LeaseHolder _holder;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly List<LeaseSlot> _retired = [];
    private readonly ConcurrentDictionary<string, LeaseSlot> _slots = new(StringComparer.Ordinal);
    private IReadOnlyList<Budget> _configured;
    private volatile BudgetSet _budgets;
    private long _version;

    /// <param name="ledgerPath">The ledger's file, which also holds the limits that were set by hand (<see cref="StoredBudgets"/>).</param>
    /// <param name="budgets">The project's limits; an account without any is not limited.</param>
    /// <param name="time">The clock that decides about windows.</param>
    public BudgetLeases(string ledgerPath, IEnumerable<Budget> budgets, TimeProvider time)
    {
        _configured = [.. budgets];
        _time = time;
        _table = new LeaseTable(ledgerPath);
        _holder = new LeaseHolder(ledgerPath);
        _version = _table.DataVersion();
        _budgets = new BudgetSet(_configured, _table.Stored());
        Rates = _table.StoredRates();
    }

    /// <summary>Every budget, those for every account of a kind as they were stated.</summary>
    public IEnumerable<Budget> Budgets => _budgets.All;

    /// <summary>Limits on rates that were set by hand, as <see cref="ReturnFree"/> last saw them: what a <see cref="RateGate"/> keeps.</summary>
    public IReadOnlyList<RateLimit> Rates { get; private set; }

    /// <summary>Leases held in memory now.</summary>
    internal int SlotCount => _slots.Count;

    /// <summary>True when at least one limit applies to one of <paramref name="accounts"/>, measured or kept.</summary>
    public bool Covers(IReadOnlyList<string> accounts) => !_budgets.IsEmpty && accounts.Any(a => _budgets.Of(a).Length > 0);

    /// <summary>True when at least one limit applies to one of <paramref name="accounts"/> and is not only measured.</summary>
    public bool Limits(IReadOnlyList<string> accounts) => accounts.Any(a => _budgets.Of(a).Any(b => !b.Shadow));

    /// <summary>Replaces the project's limits. What was spent and reserved stays.</summary>
    public void Set(IEnumerable<Budget> budgets)
    {
        lock (_gate)
        {
            _configured = [.. budgets];
            _budgets = new BudgetSet(_configured, _table.Stored());
        }
    }

    /// <summary>Reserves <paramref name="worst"/> in every budget of every account, or nothing.</summary>
    /// <param name="accounts">For example those of tenant, key, application and user.</param>
    /// <param name="worst">The most the request can cost.</param>
    public ReserveResult Reserve(IReadOnlyList<string> accounts, Money worst)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(worst.NanoUnits);
        var budgets = _budgets;
        List<LeaseSlot> taken = [];
        var exceeds = false;
        foreach (var account in accounts)
        {
            foreach (var budget in budgets.Of(account))
            {
                var now = _time.GetUtcNow();
                long available = 0;
                var reserved = budget.Limit.Currency == worst.Currency && TryReserve(budget, worst.NanoUnits, now, taken, out available, ref exceeds);
                if (!reserved && (budget.Limit.Currency == worst.Currency || !budget.Shadow))
                {
                    foreach (var slot in taken)
                    {
                        slot.Settle(worst.NanoUnits, 0);
                    }

                    return new ReserveResult(null, new BudgetRefusal(budget, worst, new Money(available, budget.Limit.Currency), budget.EndOf(now)));
                }
            }
        }

        return new ReserveResult(new Reservation(worst, taken, exceeds), null);
    }

    /// <summary>
    /// Ends the leases of dead processes. <paramref name="settledByLease"/> gets their ids, replays the whole journal (after the processes were
    /// found dead, so that nothing of theirs can follow), and answers what the traces say was settled on each; null = the journal could not be
    /// replayed to its end, and the leases go on counting as spent.
    /// </summary>
    /// <returns>How many leases were ended.</returns>
    public int Reconcile(Func<IReadOnlyList<string>, IReadOnlyDictionary<string, long>?> settledByLease)
    {
        var dead = _table.All().Where(l => _holder.IsDead(l.Holder)).ToList();
        if (dead.Count == 0)
        {
            return 0;
        }

        if (settledByLease([.. dead.Select(l => l.Id)]) is not { } settled)
        {
            return 0;
        }

        foreach (var (id, _) in dead)
        {
            _table.Close(id, settled.GetValueOrDefault(id));
        }

        foreach (var holder in dead.Select(l => l.Holder).Distinct(StringComparer.Ordinal))
        {
            _holder.Forget(holder);
        }

        return dead.Count;
    }

    /// <summary>
    /// Gives unused parts of leases back that another process was refused, ends leases of past windows and of accounts that are quiet and not named
    /// in any budget, and takes over limits that were set by hand. Call it now and then.
    /// </summary>
    public void ReturnFree()
    {
        var wanted = _table.TakeWants(_holder.Name);
        foreach (var (key, slot) in _slots)
        {
            if (wanted.Contains((key, slot.Start.ToUnixTimeMilliseconds())))
            {
                slot.ReturnFree();
            }
        }

        lock (_gate)
        {
            var version = _table.DataVersion();
            if (version != _version)
            {
                _version = version;
                _budgets = new BudgetSet(_configured, _table.Stored());
                Rates = _table.StoredRates();
            }

            // Users come and go: a slot for each that ever asked would grow without end.
            var named = _budgets.All.Select(b => b.Key).ToHashSet(StringComparer.Ordinal);
            foreach (var (key, slot) in _slots)
            {
                if (!named.Contains(key) && slot.TryCloseQuiet())
                {
                    _slots.TryRemove(new KeyValuePair<string, LeaseSlot>(key, slot));
                }
            }

            _retired.RemoveAll(slot => slot.TryClose());
        }
    }

    /// <summary>The state of every budget in its current window, one row per account for those that hold for every account of a kind.</summary>
    public IReadOnlyList<BudgetStatus> Status()
    {
        var now = _time.GetUtcNow();
        var set = _budgets;
        return [.. set.All.Where(b => !b.Account.EndsWith(":*", StringComparison.Ordinal)).Concat(Spread(set, now)).OrderBy(b => b.Key, StringComparer.Ordinal).Select(budget =>
        {
            var start = budget.StartOf(now);
            var (spent, others) = _table.Read(budget, start, _holder.Name);
            var (reserved, settled) = _slots.TryGetValue(budget.Key, out var slot) && slot.Start == start ? slot.State : (0, 0);
            return new BudgetStatus(
                budget, start, new Money(spent + settled, budget.Limit.Currency), new Money(others + reserved, budget.Limit.Currency));
        })];
    }

    /// <summary>The budgets of every account of a kind, for those accounts that have spent or reserved something in the current window.</summary>
    private IEnumerable<Budget> Spread(BudgetSet set, DateTimeOffset now)
    {
        foreach (var budget in set.All.Where(b => b.Account.EndsWith(":*", StringComparison.Ordinal)))
        {
            var (prefix, suffix) = (budget.Account[..^1], "#" + BudgetWindows.NameOf(budget.Window));
            var known = _table.Accounts(budget.StartOf(now)).Concat(_slots.Where(s => s.Value.Start == budget.StartOf(now)).Select(s => s.Key));
            foreach (var account in known.Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && k.EndsWith(suffix, StringComparison.Ordinal))
                .Select(k => k[..^suffix.Length]).Distinct(StringComparer.Ordinal))
            {
                if (set.Of(account).FirstOrDefault(b => b.Window == budget.Window) is { } own && own == budget with { Account = account })
                {
                    yield return own;
                }
            }
        }
    }

    /// <summary>Ends the leases that have nothing in flight; the others count as spent until they are reconciled.</summary>
    public void Dispose()
    {
        foreach (var slot in _slots.Values.Concat(_retired))
        {
            _ = slot.TryClose();
        }

        _holder.Dispose();
        _table.Dispose();
    }

    private bool TryReserve(Budget budget, long worst, DateTimeOffset now, List<LeaseSlot> taken, out long available, ref bool exceeds)
    {
        while (true)
        {
            var slot = SlotOf(budget, now);
            switch (slot.TryReserve(worst, budget, out available, out var over))
            {
                case LeaseAnswer.Reserved:
                    exceeds |= over;
                    taken.Add(slot);
                    return true;
                case LeaseAnswer.DoesNotFit:
                    return false;
                case LeaseAnswer.Closed:
                    _slots.TryRemove(new KeyValuePair<string, LeaseSlot>(budget.Key, slot));
                    now = _time.GetUtcNow();
                    break;
            }
        }
    }

    private LeaseSlot SlotOf(Budget budget, DateTimeOffset now)
    {
        var start = budget.StartOf(now);
        if (_slots.TryGetValue(budget.Key, out var slot) && slot.Start == start)
        {
            return slot;
        }

        lock (_gate)
        {
            if (_slots.TryGetValue(budget.Key, out slot) && slot.Start >= start)
            {
                return slot; // another thread rolled the window first
            }

            if (slot is not null)
            {
                _retired.Add(slot);
            }

            return _slots[budget.Key] = new LeaseSlot(budget, start, _table, _holder.Name);
        }
    }
}

/// <summary>A reservation, or why there is none.</summary>
/// <param name="Reservation">Settle it exactly once.</param>
/// <param name="Refusal">The limit that stands in the way.</param>
public sealed record ReserveResult(Reservation? Reservation, BudgetRefusal? Refusal);

/// <summary>What one request may cost at most, held until it is settled.</summary>
public sealed class Reservation
{
    private readonly IReadOnlyList<LeaseSlot> _slots;
    private int _settled;

    internal Reservation(Money worst, IReadOnlyList<LeaseSlot> slots, bool exceeds)
    {
        Worst = worst;
        _slots = slots;
        ExceedsMeasuredLimit = exceeds;
    }

    /// <summary>The reserved amount.</summary>
    public Money Worst { get; }

    /// <summary>True when a budget that only measures would have refused.</summary>
    public bool ExceedsMeasuredLimit { get; }

    /// <summary>What is held on which lease until the request is settled: what counts if it never is.</summary>
    public IReadOnlyList<BudgetSettlement> Held => [.. _slots.Select(s => new BudgetSettlement(s.LeaseId, Worst.NanoUnits))];

    /// <summary>
    /// Books what the request did cost and gives the rest back. <paramref name="actual"/> null = unknown: the whole reservation counts as
    /// spent. An amount above the reservation is booked as it is, and the next requests find that much less.
    /// </summary>
    /// <returns>What was booked on which lease, for the trace.</returns>
    /// <exception cref="InvalidOperationException">It was settled before, or the currency differs.</exception>
    public IReadOnlyList<BudgetSettlement> Settle(Money? actual)
    {
        var amount = actual ?? Worst;
        if (_slots.Count > 0 && amount.Currency != Worst.Currency)
        {
            throw new InvalidOperationException($"A reservation of {Worst} cannot be settled with {amount}.");
        }

        if (Interlocked.Exchange(ref _settled, 1) != 0)
        {
            throw new InvalidOperationException($"A reservation of {Worst} was settled twice.");
        }

        foreach (var slot in _slots)
        {
            slot.Settle(Worst.NanoUnits, amount.NanoUnits);
        }

        return [.. _slots.Select(s => new BudgetSettlement(s.LeaseId, amount.NanoUnits))];
    }
}

/// <summary>What a request spent of a lease.</summary>
/// <param name="LeaseId">The lease.</param>
/// <param name="NanoUnits">How much, in the budget's currency.</param>
public sealed record BudgetSettlement(string LeaseId, long NanoUnits);
