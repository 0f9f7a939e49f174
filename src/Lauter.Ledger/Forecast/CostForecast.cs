namespace Lauter.Ledger.Forecast;

/// <summary>A figure with the range in which it lies in four of five cases.</summary>
/// <param name="Low">The 10th percentile.</param>
/// <param name="Middle">The median.</param>
/// <param name="High">The 90th percentile.</param>
public sealed record MoneyRange(Money Low, Money Middle, Money High);

/// <summary>What the current month will cost.</summary>
/// <param name="Month">As <c>2026-03</c>.</param>
/// <param name="SoFar">Known cost until now.</param>
/// <param name="Expected">Cost at the end of the month; null with fewer than <see cref="CostForecast.LeastDays"/> whole days of history.</param>
/// <param name="DaysOfHistory">Whole days that the range rests on.</param>
/// <param name="Complete">False when charges of unknown cost are among them: the forecast is then a lower bound.</param>
public sealed record MonthForecast(string Month, Money SoFar, MoneyRange? Expected, int DaysOfHistory, bool Complete);

/// <summary>
/// Forecasts the month from the days so far, by resampling the last four weeks of whole days (bootstrap, 2,000 draws, seeded: the same ledger gives the same
/// range). Days without any use count as zero. Steps of the flywheel that run now and then are part of the days on which they ran.
/// </summary>
public static class CostForecast
{
    /// <summary>Fewer whole days than this say nothing about the rest of a month.</summary>
    public const int LeastDays = 3;

    private const int Draws = 2_000;
    private const int HistoryDays = 28;

    /// <summary>The forecast per currency.</summary>
    /// <param name="store">The ledger.</param>
    /// <param name="now">The present.</param>
    /// <param name="seed">Seed of the draws.</param>
    public static IReadOnlyList<MonthForecast> Month(LedgerStore store, DateTimeOffset now, int seed = 1)
    {
        var (from, until) = LedgerMonth.Parse(LedgerMonth.Of(now));
        var today = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        var month = store.Totals(new LedgerFilter { From = from, Until = until }, LedgerDimension.Month);
        var history = Days(store, today);
        var complete = month.Sum(m => m.UnpricedLines) == 0;
        return [.. month.SelectMany(m => m.Amounts).Concat(history.SelectMany(h => h.Amounts)).Select(a => a.Currency).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(currency =>
        {
            var soFar = month.SelectMany(m => m.Amounts).Where(a => a.Currency == currency).Aggregate(Money.Zero(currency), (sum, a) => sum + a);
            var days = history.Select(h => h.Amounts.FirstOrDefault(a => a.Currency == currency).NanoUnits).ToArray();
            return new MonthForecast(LedgerMonth.Of(now), soFar, Expected(soFar, days, until - now, seed), days.Length, complete);
        })];
    }

    /// <summary>The days before <paramref name="today"/> from the first use on, at most four weeks, those without use as empty.</summary>
    internal static IReadOnlyList<LedgerTotal> Days(LedgerStore store, DateTimeOffset today)
    {
        if (store.Span() is not { } span || span.First >= today)
        {
            return [];
        }

        var first = new DateTimeOffset(span.First.UtcDateTime.Date, TimeSpan.Zero);
        first = first < today.AddDays(-HistoryDays) ? today.AddDays(-HistoryDays) : first;
        var totals = store.Totals(new LedgerFilter { From = first, Until = today }, LedgerDimension.Day).ToDictionary(t => t.Key, StringComparer.Ordinal);
        return [.. Enumerable.Range(0, (int)(today - first).TotalDays).Select(n => first.AddDays(n).ToString("yyyy-MM-dd"))
            .Select(day => totals.GetValueOrDefault(day) ?? new LedgerTotal(day, [], 0, 0))];
    }

    private static MoneyRange? Expected(Money soFar, long[] days, TimeSpan rest, int seed)
    {
        if (days.Length < LeastDays)
        {
            return null;
        }

        var random = new Random(seed);
        var (whole, part) = ((int)rest.TotalDays, (decimal)(rest.TotalDays - Math.Floor(rest.TotalDays)));
        var draws = new long[Draws];
        var history = new long[days.Length];
        for (var i = 0; i < Draws; i++)
        {
            // Two sources of doubt: which days the history happened to have, and which ones the rest of the month will have. Without the first the range is a
            // fifth too narrow.
            for (var d = 0; d < history.Length; d++)
            {
                history[d] = days[random.Next(days.Length)];
            }

            var sum = (decimal)history[random.Next(history.Length)] * part;
            for (var d = 0; d < whole; d++)
            {
                sum += history[random.Next(history.Length)];
            }

            draws[i] = soFar.NanoUnits + (long)sum;
        }

        Array.Sort(draws);
        return new MoneyRange(At(0.1), At(0.5), At(0.9));
        Money At(double share) => new(draws[(int)Math.Round(share * (Draws - 1))], soFar.Currency);
    }
}
