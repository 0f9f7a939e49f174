using System.Collections.Concurrent;
using System.Collections.Frozen;

namespace Lauter.Ledger.Budgets;

/// <summary>
/// Request rates, token rates and concurrency of nested accounts: a request gets through all of them or takes nothing of any. In whole numbers, so
/// that over any stretch of time no more than the limit plus one minute's worth is ever admitted. Counted per process.
/// </summary>
/// <remarks>Safe for concurrent use. Accounts that have been quiet for a minute take no memory after <see cref="Forget"/>.</remarks>
public sealed class RateGate
{
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, RateSlot> _slots = new(StringComparer.Ordinal);
    private volatile FrozenDictionary<string, RateLimit> _limits;

    /// <param name="limits">At most one per account.</param>
    /// <param name="time">The clock.</param>
    public RateGate(IEnumerable<RateLimit> limits, TimeProvider time)
    {
        _time = time;
        _limits = limits.ToFrozenDictionary(l => l.Account, StringComparer.Ordinal);
    }

    /// <summary>Replaces the limits. What was used of them stays used.</summary>
    public void Set(IEnumerable<RateLimit> limits) => _limits = limits.ToFrozenDictionary(l => l.Account, StringComparer.Ordinal);

    /// <summary>True when no account has a limit: then nothing needs to be asked.</summary>
    public bool IsEmpty => _limits.Count == 0;

    /// <summary>Lets a request through, or says what stands in the way.</summary>
    /// <param name="accounts">For example those of tenant, key, application and user.</param>
    /// <param name="tokens">The most tokens that it can use.</param>
    public RateResult Enter(IReadOnlyList<string> accounts, long tokens) => Enter(accounts.Select(a => LimitOf(a)).OfType<RateLimit>(), tokens);

    /// <summary>As above with limits that <see cref="LimitOf"/> gave.</summary>
    public RateResult Enter(IEnumerable<RateLimit> limits, long tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        List<(RateSlot Slot, RateLimit Limit)> taken = [];
        List<RateRefusal> measured = [];
        foreach (var limit in limits)
        {
            while (true)
            {
                var slot = _slots.GetOrAdd(limit.Account, _ => new RateSlot(_time));
                var (entered, refusal) = slot.TryEnter(limit, tokens);
                if (!entered && refusal is null)
                {
                    continue; // it was forgotten in between
                }

                if (!entered)
                {
                    foreach (var (earlier, _) in taken)
                    {
                        earlier.TakeBack(tokens);
                    }

                    return new RateResult(null, refusal);
                }

                if (refusal is not null)
                {
                    measured.Add(refusal);
                }

                taken.Add((slot, limit));
                break;
            }
        }

        return new RateResult(new RateAdmission(taken, tokens, measured), null);
    }

    /// <summary>What is left of an account's rates; empty when it has none.</summary>
    public IReadOnlyList<RateHeadroom> Headroom(string account) =>
        LimitOf(account) is { } limit ? (_slots.GetValueOrDefault(account) ?? new RateSlot(_time)).Headroom(limit) : [];

    /// <summary>Drops the accounts that have nothing running and everything left. Call it now and then.</summary>
    public void Forget()
    {
        foreach (var (account, slot) in _slots)
        {
            // Limits that requests bring along are not known here: their slots keep the last one they saw.
            if (slot.TryClose(LimitOf(account)))
            {
                _slots.TryRemove(new KeyValuePair<string, RateSlot>(account, slot));
            }
        }
    }

    /// <summary>Accounts that are counted now.</summary>
    internal int Count => _slots.Count;

    /// <summary>The limit of an account: what was set for it or for every account of its kind, and what it <paramref name="brings"/> itself, whichever is tighter; null = none.</summary>
    public RateLimit? LimitOf(string account, RateLimit? brings = null)
    {
        var limits = _limits;
        if (limits.Count == 0)
        {
            return brings;
        }

        if (!limits.TryGetValue(account, out var set))
        {
            var kind = account.IndexOf(':');
            set = kind >= 0 && limits.TryGetValue(account[..kind] + ":*", out var every) ? every with { Account = account } : null;
        }

        return set is null ? brings : brings is null ? set : set.And(brings);
    }
}

/// <summary>An admission, or why there is none.</summary>
/// <param name="Admission">End it exactly once.</param>
/// <param name="Refusal">What stands in the way.</param>
public sealed record RateResult(RateAdmission? Admission, RateRefusal? Refusal);

/// <summary>One request on its way.</summary>
public sealed class RateAdmission
{
    private readonly List<(RateSlot Slot, RateLimit Limit)> _slots;
    private long _tokens;
    private int _ended;

    internal RateAdmission(List<(RateSlot, RateLimit)> slots, long tokens, IReadOnlyList<RateRefusal> measured)
    {
        (_slots, _tokens) = (slots, tokens);
        ExceedsMeasuredLimits = measured;
    }

    /// <summary>What limits that only measure would have refused.</summary>
    public IReadOnlyList<RateRefusal> ExceedsMeasuredLimits { get; }

    /// <summary>Of the request rates that let it through, the one with the least left; null when it met none.</summary>
    public RateHeadroom? Requests => _slots.SelectMany(s => s.Slot.Headroom(s.Limit)).Where(h => h.Kind == RateKind.Requests).MinBy(h => h.Remaining);

    /// <summary>Takes tokens in every account, or none: for a request that was let in before it was known how many it can use. At most once.</summary>
    /// <returns>What stands in the way; null = they are taken.</returns>
    public RateRefusal? Take(long tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        for (var i = 0; i < _slots.Count; i++)
        {
            if (_slots[i].Slot.TryTake(_slots[i].Limit, tokens, out var taken) is { } refusal && !taken)
            {
                foreach (var (slot, _) in _slots[..i])
                {
                    slot.GiveBack(tokens);
                }

                return refusal;
            }
        }

        _tokens += tokens;
        return null;
    }

    /// <summary>The request is over: its place is free, and the tokens that it did not use are there again.</summary>
    /// <param name="tokens">What it used; null = unknown, everything that it reserved counts.</param>
    /// <exception cref="InvalidOperationException">It had ended before.</exception>
    public void End(long? tokens)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            throw new InvalidOperationException("A request was ended twice.");
        }

        foreach (var (slot, _) in _slots)
        {
            slot.End(_tokens - (tokens ?? _tokens));
        }
    }
}
