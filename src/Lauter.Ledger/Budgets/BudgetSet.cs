using System.Collections.Frozen;

namespace Lauter.Ledger.Budgets;

/// <summary>Which limits apply to an account: its own, and those for every account of its kind for which it has none in the same window.</summary>
internal sealed class BudgetSet
{
    private readonly FrozenDictionary<string, Budget[]> _byAccount;

    /// <param name="configured">From the project.</param>
    /// <param name="stored">Set by hand: each takes the place of a configured one for the same account and window.</param>
    public BudgetSet(IEnumerable<Budget> configured, IEnumerable<Budget> stored)
    {
        var byKey = new Dictionary<string, Budget>(StringComparer.Ordinal);
        foreach (var budget in configured.Concat(stored))
        {
            byKey[budget.Key] = budget;
        }

        All = [.. byKey.Values.OrderBy(b => b.Key, StringComparer.Ordinal)];
        _byAccount = All.GroupBy(b => b.Account, StringComparer.Ordinal).ToFrozenDictionary(g => g.Key, g => g.ToArray(), StringComparer.Ordinal);
    }

    public IReadOnlyList<Budget> All { get; }

    public bool IsEmpty => All.Count == 0;

    public Budget[] Of(string account)
    {
        if (_byAccount.Count == 0)
        {
            return [];
        }

        var own = _byAccount.GetValueOrDefault(account) ?? [];
        var kind = account.IndexOf(':');
        return kind < 0 || !_byAccount.TryGetValue(account[..kind] + ":*", out var every)
            ? own
            : [.. own, .. every.Where(e => Array.TrueForAll(own, o => o.Window != e.Window)).Select(e => e with { Account = account })];
    }
}
