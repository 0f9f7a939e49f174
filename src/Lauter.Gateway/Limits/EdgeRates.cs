using Lauter.Gateway.Keys;
using Lauter.Ledger.Budgets;

namespace Lauter.Gateway.Limits;

/// <summary>
/// What a key and its tenant may do, whatever route they ask: requests a minute, requests at once, and, once it is known how many, tokens a minute. The
/// limits come from the key, from the gateway's file and from those that were set by hand; the tightest holds. One <see cref="RateGate"/> counts
/// them all.
/// </summary>
internal sealed class EdgeRates(GatewayOptions options, RateGate gate)
{
    /// <summary>Lets a request in. Neither an admission nor a refusal = there is nothing to count.</summary>
    public RateResult Enter(ApiKey key)
    {
        var own = key.Rate;
        var tenant = options.Tenants.TryGetValue(key.Tenant, out var limits) ? limits.ToRate(key.Tenant) : null;
        if (gate.IsEmpty && own is null && tenant is null)
        {
            return new RateResult(null, null);
        }

        List<RateLimit> applying = new(2);
        Add(gate.LimitOf($"key:{key.Id}", own));
        Add(gate.LimitOf($"tenant:{key.Tenant}", tenant));
        return applying.Count == 0 ? new RateResult(null, null) : gate.Enter(applying, 0);

        void Add(RateLimit? limit)
        {
            if (limit is not null)
            {
                applying.Add(limit);
            }
        }
    }
}
