namespace Lauter.Ledger.Forecast;

/// <summary>A figure that the forecast rests on, with its range.</summary>
/// <param name="Name">One of <see cref="OwnershipForecast.DriverNames"/>.</param>
/// <param name="Low">Lowest plausible value.</param>
/// <param name="High">Highest plausible value.</param>
/// <param name="Basis"><c>measured</c> with how, or <c>stated</c>.</param>
public sealed record ForecastDriver(string Name, decimal Low, decimal High, string Basis);

/// <summary>One year of the forecast.</summary>
/// <param name="Year">1, 2 or 3, from now.</param>
/// <param name="Total">Cost of that year.</param>
public sealed record ForecastYear(int Year, MoneyRange Total);

/// <summary>How much of the three-year total one driver moves.</summary>
/// <param name="Name">The driver.</param>
/// <param name="AtLow">The total when it is at its low end and every other one in the middle.</param>
/// <param name="AtHigh">The same at its high end.</param>
public sealed record ForecastSwing(string Name, Money AtLow, Money AtHigh);

/// <summary>
/// What owning the application costs in three years. Published figures of this kind differ by a factor of fifty, because of utilisation, the share of people's time
/// and growth: so nothing here is assumed. What the ledger has measured is taken from it with its range; what it cannot know must be stated, and what is
/// neither is named in <see cref="Missing"/> and left out, which makes the total a lower bound.
/// </summary>
/// <param name="Currency">Of every amount.</param>
/// <param name="Drivers">What it rests on.</param>
/// <param name="Missing">Drivers that are neither measured nor stated.</param>
/// <param name="Years">Each year.</param>
/// <param name="Total">All three years.</param>
/// <param name="Swings">The drivers, the most powerful one first.</param>
public sealed record OwnershipForecast(
    string Currency, IReadOnlyList<ForecastDriver> Drivers, IReadOnlyList<string> Missing, IReadOnlyList<ForecastYear> Years, MoneyRange Total, IReadOnlyList<ForecastSwing> Swings)
{
    private const int Draws = 4_000;
    private const int Months = 36;

    /// <summary>The drivers with their units.</summary>
    public static IReadOnlyDictionary<string, string> DriverNames { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["requests_per_day"] = "requests a day now (measured)",
        ["growth_per_month"] = "growth of requests a month, 0.05 = 5 %",
        ["serving_per_request"] = "cost of serving one request in currency units (measured)",
        ["idle_per_day"] = "cost a day of machines that wait (measured)",
        ["iteration"] = "cost of one iteration: data, training, evaluation (measured)",
        ["iterations_per_year"] = "iterations a year",
        ["people_hours_per_month"] = "hours a month of labelling, operations, review",
        ["people_hour"] = "cost of one of these hours in currency units",
        ["fixed_per_month"] = "licences, hosting and other fixed cost a month in currency units",
    };

    /// <summary>True when every driver is known.</summary>
    public bool Complete => Missing.Count == 0;

    /// <summary>Forecasts from the ledger and what was stated.</summary>
    /// <param name="store">The ledger.</param>
    /// <param name="now">The present.</param>
    /// <param name="currency">The currency; charges in others are left out.</param>
    /// <param name="stated">Drivers by hand; they go before measured ones.</param>
    /// <param name="seed">Seed of the draws.</param>
    public static OwnershipForecast Of(LedgerStore store, DateTimeOffset now, string currency, IReadOnlyList<ForecastDriver> stated, int seed = 1)
    {
        var drivers = Measure(store, now, currency, seed).Where(m => stated.All(s => s.Name != m.Name)).Concat(stated)
            .OrderBy(d => DriverNames.Keys.ToList().IndexOf(d.Name)).ToList();
        var random = new Random(seed);
        var draws = Enumerable.Range(0, Draws).Select(_ => Years3(drivers.ToDictionary(d => d.Name, d => d.Low + ((d.High - d.Low) * (decimal)random.NextDouble())))).ToArray();
        var middle = drivers.ToDictionary(d => d.Name, d => (d.Low + d.High) / 2);
        return new OwnershipForecast(
            currency, drivers, [.. DriverNames.Keys.Except(drivers.Select(d => d.Name), StringComparer.Ordinal)],
            [.. Enumerable.Range(0, 3).Select(y => new ForecastYear(y + 1, Range(draws.Select(d => d[y]), currency)))], Range(draws.Select(d => d.Sum()), currency),
            [.. drivers.Where(d => d.Low != d.High).Select(d => new ForecastSwing(d.Name, With(d.Name, d.Low), With(d.Name, d.High)))
                .OrderByDescending(s => Math.Abs(s.AtHigh.NanoUnits - s.AtLow.NanoUnits))]);

        Money With(string name, decimal value) => ToMoney(Years3(new Dictionary<string, decimal>(middle) { [name] = value }).Sum(), currency);
    }

    /// <summary>The cost of three years, in currency units, month by month.</summary>
    private static decimal[] Years3(Dictionary<string, decimal> d)
    {
        decimal Of(string name, decimal otherwise = 0) => d.GetValueOrDefault(name, otherwise);
        var years = new decimal[3];
        var requests = Of("requests_per_day") * 365.25m / 12;
        for (var month = 0; month < Months; month++)
        {
            years[month / 12] += (requests * Of("serving_per_request")) + (Of("idle_per_day") * 365.25m / 12) + (Of("iteration") * Of("iterations_per_year") / 12)
                + (Of("people_hours_per_month") * Of("people_hour")) + Of("fixed_per_month");
            requests *= 1 + Of("growth_per_month");
        }

        return years;
    }

    private static List<ForecastDriver> Measure(LedgerStore store, DateTimeOffset now, string currency, int seed)
    {
        var today = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        var days = CostForecast.Days(store, today);
        List<ForecastDriver> drivers = [];
        if (days.Count >= CostForecast.LeastDays)
        {
            var serving = ByDay(LedgerPhase.Serving);
            var idle = ByDay(LedgerPhase.Idle);
            Add("requests_per_day", days.Select(d => serving.GetValueOrDefault(d.Key).Entries), days.Select(_ => 1m), $"{days.Count} days");
            Add("idle_per_day", days.Select(d => idle.GetValueOrDefault(d.Key).Cost), days.Select(_ => 1m), $"{days.Count} days");
            if (serving.Values.Sum(v => v.Entries) > 0)
            {
                Add("serving_per_request", days.Select(d => serving.GetValueOrDefault(d.Key).Cost), days.Select(d => serving.GetValueOrDefault(d.Key).Entries), $"{serving.Values.Sum(v => v.Entries):#,0} requests");
            }
        }

        // An iteration is one training with the data and evaluation work around it.
        var phases = store.Totals(new LedgerFilter { Until = now }, LedgerDimension.Phase).ToDictionary(t => t.Key, StringComparer.Ordinal);
        if (phases.TryGetValue(LedgerAccounts.NameOf(LedgerPhase.Training), out var trainings) && trainings.Entries > 0)
        {
            var cost = new[] { LedgerPhase.Data, LedgerPhase.Vectorising, LedgerPhase.Training, LedgerPhase.Evaluation }
                .Sum(p => phases.TryGetValue(LedgerAccounts.NameOf(p), out var total) ? Units(total) : 0) / trainings.Entries;
            drivers.Add(new ForecastDriver("iteration", cost, cost, $"measured: {trainings.Entries} trainings"));
        }

        return drivers;

        Dictionary<string, (decimal Cost, decimal Entries)> ByDay(LedgerPhase phase) => store.Totals(
            new LedgerFilter { Until = today, Values = new Dictionary<LedgerDimension, string> { [LedgerDimension.Phase] = LedgerAccounts.NameOf(phase) } }, LedgerDimension.Day)
            .ToDictionary(t => t.Key, t => (Units(t), (decimal)t.Entries), StringComparer.Ordinal);

        decimal Units(LedgerTotal total) => total.Amounts.Where(a => a.Currency == currency).Sum(a => a.Units);

        // The range of the mean over the days, by resampling them.
        void Add(string name, IEnumerable<decimal> values, IEnumerable<decimal> weights, string basis)
        {
            var (v, w, random) = (values.ToArray(), weights.ToArray(), new Random(seed));
            var means = Enumerable.Range(0, 1_000).Select(_ =>
            {
                var (sum, weight) = (0m, 0m);
                for (var i = 0; i < v.Length; i++)
                {
                    var pick = random.Next(v.Length);
                    (sum, weight) = (sum + v[pick], weight + w[pick]);
                }

                return weight == 0 ? v.Sum() / Math.Max(1, w.Sum()) : sum / weight;
            }).Order().ToArray();
            drivers.Add(new ForecastDriver(name, means[100], means[899], "measured: " + basis));
        }
    }

    private static MoneyRange Range(IEnumerable<decimal> values, string currency)
    {
        var sorted = values.Order().ToArray();
        return new MoneyRange(ToMoney(sorted[(int)(0.1 * (sorted.Length - 1))], currency), ToMoney(sorted[sorted.Length / 2], currency), ToMoney(sorted[(int)(0.9 * (sorted.Length - 1))], currency));
    }

    private static Money ToMoney(decimal units, string currency) => new((long)Math.Round(Math.Clamp(units, -9_000_000_000, 9_000_000_000) * Money.NanosPerUnit), currency);
}
