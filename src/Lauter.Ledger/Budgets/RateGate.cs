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
    public RateResult Enter(IReadOnlyList<string> accounts, long tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        List<RateSlot> taken = [];
        List<RateRefusal> measured = [];
        foreach (var account in accounts)
        {
            while (LimitOf(account) is { } limit)
            {
                var slot = _slots.GetOrAdd(account, _ => new RateSlot(_time));
                var (entered, refusal) = slot.TryEnter(limit, tokens);
                if (!entered && refusal is null)
                {
                    continue; // it was forgotten in between
                }

                if (refusal is not null && !limit.Shadow)
                {
                    foreach (var earlier in taken)
                    {
                        earlier.TakeBack(tokens);
                    }

                    return new RateResult(null, refusal);
                }

                if (refusal is not null)
                {
                    measured.Add(refusal);
                }

                taken.Add(slot);
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
            if (LimitOf(account) is not { } limit || slot.TryClose(limit))
            {
                _slots.TryRemove(new KeyValuePair<string, RateSlot>(account, slot));
            }
        }
    }

    /// <summary>Accounts that are counted now.</summary>
    internal int Count => _slots.Count;

    private RateLimit? LimitOf(string account)
    {
        var limits = _limits;
        if (limits.TryGetValue(account, out var own))
        {
            return own;
        }

        var kind = account.IndexOf(':');
        return kind >= 0 && limits.TryGetValue(account[..kind] + ":*", out var every) ? every with { Account = account } : null;
    }
}

/// <summary>An admission, or why there is none.</summary>
/// <param name="Admission">End it exactly once.</param>
/// <param name="Refusal">What stands in the way.</param>
public sealed record RateResult(RateAdmission? Admission, RateRefusal? Refusal);

/// <summary>One request on its way.</summary>
public sealed class RateAdmission
{
    private readonly IReadOnlyList<RateSlot> _slots;
    private readonly long _tokens;
    private int _ended;

    internal RateAdmission(IReadOnlyList<RateSlot> slots, long tokens, IReadOnlyList<RateRefusal> measured)
    {
        (_slots, _tokens) = (slots, tokens);
        ExceedsMeasuredLimits = measured;
    }

    /// <summary>What limits that only measure would have refused.</summary>
    public IReadOnlyList<RateRefusal> ExceedsMeasuredLimits { get; }

    /// <summary>The request is over: its place is free, and the tokens that it did not use are there again.</summary>
    /// <param name="tokens">What it used; null = unknown, everything that it reserved counts.</param>
    /// <exception cref="InvalidOperationException">It had ended before.</exception>
    public void End(long? tokens)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            throw new InvalidOperationException("A request was ended twice.");
        }

        foreach (var slot in _slots)
        {
            slot.End(_tokens - (tokens ?? _tokens));
        }
    }
}
