using System.Globalization;
using Lauter.Console.Texts;

namespace Lauter.Console.Views;

/// <summary>Numbers, times and amounts as people read them, in one language.</summary>
internal sealed class Numbers(ConsoleTexts texts)
{
    public string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public string Count(double value) => value.ToString(Math.Abs(value) < 10 ? "0.##" : "N0", CultureInfo.InvariantCulture);

    /// <summary>1,234,567 → 1.23 M.</summary>
    public string Large(long value) => value switch
    {
        >= 1_000_000_000 => (value / 1e9).ToString("0.##", CultureInfo.InvariantCulture) + " B",
        >= 1_000_000 => (value / 1e6).ToString("0.##", CultureInfo.InvariantCulture) + " M",
        >= 10_000 => (value / 1e3).ToString("0.#", CultureInfo.InvariantCulture) + " k",
        _ => Count(value),
    };

    public string Percent(double? share, int decimals = 1) =>
        share is { } value && double.IsFinite(value) ? (value * 100).ToString("F" + decimals, CultureInfo.InvariantCulture) + " %" : texts["unknown"];

    /// <summary>A difference of two shares in percentage points, always with its sign.</summary>
    public string Points(double? difference) =>
        difference is { } value && double.IsFinite(value) ? texts.With("gate.points", Signed(value)) : texts["unknown"];

    /// <summary>A difference of two shares as a bare number of percentage points, for marks on an axis.</summary>
    public string Signed(double difference) => (difference * 100).ToString("+0.0;−0.0;0", CultureInfo.InvariantCulture);

    /// <summary>The interval of a difference, in percentage points.</summary>
    public string PointsInterval(double? low, double? high) =>
        low is { } from && high is { } to && double.IsFinite(from) && double.IsFinite(to) ? texts.With("gate.points", $"{Signed(from)} … {Signed(to)}") : texts["unknown"];

    /// <summary>The interval of a share, in percent.</summary>
    public string Interval(double? low, double? high) =>
        low is { } from && high is { } to && double.IsFinite(from) && double.IsFinite(to)
            ? string.Create(CultureInfo.InvariantCulture, $"{from * 100:0.0} … {to * 100:0.0} %")
            : texts["unknown"];

    public string Loss(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    public string PValue(double? p) => p switch
    {
        null => texts["unknown"],
        < 0.0001 => "< 0.0001",
        { } value => value.ToString("0.0000", CultureInfo.InvariantCulture),
    };

    public string Bytes(long bytes) => bytes switch
    {
        >= 1L << 30 => (bytes / (double)(1L << 30)).ToString("0.00", CultureInfo.InvariantCulture) + " GiB",
        >= 1L << 20 => (bytes / (double)(1L << 20)).ToString("0", CultureInfo.InvariantCulture) + " MiB",
        _ => (bytes / 1024.0).ToString("0", CultureInfo.InvariantCulture) + " KiB",
    };

    public string Duration(TimeSpan? time) => time switch
    {
        null => texts["unknown"],
        { TotalHours: >= 1 } t => texts.With("unit.hours", (long)t.TotalHours, t.Minutes),
        { TotalMinutes: >= 1 } t => texts.With("unit.minutes", (long)t.TotalMinutes, t.Seconds),
        { TotalSeconds: >= 1 } t => texts.With("unit.seconds", t.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)),
        { } t => texts.With("unit.milliseconds", t.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)),
    };

    /// <summary>An amount with at least two significant digits down to 10⁻⁹, so that small costs are never rounded to nothing.</summary>
    public string Money(decimal? amount, string currency)
    {
        if (amount is not { } value)
        {
            return texts["unknown"];
        }

        var format = Math.Abs(value) switch
        {
            0 or >= 1 => "#,##0.00",
            >= 0.001m => "0.0000",
            >= 0.00001m => "0.000000",
            _ => "0.000000###",
        };
        return value.ToString(format, CultureInfo.InvariantCulture) + " " + currency;
    }

    public string Clock(DateTimeOffset time) => time.UtcDateTime.ToString("HH:mm:ss", CultureInfo.InvariantCulture) + " UTC";

    public string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC";

    /// <summary>How long ago, up to a day; then the date.</summary>
    public string Ago(DateTimeOffset time, DateTimeOffset now) => (now - time) switch
    {
        { TotalMinutes: < 1 } => texts["when.now"],
        { TotalHours: < 1 } t => texts.With("when.minutes", (long)t.TotalMinutes),
        { TotalHours: < 24 } t => texts.With("when.hours", (long)t.TotalHours),
        _ => Day(time),
    };

    public static string Short(string sha256) => sha256.Length > 12 ? sha256[..12] : sha256;
}
