namespace Lauter.Evaluation.Runs;

/// <summary>An item on which two scorecards differ.</summary>
/// <param name="Id">The item.</param>
/// <param name="Language">Its language.</param>
/// <param name="Won">True when the second scorecard has it right and the first had it wrong.</param>
/// <param name="Group">What the items of a group have in common, for example <c>intent: refund → repair</c>; empty without a field.</param>
/// <param name="Before">The first scorecard's outcome.</param>
/// <param name="After">The second scorecard's outcome.</param>
public sealed record FlippedItem(string Id, string Language, bool Won, string Group, ItemOutcome Before, ItemOutcome After);

/// <summary>The items that flipped from one scorecard to another: what a person reads before trusting an average.</summary>
public static class ScorecardDiff
{
    /// <summary>
    /// Items whose score of <paramref name="metric"/> differs, lost ones first, then by group and id. Items that only one scorecard
    /// has are left out; a gate names those.
    /// </summary>
    public static IReadOnlyList<FlippedItem> Flipped(Scorecard before, Scorecard after, string metric)
    {
        // A score given by another program has no field to show.
        var field = after.Metrics.FirstOrDefault(m => m.Name == metric && m.Kind != Metrics.MetricKind.Score)?.Field;
        var earlier = before.Items.ToDictionary(i => i.Id, StringComparer.Ordinal);
        var flips =
            from now in after.Items
            let was = earlier.GetValueOrDefault(now.Id)
            where was is not null
            let first = was.Scores.GetValueOrDefault(metric, double.NaN)
            let second = now.Scores.GetValueOrDefault(metric, double.NaN)
            where first != second && !double.IsNaN(first) && !double.IsNaN(second)
            select new FlippedItem(now.Id, now.Language, second > first, Group(was, now, field), was, now);
        return [.. flips.OrderBy(f => f.Won).ThenBy(f => f.Group, StringComparer.Ordinal).ThenBy(f => f.Id, StringComparer.Ordinal)];
    }

    private static string Group(ItemOutcome was, ItemOutcome now, string? field) =>
        field is null ? "" : $"{field}: {Said(was, field)} → {Said(now, field)}";

    private static string Said(ItemOutcome item, string field) =>
        item.Prediction?[field] is { } said ? said.ToString() : item.Failure ?? "nothing";
}
