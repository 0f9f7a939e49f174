using System.Text.Json.Nodes;

namespace Lauter.Ledger;

/// <summary>
/// What one hour of one core of the local machine costs, busy or not: purchase over its life + power + people, divided by its cores.
/// Idle time is charged at the same rate to an account of its own, so the sum of all accounts is what the machine costs.
/// </summary>
/// <param name="CoreHour">Cost of one core for one hour.</param>
/// <param name="Basis">How the figure came about, for a person to check.</param>
/// <param name="Assumed">True for the built-in default: nobody has stated this machine's cost.</param>
/// <param name="GpuHour">Cost of one GPU for one hour; null = unknown.</param>
public sealed record MachineRate(Money CoreHour, string Basis, bool Assumed, Money? GpuHour = null)
{
    /// <summary>The name under which local work is priced.</summary>
    public const string Sku = "machine";

    /// <summary>Core- or GPU-microseconds in an hour: what <see cref="CoreHour"/> and <see cref="GpuHour"/> buy.</summary>
    public const long MicrosecondsPerHour = 3_600_000_000;

    /// <summary>First instant at which the rate holds; null = from the beginning.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>First instant at which it no longer holds; null = still valid.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>True when the rate holds at <paramref name="at"/>.</summary>
    public bool HoldsAt(DateTimeOffset at) => (From is null || From <= at) && (Until is null || at < Until);

    /// <summary>Average hours in a month of the Gregorian calendar.</summary>
    public const decimal HoursPerMonth = 730.5m;

    /// <summary>
    /// The built-in default, an assumption and marked as such in every bill: a machine of 8 cores bought for 8,000 CNY and used for 4 years,
    /// drawing 65 W at 0.60 CNY/kWh, kept by one person 2 hours a month at 150 CNY/hour.
    /// </summary>
    public static MachineRate BuiltInAssumption { get; } = FromParts(
        cores: 8, Parse("8000 CNY"), lifeYears: 4, watts: 65, Parse("0.60 CNY"), peopleHoursPerMonth: 2, Parse("150 CNY"), assumed: true);

    /// <summary>
    /// The built-in assumption in the currency of the project, so that a budget in it can be kept: CNY as <see cref="BuiltInAssumption"/>; USD: 1,200
    /// for the machine, 0.15/kWh, 50/hour; EUR: 1,100, 0.25/kWh, 45/hour; otherwise the same. Null for any other currency.
    /// </summary>
    public static MachineRate? AssumedIn(string currency) => currency switch
    {
        "CNY" => BuiltInAssumption,
        "USD" => FromParts(8, Parse("1200 USD"), 4, 65, Parse("0.15 USD"), 2, Parse("50 USD"), assumed: true),
        "EUR" => FromParts(8, Parse("1100 EUR"), 4, 65, Parse("0.25 EUR"), 2, Parse("45 EUR"), assumed: true),
        _ => null,
    };

    /// <summary>The cost of <paramref name="coreMicroseconds"/> core-microseconds.</summary>
    public Money ForCores(long coreMicroseconds) => Money.ForQuantity(coreMicroseconds, CoreHour.NanoUnits, MicrosecondsPerHour, CoreHour.Currency);

    /// <summary>The rate that follows from what the machine cost and costs. All amounts are of one currency.</summary>
    /// <param name="cores">Cores of the machine that may be used, at least 1.</param>
    /// <param name="purchase">Price of the machine.</param>
    /// <param name="lifeYears">Years until it is written off, above 0.</param>
    /// <param name="watts">Average draw.</param>
    /// <param name="kilowattHour">Price of a kilowatt-hour.</param>
    /// <param name="peopleHoursPerMonth">Hours of people who keep it running.</param>
    /// <param name="peopleHour">Cost of one of these hours.</param>
    /// <param name="assumed">True when these are not the owner's numbers.</param>
    public static MachineRate FromParts(
        int cores, Money purchase, decimal lifeYears, decimal watts, Money kilowattHour, decimal peopleHoursPerMonth, Money peopleHour, bool assumed = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cores);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lifeYears);
        var perHour = (purchase.NanoUnits / (lifeYears * 12 * HoursPerMonth))
            + (watts / 1000 * kilowattHour.NanoUnits)
            + (peopleHoursPerMonth / HoursPerMonth * peopleHour.NanoUnits);
        _ = purchase + kilowattHour + peopleHour; // one currency, or an exception
        var nanos = (long)Math.Round(perHour / cores, MidpointRounding.ToEven);
        return new MachineRate(
            new Money(nanos, purchase.Currency),
            $"{purchase} over {lifeYears} years + {watts} W at {kilowattHour}/kWh + {peopleHoursPerMonth} h/month at {peopleHour}/h, {cores} cores",
            assumed);
    }

    /// <summary>
    /// Reads <c>{ core_hour: 0.12 CNY }</c> or <c>{ cores, purchase, life_years, watts, kilowatt_hour, people_hours_month, people_hour }</c>,
    /// each optionally with <c>gpu_hour</c>, <c>from</c> and <c>until</c>. Adds every fault to <paramref name="faults"/>.
    /// </summary>
    internal static MachineRate? Read(string path, JsonObject section, List<string> faults)
    {
        string[] known = ["from", "until", "core_hour", "gpu_hour", "cores", "purchase", "life_years", "watts", "kilowatt_hour", "people_hours_month", "people_hour"];
        var before = faults.Count;
        faults.AddRange(section.Select(m => m.Key).Except(known, StringComparer.Ordinal)
            .Select(key => $"{path}.{key}: unknown key; the keys are {string.Join(", ", known)}."));
        var reader = new SectionReader(path, section, faults);
        var gpu = section.ContainsKey("gpu_hour") ? reader.Amount("gpu_hour") : null;
        var (from, until) = (reader.Instant("from"), reader.Instant("until"));
        if (until <= (from ?? DateTimeOffset.UnixEpoch))
        {
            faults.Add($"{path}.until: {until:yyyy-MM-dd} is not after from {from:yyyy-MM-dd}.");
        }

        MachineRate? rate;
        if (section.ContainsKey("core_hour"))
        {
            rate = reader.Amount("core_hour") is { } hour ? new MachineRate(hour, "stated in the project's prices", Assumed: false, gpu) : null;
        }
        else
        {
            var (cores, purchase, life, watts) = (reader.Number("cores"), reader.Amount("purchase"), reader.Number("life_years"), reader.Number("watts"));
            var (energy, hours, person) = (reader.Amount("kilowatt_hour"), reader.Number("people_hours_month"), reader.Amount("people_hour"));
            if (cores is not null && cores < 1)
            {
                faults.Add($"{path}.cores: {cores} is below 1.");
            }

            if (life is not null && life <= 0)
            {
                faults.Add($"{path}.life_years: {life} is not above 0.");
            }

            if (purchase is { } p && energy is { } e && person is { } h && (p.Currency != e.Currency || p.Currency != h.Currency))
            {
                faults.Add($"{path}: purchase, kilowatt_hour and people_hour are in different currencies ({p.Currency}, {e.Currency}, {h.Currency}).");
            }

            rate = faults.Count > before
                ? null
                : FromParts((int)cores!.Value, purchase!.Value, life!.Value, watts!.Value, energy!.Value, hours!.Value, person!.Value) with { GpuHour = gpu };
        }

        return faults.Count > before || rate is null ? null : rate with { From = from, Until = until };
    }

    private static Money Parse(string text) => Money.Parse(text);
}
