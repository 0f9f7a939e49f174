using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Ledger;
using Lauter.Ledger.Forecast;

namespace Lauter.Commands;

/// <summary><c>lauter cost forecast</c>: the month and three years, with ranges, from what was measured and what is stated.</summary>
internal static class CostForecastCommand
{
    public static Command Create()
    {
        var (project, format) = (Arguments.Project(), Arguments.Format());
        var set = new Option<string[]>("--set")
        {
            Description = $"A driver by hand: NAME=VALUE or NAME=LOW..HIGH, with NAME one of {string.Join("; ", OwnershipForecast.DriverNames.Select(d => $"{d.Key} ({d.Value})"))}.",
            DefaultValueFactory = _ => [],
        };
        var command = new Command("forecast", "Forecast the month and what three years cost, from measured and stated drivers; nothing is assumed.") { project, set, format };
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!);
            var stated = CostOptions.Pairs(result.GetValue(set)!, "--set").Select(Driver).ToList();
            var now = TimeProvider.System.GetUtcNow();
            var month = CostForecast.Month(books.Ledger, now);
            var years = OwnershipForecast.Of(books.Ledger, now, books.Prices.Machine.CoreHour.Currency, stated);
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(ToJson(month, years));
            }
            else
            {
                Show(month, years);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static ForecastDriver Driver(KeyValuePair<string, string> pair)
    {
        if (!OwnershipForecast.DriverNames.ContainsKey(pair.Key))
        {
            throw new CommandException(ExitCodes.Usage, $"--set: '{pair.Key}' is not one of {string.Join(", ", OwnershipForecast.DriverNames.Keys)}.");
        }

        var ends = pair.Value.Split("..");
        return ends.Length is 1 or 2 && decimal.TryParse(ends[0], NumberStyles.Number, CultureInfo.InvariantCulture, out var low)
            && decimal.TryParse(ends[^1], NumberStyles.Number, CultureInfo.InvariantCulture, out var high) && low <= high
            ? new ForecastDriver(pair.Key, low, high, "stated")
            : throw new CommandException(ExitCodes.Usage, $"--set {pair.Key}: '{pair.Value}' is not a number or a range such as 0.02..0.05.");
    }

    private static void Show(IReadOnlyList<MonthForecast> months, OwnershipForecast years)
    {
        foreach (var month in months)
        {
            System.Console.WriteLine($"{month.Month}: {month.SoFar} so far{(month.Complete ? "" : " and an unknown part")}; at its end {(month.Expected is { } range
                ? $"{Text(range)} ({month.DaysOfHistory} days of history)"
                : $"unknown: {month.DaysOfHistory} of {CostForecast.LeastDays} whole days of history")}");
        }

        System.Console.WriteLine();
        System.Console.WriteLine($"three years: {Text(years.Total)}{(years.Complete ? "" : ", a lower bound")}");
        foreach (var year in years.Years)
        {
            System.Console.WriteLine($"  year {year.Year}: {Text(year.Total)}");
        }

        foreach (var driver in years.Drivers)
        {
            System.Console.WriteLine($"  {driver.Name,-24}{(driver.Low == driver.High ? $"{driver.Low:0.#########}" : $"{driver.Low:0.#########} to {driver.High:0.#########}"),-36}{driver.Basis}");
        }

        foreach (var swing in years.Swings)
        {
            System.Console.WriteLine($"  {swing.Name} alone moves it from {swing.AtLow} to {swing.AtHigh}");
        }

        foreach (var missing in years.Missing)
        {
            System.Console.WriteLine($"  not in it: {missing} ({OwnershipForecast.DriverNames[missing]}); state it with --set {missing}=LOW..HIGH");
        }
    }

    private static string Text(MoneyRange range) => $"{range.Middle} [{range.Low} to {range.High}]";

    private static JsonObject ToJson(IReadOnlyList<MonthForecast> months, OwnershipForecast years) => new()
    {
        ["months"] = new JsonArray([.. months.Select(m => (JsonNode)new JsonObject
        {
            ["month"] = m.Month, ["so_far"] = CostOptions.ToJson(m.SoFar), ["expected"] = m.Expected is { } e ? Range(e) : null, ["days_of_history"] = m.DaysOfHistory, ["complete"] = m.Complete,
        })]),
        ["three_years"] = new JsonObject
        {
            ["total"] = Range(years.Total), ["complete"] = years.Complete, ["missing"] = new JsonArray([.. years.Missing.Select(m => (JsonNode)m)]),
            ["years"] = new JsonArray([.. years.Years.Select(y => (JsonNode)Range(y.Total))]),
            ["drivers"] = new JsonArray([.. years.Drivers.Select(d => (JsonNode)new JsonObject { ["name"] = d.Name, ["low"] = d.Low, ["high"] = d.High, ["basis"] = d.Basis })]),
            ["swings"] = new JsonArray([.. years.Swings.Select(s => (JsonNode)new JsonObject { ["name"] = s.Name, ["at_low"] = CostOptions.ToJson(s.AtLow), ["at_high"] = CostOptions.ToJson(s.AtHigh) })]),
        },
    };

    private static JsonObject Range(MoneyRange range) => new()
    {
        ["low"] = CostOptions.ToJson(range.Low), ["middle"] = CostOptions.ToJson(range.Middle), ["high"] = CostOptions.ToJson(range.High),
    };
}
