namespace Lauter.Ledger;

/// <summary>By what a total can be split.</summary>
public enum LedgerDimension
{
    /// <summary>Part of the flywheel.</summary>
    Phase,

    /// <summary>Application; what belongs to none is <c>project</c>.</summary>
    Application,

    /// <summary>Product.</summary>
    Sku,

    /// <summary>Meter.</summary>
    Meter,

    /// <summary>Day in UTC, as <c>2026-03-31</c>.</summary>
    Day,

    /// <summary>Month in UTC, as <c>2026-03</c>.</summary>
    Month,

    /// <summary>Whose data it was.</summary>
    Tenant,

    /// <summary>The key that was used.</summary>
    Key,

    /// <summary>The caller's user tag.</summary>
    User,

    /// <summary>The release that answered.</summary>
    Release,

    /// <summary>Who is paid.</summary>
    Creditor,
}

/// <summary>Which use counts. Every condition that is not null must hold.</summary>
public sealed record LedgerFilter
{
    /// <summary>First instant.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>First instant that no longer counts.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Exact values of dimensions, in the words of <see cref="LedgerStore.Totals"/>; an empty value = use without one.</summary>
    public IReadOnlyDictionary<LedgerDimension, string> Values { get; init; } = new Dictionary<LedgerDimension, string>();

    /// <summary>Conditions on the lines <c>l</c> and entries <c>e</c>, with their parameters.</summary>
    internal (string Where, (string Name, object? Value)[] Parameters) ToSql()
    {
        List<string> conditions = ["l.meter IS NOT NULL", "e.superseded IS NULL", "e.at >= $from", "e.at < $until"];
        List<(string, object?)> parameters =
            [("$from", From?.ToUnixTimeMilliseconds() ?? long.MinValue), ("$until", Until?.ToUnixTimeMilliseconds() ?? long.MaxValue)];
        foreach (var (dimension, value) in Values)
        {
            var name = $"$d{(int)dimension}";
            conditions.Add($"COALESCE({ColumnOf(dimension)}, '') = {name}");
            parameters.Add((name, ValueOf(dimension, value)));
        }

        return (string.Join(" AND ", conditions), [.. parameters]);
    }

    /// <summary>The SQL expression of a dimension: one of these constants, never anything of a caller.</summary>
    internal static string ColumnOf(LedgerDimension dimension) => dimension switch
    {
        LedgerDimension.Phase => "e.phase",
        LedgerDimension.Application => "COALESCE(e.application, 'project')",
        LedgerDimension.Sku => "l.sku",
        LedgerDimension.Meter => "l.meter",
        LedgerDimension.Day => "strftime('%Y-%m-%d', e.at / 1000, 'unixepoch')",
        LedgerDimension.Month => "strftime('%Y-%m', e.at / 1000, 'unixepoch')",
        LedgerDimension.Tenant => "json_extract(e.tags, '$.tenant')",
        LedgerDimension.Key => "json_extract(e.tags, '$.key')",
        LedgerDimension.User => "json_extract(e.tags, '$.user')",
        LedgerDimension.Release => "json_extract(e.tags, '$.release')",
        LedgerDimension.Creditor => "CASE WHEN l.sku = 'machine' THEN 'machine:local' ELSE e.credit END",
        _ => throw new ArgumentOutOfRangeException(nameof(dimension), dimension, message: null),
    };

    internal static string NameOf(LedgerDimension dimension, object? stored) => (dimension, stored) switch
    {
        (LedgerDimension.Phase, long phase) => LedgerAccounts.NameOf((LedgerPhase)phase),
        (LedgerDimension.Meter, long meter) => MeterNames.NameOf((Meter)meter),
        (_, null) => "",
        _ => stored.ToString()!,
    };

    private static object ValueOf(LedgerDimension dimension, string value) => dimension switch
    {
        LedgerDimension.Phase => Enum.GetValues<LedgerPhase>().Where(p => LedgerAccounts.NameOf(p) == value).Select(p => (object)(int)p).FirstOrDefault(-1),
        LedgerDimension.Meter => MeterNames.TryParse(value, out var meter) ? (int)meter : -1,
        _ => value,
    };
}

/// <summary>The sum of one part.</summary>
/// <param name="Key">The dimension's value; empty = use without one.</param>
/// <param name="Amounts">Known cost per currency.</param>
/// <param name="Entries">Entries of this part.</param>
/// <param name="UnpricedLines">Charges among them whose price is unknown: the cost is then a lower bound.</param>
public sealed record LedgerTotal(string Key, IReadOnlyList<Money> Amounts, long Entries, long UnpricedLines);
