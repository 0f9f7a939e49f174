using System.Globalization;
using Lauter.Ledger.Focus;

namespace Lauter.Ledger.Invoices;

/// <summary>One line of a provider's invoice or cost export.</summary>
/// <param name="Row">Row in the file, the first one after the head is 1.</param>
/// <param name="Day">The day in UTC as <c>2026-03-31</c>, or null when the file names none.</param>
/// <param name="Sku">The product as the provider names it, or null.</param>
/// <param name="Meter">Which use, or null when the line covers several.</param>
/// <param name="Quantity">How much in base units, or null.</param>
/// <param name="Amount">What it costs.</param>
public sealed record InvoiceLine(int Row, string? Day, string? Sku, Meter? Meter, long? Quantity, Money Amount);

/// <summary>
/// Reads a cost export as CSV: FOCUS files, and the exports of the common providers, whose columns are told by their names. Amounts with more than nine
/// decimal places are rounded half to even, each line once.
/// </summary>
/// <param name="Lines">The lines.</param>
/// <param name="Faults">Why the file or a line of it cannot be read; empty = everything was read.</param>
public sealed record Invoice(IReadOnlyList<InvoiceLine> Lines, IReadOnlyList<string> Faults)
{
    private static readonly Dictionary<string, string[]> Columns = new(StringComparer.Ordinal)
    {
        ["day"] = ["ChargePeriodStart", "usage_date_utc", "usage_date", "date", "day", "start_time", "usage_start_date", "timestamp", "created_at"],
        ["sku"] = ["x_Model", "SkuId", "model", "model_version", "line_item", "sku", "product"],
        ["meter"] = ["SkuMeter", "token_type", "usage_type", "meter", "type"],
        ["quantity"] = ["ConsumedQuantity", "quantity", "tokens", "usage", "usage_quantity", "n_tokens"],
        ["amount"] = ["BilledCost", "amount_value", "amount", "cost", "cost_usd", "cost_cny", "total", "total_cost"],
        ["currency"] = ["BillingCurrency", "amount_currency", "currency"],
    };

    /// <summary>Reads a file.</summary>
    /// <param name="csv">The file.</param>
    /// <param name="currency">The currency when no column names one; null = a column must.</param>
    /// <param name="columns">Columns by hand, from <c>day</c>, <c>sku</c>, <c>meter</c>, <c>quantity</c>, <c>amount</c>, <c>currency</c> to the file's name.</param>
    public static Invoice Read(TextReader csv, string? currency = null, IReadOnlyDictionary<string, string>? columns = null)
    {
        List<InvoiceLine> lines = [];
        List<string> faults = [];
        try
        {
            using var rows = Csv.Read(csv).GetEnumerator();
            var head = rows.MoveNext() ? rows.Current : [];
            var at = Columns.ToDictionary(c => c.Key, c => Find(head, columns?.GetValueOrDefault(c.Key) is { } named ? [named] : c.Value));
            faults.AddRange((columns ?? new Dictionary<string, string>()).Where(c => !Columns.ContainsKey(c.Key)).Select(c => $"'{c.Key}' is not one of {string.Join(", ", Columns.Keys)}."));
            faults.AddRange((columns ?? new Dictionary<string, string>()).Where(c => at.GetValueOrDefault(c.Key, 0) < 0).Select(c => $"There is no column '{c.Value}'; the columns are {string.Join(", ", head)}."));
            if (at["amount"] < 0)
            {
                faults.Add($"No column holds the amounts; the columns are {string.Join(", ", head)}. Name it with amount=COLUMN.");
            }

            var fixedCurrency = currency ?? (at["amount"] >= 0 && at["currency"] < 0 && head[at["amount"]]!.Split('_')[^1].ToUpperInvariant() is { Length: 3 } suffix ? suffix : null);
            if (at["currency"] < 0 && fixedCurrency is null)
            {
                faults.Add("No column names the currency. State it.");
            }

            for (var number = 1; faults.Count == 0 && rows.MoveNext(); number++)
            {
                if (Line(number, rows.Current, at, fixedCurrency, faults) is { } line)
                {
                    lines.Add(line);
                }
            }
        }
        catch (FormatException e)
        {
            faults.Add(e.Message);
        }

        return new Invoice(lines, faults);
    }

    private static InvoiceLine? Line(int number, string?[] row, Dictionary<string, int> at, string? currency, List<string> faults)
    {
        string? Field(string name) => at[name] is var i and >= 0 && i < row.Length ? row[i] : null;

        if (!decimal.TryParse(Field("amount"), NumberStyles.Float, CultureInfo.InvariantCulture, out var amount) || Math.Abs(amount) > 9_000_000_000)
        {
            faults.Add($"Row {number}: '{Field("amount")}' is not an amount.");
            return null;
        }

        var inCurrency = Field("currency")?.ToUpperInvariant() ?? currency;
        if (!Money.IsCurrency(inCurrency))
        {
            faults.Add($"Row {number}: '{inCurrency}' is not a currency.");
            return null;
        }

        var (day, badDay) = Day(Field("day"));
        if (badDay)
        {
            faults.Add($"Row {number}: '{Field("day")}' is not a date.");
            return null;
        }

        var quantity = decimal.TryParse(Field("quantity"), NumberStyles.Float, CultureInfo.InvariantCulture, out var q) && q == decimal.Truncate(q) ? (long?)q : null;
        var sku = Field("sku");
        var meter = MeterOf(Field("meter"));

        // Our own exports name a product and its meter in one.
        if (sku is not null && meter is { } m && sku.EndsWith("/" + MeterNames.NameOf(m), StringComparison.Ordinal))
        {
            sku = sku[..^(MeterNames.NameOf(m).Length + 1)];
        }

        return new InvoiceLine(number, day, sku, meter, quantity, new Money((long)Math.Round(amount * Money.NanosPerUnit, MidpointRounding.ToEven), inCurrency!));
    }

    private static int Find(string?[] head, string[] names)
    {
        foreach (var name in names)
        {
            var index = Array.FindIndex(head, h => string.Equals(h, name, StringComparison.OrdinalIgnoreCase));
            if (index >= 0)
            {
                return index;
            }
        }

        return -1;
    }

    private static (string? Day, bool Bad) Day(string? text)
    {
        if (text is null)
        {
            return (null, false);
        }

        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is > 1_000_000_000 and < 100_000_000_000)
        {
            return (DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), false);
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? (at.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), false)
            : (null, true);
    }

    /// <summary>The meter that a provider's word means; null when it means none or several.</summary>
    private static Meter? MeterOf(string? word)
    {
        if (word is null)
        {
            return null;
        }

        if (MeterNames.TryParse(word, out var exact))
        {
            return exact;
        }

        var text = word.ToLowerInvariant();
        bool Has(params ReadOnlySpan<string> parts)
        {
            foreach (var part in parts)
            {
                if (text.Contains(part, StringComparison.Ordinal))
                {
                    return true;
                }
            }

            return false;
        }

        return Has("creation", "cache_write", "cache write") ? Has("1h", "hour") ? Meter.CacheWriteLong : Meter.CacheWriteShort
            : Has("cache") ? Meter.CacheRead
            : Has("reasoning") ? Meter.ReasoningOutput
            : Has("embedding") ? Meter.EmbeddingInput
            : Has("output", "completion") ? Meter.TextOutput
            : Has("input", "prompt") ? Meter.UncachedInput
            : null;
    }
}
