using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Ledger;

namespace Lauter.Commands;

/// <summary><c>lauter cost close</c>, <c>reopen</c> and <c>periods</c>: month-end.</summary>
internal static class CostPeriodCommand
{
    public static Command Close()
    {
        var (month, project, format) = (Month(), Arguments.Project(), Arguments.Format());
        var command = new Command("close", "Close a month: its total is recorded and nothing is booked into it any more.") { month, project, format };
        command.SetAction(result => Run(result.GetValue(project)!, result.GetValue(format)!, periods => [periods.Close(result.GetValue(month)!, Environment.UserName)]));
        return command;
    }

    public static Command Reopen()
    {
        var (month, project, format) = (Month(), Arguments.Project(), Arguments.Format());
        var reason = new Option<string>("--reason") { Description = "Why; it is kept.", Required = true };
        var command = new Command("reopen", "Let entries be booked into a closed month again.") { month, project, reason, format };
        command.SetAction(result => Run(result.GetValue(project)!, result.GetValue(format)!, periods => [periods.Reopen(result.GetValue(month)!, Environment.UserName, result.GetValue(reason)!)]));
        return command;
    }

    public static Command List()
    {
        var (project, format) = (Arguments.Project(), Arguments.Format());
        var command = new Command("periods", "List what was closed and re-opened, and check that closed months are as they were closed.") { project, format };
        command.SetAction(result =>
        {
            IReadOnlyList<string> faults = [];
            var code = Run(result.GetValue(project)!, result.GetValue(format)!, periods =>
            {
                faults = periods.Verify();
                return periods.History();
            });
            foreach (var fault in faults)
            {
                System.Console.Error.WriteLine(fault);
            }

            return faults.Count == 0 ? code : ExitCodes.VerificationFailed;
        });
        return command;
    }

    private static Argument<string> Month() => new("month") { Description = "The month, for example 2026-03." };

    private static int Run(string project, string format, Func<LedgerPeriods, IReadOnlyList<LedgerPeriod>> work)
    {
        using var books = CostLedger.Open(project);
        IReadOnlyList<LedgerPeriod> periods;
        try
        {
            periods = work(new LedgerPeriods(books.Ledger, TimeProvider.System));
        }
        catch (LedgerException e)
        {
            throw new CommandException(ExitCodes.Usage, e.Message);
        }

        if (format == "json")
        {
            Arguments.WriteJson(new JsonArray([.. periods.Select(p => (JsonNode)new JsonObject
            {
                ["month"] = p.Month, ["revision"] = p.Revision, ["closed"] = p.Closed, ["at"] = p.At.ToString("O"), ["who"] = p.Who, ["reason"] = p.Reason, ["entries"] = p.Entries, ["digest"] = p.Digest,
                ["cost"] = CostOptions.ToJson(p.Cost),
            })]));
            return ExitCodes.Success;
        }

        foreach (var period in periods)
        {
            System.Console.WriteLine(
                $"{period.Month}  {(period.Closed ? "closed" : "re-opened"),-10}{period.At:yyyy-MM-dd HH:mm}Z  {period.Who,-12}{period.Entries,8:#,0} entries  {period.Digest[..12]}  {CostOptions.Text(period.Cost)}{(period.Reason is null ? "" : $"  ({period.Reason})")}");
        }

        return ExitCodes.Success;
    }
}
