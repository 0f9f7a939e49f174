using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Ledger;
using Lauter.Ledger.Invoices;

namespace Lauter.Commands;

/// <summary><c>lauter cost reconcile</c>: a provider's invoice beside the ledger.</summary>
internal static class CostReconcileCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("invoice") { Description = "The provider's cost export as CSV (FOCUS, OpenAI, Anthropic and alike)." };
        var (project, format, from, until) = (Arguments.Project(), Arguments.Format(), CostOptions.From(), CostOptions.Until());
        var provider = new Option<string>("--provider") { Description = "The provider as the ledger names it; 'lauter cost show --by creditor' lists them.", Required = true };
        var currency = new Option<string?>("--currency") { Description = "The currency when no column names one." };
        var column = new Option<string[]>("--column") { Description = "A column by hand: day, sku, meter, quantity, amount or currency = COLUMN.", DefaultValueFactory = _ => [] };
        var apply = new Option<string?>("--apply") { Description = "Book the differences under this invoice number. Without it nothing is changed." };
        var command = new Command("reconcile", "Compare a provider's invoice with the ledger, part by part, and on request book the differences.")
        {
            file, project, provider, from, until, currency, column, apply, format,
        };
        command.SetAction(result =>
        {
            var path = Arguments.ExistingFile(result.GetValue(file)!);
            using var reader = new StreamReader(path);
            var invoice = Invoice.Read(reader, result.GetValue(currency), CostOptions.Pairs(result.GetValue(column)!, "--column"));
            if (invoice.Faults.Count > 0)
            {
                throw new CommandException(ExitCodes.InputMissing, $"{path}: {string.Join(Environment.NewLine, invoice.Faults)}");
            }

            using var books = CostLedger.Open(result.GetValue(project)!);
            var name = result.GetValue(provider)!;
            var reconciliation = Reconciliation.Of(
                books.Ledger, invoice, name.Contains(':', StringComparison.Ordinal) ? name : LedgerAccounts.Provider(name), CostOptions.Read(result, from), CostOptions.Read(result, until));
            var booked = result.GetValue(apply) is { } number ? reconciliation.Apply(books.Ledger, number, TimeProvider.System) : (int?)null;
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(ToJson(reconciliation, booked));
            }
            else
            {
                Show(reconciliation, booked);
            }

            return reconciliation.Agrees || booked is not null ? ExitCodes.Success : ExitCodes.VerificationFailed;
        });
        return command;
    }

    private static void Show(Reconciliation reconciliation, int? booked)
    {
        foreach (var row in reconciliation.Rows)
        {
            System.Console.WriteLine(
                $"{row.Day ?? "",-12}{row.Sku ?? "",-24}{(row.Meter is { } m ? MeterNames.NameOf(m) : ""),-18}{row.Billed,18}{row.Booked,18}{row.Difference,18}  {row.Reason ?? "agrees"}");
        }

        System.Console.WriteLine($"invoice less ledger: {CostOptions.Text(reconciliation.Difference)}");
        if (booked is { } count)
        {
            System.Console.WriteLine($"{count} differences booked");
        }
    }

    private static JsonObject ToJson(Reconciliation reconciliation, int? booked) => new()
    {
        ["creditor"] = reconciliation.Creditor, ["agrees"] = reconciliation.Agrees, ["difference"] = CostOptions.ToJson(reconciliation.Difference), ["booked"] = booked,
        ["rows"] = new JsonArray([.. reconciliation.Rows.Select(r => (JsonNode)new JsonObject
        {
            ["day"] = r.Day, ["sku"] = r.Sku, ["meter"] = r.Meter is { } m ? MeterNames.NameOf(m) : null, ["billed"] = CostOptions.ToJson(r.Billed), ["booked"] = CostOptions.ToJson(r.Booked),
            ["difference"] = CostOptions.ToJson(r.Difference), ["billed_quantity"] = r.BilledQuantity, ["booked_quantity"] = r.BookedQuantity, ["unknown"] = r.Unknown, ["reason"] = r.Reason,
        })]),
    };
}
