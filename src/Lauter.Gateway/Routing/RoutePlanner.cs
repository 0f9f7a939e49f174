using Lauter.Gateway.Providers;
using Lauter.Ledger;

namespace Lauter.Gateway.Routing;

/// <summary>
/// Puts the targets of a route in the order in which they are asked: ranks ascend; within a rank the first is chosen by weight, latency
/// or cost and the others follow; targets that cool down go to the end, so that they are asked only when nothing else is left.
/// </summary>
internal sealed class RoutePlanner(TargetHealth health, PriceBook prices, TimeProvider time)
{
    public IReadOnlyList<ProviderTarget> Order(ProviderRoute route, in RouteQuestion question, string? sku)
    {
        if (route.Entries.Count == 1)
        {
            return route.Entries[0].When is { } only && !only.Holds(question) ? [] : [route.Entries[0].Target];
        }

        List<RouteEntry> entries = [];
        foreach (var entry in route.Entries)
        {
            if (entry.When?.Holds(question) ?? true)
            {
                entries.Add(entry);
            }
        }

        List<ProviderTarget> order = new(entries.Count);
        foreach (var rank in entries.GroupBy(e => e.Rank).OrderBy(g => g.Key))
        {
            AddRank(order, [.. rank], route.Choose, question, sku);
        }

        var ready = order.Where(health.MayAsk).ToList();
        return ready.Count == 0 ? order : [.. ready, .. order.Except(ready)];
    }

    private void AddRank(List<ProviderTarget> order, List<RouteEntry> rank, RouteChoice choose, RouteQuestion question, string? sku)
    {
        if (choose == RouteChoice.Cost)
        {
            order.AddRange(rank.OrderBy(e => Price(e.Target, question, sku)).Select(e => e.Target));
            return;
        }

        while (rank.Count > 0)
        {
            var chosen = Draw(rank);
            if (choose == RouteChoice.Latency && rank.Count > 1)
            {
                // The better of two at random: following the single fastest would send everybody there at once.
                var other = Draw([.. rank.Where(e => e != chosen)]);
                chosen = health.Latency(other.Target) < health.Latency(chosen.Target) ? other : chosen;
            }

            order.Add(chosen.Target);
            rank.Remove(chosen);
        }
    }

    private static RouteEntry Draw(List<RouteEntry> rank)
    {
        var at = Random.Shared.NextDouble() * rank.Sum(e => e.Weight);
        foreach (var entry in rank)
        {
            at -= entry.Weight;
            if (at < 0)
            {
                return entry;
            }
        }

        return rank[^1];
    }

    private decimal Price(ProviderTarget target, RouteQuestion question, string? sku) =>
        prices.WorstCase(target.Sku ?? sku ?? target.Model, question.InputTokens, question.OutputTokens, time.GetUtcNow()) is { } cost
            ? cost.NanoUnits : decimal.MaxValue;
}
