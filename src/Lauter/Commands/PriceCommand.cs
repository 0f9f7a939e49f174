using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Hosting;
using Lauter.Ledger;

namespace Lauter.Commands;

/// <summary><c>lauter price</c>: the price book, its gaps, and history priced again.</summary>
internal static class PriceCommand
{
    public static Command Create() => new("price", "Show and check the price book, or price history again.") { List(), Check(), Reprice() };

    private static Command List()
    {
        var (project, format) = (Arguments.Project(), Arguments.Format());
        var at = CostOptions.Moment("--at", "Only prices that hold at this moment");
        var sku = new Option<string?>("--sku") { Description = "Only this product." };
        var command = new Command("list", "List prices with the interval in which they hold and where they were read.") { project, at, sku, format };
        command.SetAction(result =>
        {
            var book = ProjectPrices.Of(Workspace.Open(result.GetValue(project)!).Project);
            var (moment, product) = (CostOptions.Read(result, at), result.GetValue(sku));
            var prices = book.Prices.Where(p => (moment is null || p.HoldsAt(moment.Value)) && (product is null || p.Sku == product)).ToList();
            var machines = book.Machines.Where(m => (moment is null || m.HoldsAt(moment.Value)) && product is null or MachineRate.Sku).ToList();
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject
                {
                    ["machine"] = new JsonArray([.. machines.Select(m => (JsonNode)new JsonObject
                    {
                        ["core_hour"] = CostOptions.ToJson(m.CoreHour), ["gpu_hour"] = m.GpuHour is { } gpu ? CostOptions.ToJson(gpu) : null, ["from"] = Day(m.From), ["until"] = Day(m.Until), ["basis"] = m.Basis,
                        ["assumed"] = m.Assumed,
                    })]),
                    ["rows"] = new JsonArray([.. prices.Select(p => (JsonNode)new JsonObject
                    {
                        ["sku"] = p.Sku, ["meter"] = MeterNames.NameOf(p.Meter), ["nano_units"] = p.NanoUnits, ["per"] = p.Per, ["currency"] = p.Currency, ["from"] = Day(p.From), ["until"] = Day(p.Until),
                        ["source"] = p.Source,
                    })]),
                });
                return ExitCodes.Success;
            }

            foreach (var machine in machines)
            {
                System.Console.WriteLine($"{"machine",-28}{"core-hour",-18}{machine.CoreHour,-24}{Interval(machine.From, machine.Until),-26}{machine.Basis}{(machine.Assumed ? " (assumed)" : "")}");
            }

            foreach (var price in prices)
            {
                System.Console.WriteLine(
                    $"{price.Sku,-28}{MeterNames.NameOf(price.Meter),-18}{$"{new Money(price.NanoUnits, price.Currency)} / {price.Per:#,0}",-24}{Interval(price.From, price.Until),-26}{price.Source}");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Check()
    {
        var (project, format) = (Arguments.Project(), Arguments.Format());
        var command = new Command("check", "Find faults in the prices, gaps between their intervals, and use in the ledger that no price covers.") { project, format };
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!); // faults of the section itself end here, all of them at once
            List<string> findings = [];
            foreach (var rows in books.Prices.Prices.GroupBy(p => (p.Sku, p.Meter)))
            {
                findings.AddRange(rows.Zip(rows.Skip(1)).Where(p => p.First.Until < p.Second.From)
                    .Select(p => $"gap: {rows.Key.Sku} / {MeterNames.NameOf(rows.Key.Meter)} has no price from {p.First.Until:yyyy-MM-dd} to {p.Second.From:yyyy-MM-dd}"));
            }

            findings.AddRange(books.Ledger.Charges().Where(c => c.Charge.Amount is null && c.Charge.Source != MeterSource.Missing).GroupBy(c => (c.Charge.Sku, c.Charge.Meter))
                .Select(g => $"unpriced: {g.Key.Sku} / {MeterNames.NameOf(g.Key.Meter)}, {g.Sum(c => c.Charge.Quantity):#,0} base units from {g.Min(c => c.At):yyyy-MM-dd} to {g.Max(c => c.At):yyyy-MM-dd}"
                    + (g.All(c => books.Prices.Charge(c.Charge.Sku, c.Charge.Reading, c.Occurred ?? c.At).Amount is not null) ? "; the book has a price now: 'lauter price reprice'" : "")));
            if (books.Prices.Machine.Assumed)
            {
                findings.Add("assumed: the machine's rate is a built-in assumption; state yours under prices.machine");
            }

            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonArray([.. findings.Select(f => (JsonNode)f)]));
            }
            else
            {
                findings.ForEach(System.Console.WriteLine);
            }

            return findings.Any(f => !f.StartsWith("assumed", StringComparison.Ordinal)) ? ExitCodes.VerificationFailed : ExitCodes.Success;
        });
        return command;
    }

    private static Command Reprice()
    {
        var (project, format, from, until) = (Arguments.Project(), Arguments.Format(), CostOptions.From(), CostOptions.Until());
        var apply = new Option<bool>("--apply") { Description = "Do it. Without it only say what would change." };
        var command = new Command("reprice", "Price history again with the price book as it is now. Quantities stay; the entries before are kept.") { project, from, until, apply, format };
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!);
            RepricingReport report;
            try
            {
                report = Repricing.Run(books.Ledger, books.Prices, CostOptions.Read(result, from), CostOptions.Read(result, until), result.GetValue(apply));
            }
            catch (LedgerException e)
            {
                throw new CommandException(ExitCodes.Failure, e.Message);
            }

            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject
                {
                    ["entries"] = report.Entries, ["changed"] = report.Changed, ["before"] = CostOptions.ToJson(report.Before), ["after"] = CostOptions.ToJson(report.After),
                    ["newly_priced"] = report.NewlyPriced, ["still_unknown"] = report.StillUnknown, ["no_longer_priced"] = report.NoLongerPriced, ["applied"] = report.Applied,
                });
                return ExitCodes.Success;
            }

            System.Console.WriteLine($"{report.Changed:#,0} of {report.Entries:#,0} entries {(report.Applied ? "changed" : "would change")}: {CostOptions.Text(report.Before)} → {CostOptions.Text(report.After)}");
            System.Console.WriteLine($"{report.NewlyPriced:#,0} charges have a price now, {report.StillUnknown:#,0} have none, {report.NoLongerPriced:#,0} had one and have none in this book");
            return ExitCodes.Success;
        });
        return command;
    }

    private static string? Day(DateTimeOffset? at) => at is null || at == DateTimeOffset.UnixEpoch ? null : at.Value.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Interval(DateTimeOffset? from, DateTimeOffset? until) =>
        $"{(from is null || from == DateTimeOffset.UnixEpoch ? "…" : from.Value.ToString("yyyy-MM-dd"))} – {until?.ToString("yyyy-MM-dd") ?? "…"}";
}
