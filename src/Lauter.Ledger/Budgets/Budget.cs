using System.Text.Json.Nodes;

namespace Lauter.Ledger.Budgets;

/// <summary>How long a limit counts before it starts again, in UTC.</summary>
public enum BudgetWindow
{
    /// <summary>From midnight to midnight.</summary>
    Day,

    /// <summary>From the first to the first.</summary>
    Month,

    /// <summary>For ever.</summary>
    Total,

    /// <summary>From hour to hour.</summary>
    Hour,
}

/// <summary>The written names of the windows: <c>hour</c>, <c>day</c>, <c>month</c>, <c>total</c>.</summary>
public static class BudgetWindows
{
    /// <summary>Every name, shortest window first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["hour", "day", "month", "total"];

    /// <summary>The name of a window.</summary>
    public static string NameOf(BudgetWindow window) => window switch
    {
        BudgetWindow.Hour => "hour",
        BudgetWindow.Day => "day",
        BudgetWindow.Month => "month",
        BudgetWindow.Total => "total",
        _ => throw new ArgumentOutOfRangeException(nameof(window), window, message: null),
    };

    /// <summary>The window called <paramref name="name"/>.</summary>
    public static bool TryParse(string? name, out BudgetWindow window)
    {
        (var found, window) = name switch
        {
            "hour" => (true, BudgetWindow.Hour),
            "day" => (true, BudgetWindow.Day),
            "month" => (true, BudgetWindow.Month),
            "total" => (true, BudgetWindow.Total),
            _ => (false, BudgetWindow.Total),
        };
        return found;
    }
}

/// <summary>A limit on what an account may spend in a window.</summary>
/// <param name="Account">
/// <c>tenant:…</c>, <c>key:…</c>, <c>application:…</c> or <c>user:…</c>. A name of <c>*</c> gives every account of that kind a limit of its own, unless
/// the account has one for the same window.
/// </param>
/// <param name="Limit">The most that may be spent; spending exactly this much is allowed.</param>
/// <param name="Window">When counting starts again.</param>
/// <param name="Shadow">True = measure and report, never refuse.</param>
public sealed record Budget(string Account, Money Limit, BudgetWindow Window, bool Shadow = false)
{
    /// <summary>The name under which leases of this budget are kept: an account may have a limit for the day and one for the month.</summary>
    public string Key => $"{Account}#{BudgetWindows.NameOf(Window)}";

    /// <summary>The start of the window that contains <paramref name="at"/>.</summary>
    public DateTimeOffset StartOf(DateTimeOffset at)
    {
        var utc = at.UtcDateTime;
        return Window switch
        {
            BudgetWindow.Hour => new DateTimeOffset(utc.Date.AddHours(utc.Hour), TimeSpan.Zero),
            BudgetWindow.Day => new DateTimeOffset(utc.Date, TimeSpan.Zero),
            BudgetWindow.Month => new DateTimeOffset(utc.Year, utc.Month, 1, 0, 0, 0, TimeSpan.Zero),
            _ => DateTimeOffset.UnixEpoch,
        };
    }

    /// <summary>When the window that contains <paramref name="at"/> ends; null for <see cref="BudgetWindow.Total"/>.</summary>
    public DateTimeOffset? EndOf(DateTimeOffset at) => Window switch
    {
        BudgetWindow.Hour => StartOf(at).AddHours(1),
        BudgetWindow.Day => StartOf(at).AddDays(1),
        BudgetWindow.Month => StartOf(at).AddMonths(1),
        _ => null,
    };

    /// <summary>
    /// Reads <c>{ month: 200 CNY }</c>, <c>{ day: 5 CNY, shadow: true }</c> or <c>{ total: 1000 CNY }</c>: several windows give several budgets.
    /// Adds every fault to <paramref name="faults"/>, each beginning with <paramref name="path"/>.
    /// </summary>
    public static IReadOnlyList<Budget> Read(string account, string path, JsonObject section, ICollection<string> faults)
    {
        List<Budget> budgets = [];
        var shadow = false;
        foreach (var (key, value) in section)
        {
            if (key == "shadow")
            {
                shadow = value?.GetValueKind() == System.Text.Json.JsonValueKind.True;
                if (value?.GetValueKind() is not (System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False))
                {
                    faults.Add($"{path}.shadow: {value?.ToJsonString() ?? "null"} is not true or false.");
                }
            }
            else if (!BudgetWindows.TryParse(key, out var window))
            {
                faults.Add($"{path}.{key}: unknown key; the keys are {string.Join(", ", BudgetWindows.Names)}, shadow.");
            }
            else if (!Money.TryParse(value?.ToString(), out var limit) || limit.NanoUnits < 0)
            {
                faults.Add($"{path}.{key}: {value?.ToJsonString() ?? "null"} is not an amount such as '200 CNY'.");
            }
            else
            {
                budgets.Add(new Budget(account, limit, window));
            }
        }

        return [.. budgets.Select(b => b with { Shadow = shadow })];
    }
}

/// <summary>Why a reservation did not fit.</summary>
/// <param name="Budget">The limit that stands in the way.</param>
/// <param name="Needed">What the request could cost at most.</param>
/// <param name="Available">What is neither spent nor reserved.</param>
/// <param name="ResetsAt">When the window ends; null = never.</param>
public sealed record BudgetRefusal(Budget Budget, Money Needed, Money Available, DateTimeOffset? ResetsAt)
{
    /// <summary>One sentence for the caller.</summary>
    public override string ToString() => Needed.Currency != Budget.Limit.Currency
        ? $"The budget of {Budget.Account} is in {Budget.Limit.Currency}, the price of this request in {Needed.Currency}: state a price in {Budget.Limit.Currency}, or a budget in {Needed.Currency}."
        : $"The budget of {Budget.Account} ({Budget.Limit} a {BudgetWindows.NameOf(Budget.Window)}) has {Available} left; this request could cost {Needed}. "
        + (ResetsAt is { } at ? $"It starts again at {at:yyyy-MM-dd'T'HH:mm'Z'}." : "It does not start again: ask for a higher limit.");
}

/// <summary>The state of one budget.</summary>
/// <param name="Budget">The limit.</param>
/// <param name="WindowStart">Start of the current window.</param>
/// <param name="Spent">Settled in this window, as far as this process knows.</param>
/// <param name="Reserved">Reserved by requests in flight in this process, plus leases of other holders.</param>
public sealed record BudgetStatus(Budget Budget, DateTimeOffset WindowStart, Money Spent, Money Reserved)
{
    /// <summary>What can still be reserved.</summary>
    public Money Available => Budget.Limit - Spent - Reserved;
}
