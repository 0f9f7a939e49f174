using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Ledger;

namespace Lauter.Commands;

/// <summary><c>lauter cost show</c> and <c>lauter cost entries</c>: from a total down to the requests behind it.</summary>
internal static class CostShowCommand
{
    public static Command Create()
    {
        var (project, format, from, until, dimensions) = (Arguments.Project(), Arguments.Format(), CostOptions.From(), CostOptions.Until(), CostOptions.Dimensions());
        var by = new Option<string>("--by") { Description = "How the total is split.", DefaultValueFactory = _ => "phase" };
        by.AcceptOnlyFromAmong([.. Enum.GetValues<LedgerDimension>().Select(CostOptions.NameOf)]);
        var command = new Command("show", "Split a total by phase, application, product, meter, day, month, tenant, key, user, release or creditor.") { project, by, from, until, format };
        Add(command, dimensions);
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!);
            var dimension = Enum.Parse<LedgerDimension>(result.GetValue(by)!, ignoreCase: true);
            var totals = books.Ledger.Totals(CostOptions.Filter(result, dimensions, from, until), dimension);
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonArray([.. totals.Select(t => (JsonNode)new JsonObject
                {
                    [CostOptions.NameOf(dimension)] = t.Key, ["cost"] = CostOptions.ToJson(t.Amounts), ["complete"] = t.UnpricedLines == 0, ["entries"] = t.Entries, ["unpriced_lines"] = t.UnpricedLines,
                })]));
                return ExitCodes.Success;
            }

            foreach (var total in totals)
            {
                System.Console.WriteLine($"{(total.Key.Length == 0 ? "(none)" : total.Key),-32}{total.Entries,10:#,0}  {CostOptions.Text(total.Amounts, total.UnpricedLines == 0)}");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    public static Command CreateEntries()
    {
        var (project, format, from, until, dimensions) = (Arguments.Project(), Arguments.Format(), CostOptions.From(), CostOptions.Until(), CostOptions.Dimensions());
        var count = new Option<int>("--count", "-n") { Description = "At most this many, newest first.", DefaultValueFactory = _ => 50 };
        var command = new Command("entries", "List the entries behind a total; 'lauter trace show ID' shows the request of a trace.") { project, count, from, until, format };
        Add(command, dimensions);
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!);
            var entries = books.Ledger.Entries(CostOptions.Filter(result, dimensions, from, until), result.GetValue(count));
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonArray([.. entries.Select(e => (JsonNode)new JsonObject
                {
                    ["id"] = e.Id, ["at"] = e.At.ToString("O"), ["occurred"] = e.Occurred?.ToString("O"), ["phase"] = LedgerAccounts.NameOf(e.Phase), ["application"] = e.Application, ["reference"] = e.Reference,
                    ["description"] = e.Description, ["cost"] = CostOptions.ToJson(e.Amounts), ["unpriced_lines"] = e.UnpricedLines,
                    ["tags"] = new JsonObject(e.Tags.Select(t => KeyValuePair.Create(t.Key, (JsonNode?)t.Value))),
                })]));
                return ExitCodes.Success;
            }

            foreach (var entry in entries)
            {
                System.Console.WriteLine(
                    $"{entry.At:yyyy-MM-dd HH:mm:ss}Z  {LedgerAccounts.NameOf(entry.Phase),-12}{entry.Application ?? "project",-16}{CostOptions.Text(entry.Amounts, entry.UnpricedLines == 0),-28}{entry.Reference}  {entry.Description}");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static void Add(Command command, IReadOnlyDictionary<LedgerDimension, Option<string?>> dimensions)
    {
        foreach (var option in dimensions.Values)
        {
            command.Add(option);
        }
    }
}
