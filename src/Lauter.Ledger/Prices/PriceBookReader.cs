using System.Text.Json.Nodes;

namespace Lauter.Ledger;

/// <summary>
/// Reads the section <c>prices</c> of a project, or a price file of the same form:
/// <code>
/// prices:
///   machine: { core_hour: 0.12 CNY }        # or a list of such mappings, each with from and until
///   rows:
///     - { sku: gpt-4o-mini, from: 2026-01-01, until: 2026-07-01, currency: USD, per: 1000000, source: https://…, input: 0.15, output: 0.60 }
/// </code>
/// A row names one product and interval; each member called like a meter (<c>input</c>, <c>cache_read</c>, <c>cache_write</c>, <c>output</c> …) is
/// its price for <c>per</c> base units (default 1,000,000).
/// </summary>
internal static class PriceBookReader
{
    private static readonly string[] RowKeys = ["sku", "from", "until", "currency", "per", "source", .. MeterNames.Priced];

    public static PriceBookResult Read(JsonObject? section, MachineRate assumed)
    {
        List<string> faults = [];
        if (section is null)
        {
            return new PriceBookResult(new PriceBook([], assumed), faults);
        }

        faults.AddRange(section.Select(m => m.Key).Except(["machine", "rows"], StringComparer.Ordinal)
            .Select(key => $"prices.{key}: unknown key; the keys are machine, rows."));
        List<MachineRate> machines = [];
        if (section["machine"] is JsonObject stated)
        {
            machines.AddRange(MachineRate.Read("prices.machine", stated, faults) is { } rate ? [rate] : []);
        }
        else if (section["machine"] is JsonArray dated && dated.All(m => m is JsonObject))
        {
            machines.AddRange(dated.Select((m, i) => MachineRate.Read($"prices.machine[{i}]", m!.AsObject(), faults)).OfType<MachineRate>());
        }
        else if (section["machine"] is { } other)
        {
            faults.Add($"prices.machine: {other.ToJsonString()} is not a mapping or a list of mappings.");
        }

        List<Price> prices = [];
        if (section["rows"] is JsonArray rows)
        {
            for (var i = 0; i < rows.Count; i++)
            {
                if (rows[i] is JsonObject row)
                {
                    prices.AddRange(ReadRow($"prices.rows[{i}]", row, faults));
                }
                else
                {
                    faults.Add($"prices.rows[{i}]: not a mapping.");
                }
            }
        }
        else if (section["rows"] is { } other)
        {
            faults.Add($"prices.rows: {other.ToJsonString()} is not a list.");
        }

        if (faults.Count > 0)
        {
            return new PriceBookResult(null, faults);
        }

        try
        {
            return new PriceBookResult(machines.Count == 0 ? new PriceBook(prices, assumed) : new PriceBook(prices, machines), faults);
        }
        catch (ArgumentException e)
        {
            return new PriceBookResult(null, [$"prices: {e.Message}"]);
        }
    }

    private static List<Price> ReadRow(string path, JsonObject row, List<string> faults)
    {
        var before = faults.Count;
        faults.AddRange(row.Select(m => m.Key).Except(RowKeys, StringComparer.Ordinal)
            .Select(key => $"{path}.{key}: unknown key; the keys are {string.Join(", ", RowKeys)}."));
        var reader = new SectionReader(path, row, faults);
        var (sku, currency, source) = (reader.Text("sku"), reader.Text("currency"), reader.Text("source", required: false) ?? "the project's prices");
        var (from, until) = (reader.Instant("from") ?? DateTimeOffset.UnixEpoch, reader.Instant("until"));
        var per = row.ContainsKey("per") ? reader.Number("per") ?? 1 : 1_000_000;
        if (currency is not null && !Money.IsCurrency(currency))
        {
            faults.Add($"{path}.currency: '{currency}' is not three capital letters such as CNY.");
        }

        if (per < 1 || per != decimal.Truncate(per))
        {
            faults.Add($"{path}.per: {per} is not a whole number of at least 1.");
        }

        if (until <= from)
        {
            faults.Add($"{path}.until: {until:yyyy-MM-dd} is not after from {from:yyyy-MM-dd}.");
        }

        List<Price> prices = [];
        foreach (var name in MeterNames.Priced.Where(row.ContainsKey))
        {
            var nanos = (SectionReader.ToNumber(row[name]) ?? -1) * Money.NanosPerUnit;
            if (nanos < 0 || nanos != decimal.Truncate(nanos) || nanos > long.MaxValue)
            {
                faults.Add($"{path}.{name}: {row[name]?.ToJsonString() ?? "null"} is not an amount of 0 or more with at most nine decimal places.");
            }
            else if (faults.Count == before)
            {
                _ = MeterNames.TryParse(name, out var meter);
                prices.Add(new Price(sku!, meter, (long)nanos, (long)per, currency!, from, until, source));
            }
        }

        return prices;
    }
}
