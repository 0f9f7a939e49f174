using System.CommandLine;
using Lauter.Hosting;
using Lauter.Ledger;
using Lauter.Traces;

namespace Lauter.Commands;

/// <summary><c>lauter cost</c>: the whole bill.</summary>
internal static class CostCommand
{
    public static Command Create()
    {
        var project = Arguments.Project();
        var format = Arguments.Format();
        var command = new Command("cost", "Show the bill by phase and application, the cost per accepted answer, and what is unknown.") { project, format };
        command.SetAction(result =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            var bill = Of(workspace);
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(bill.ToJson());
            }
            else
            {
                Show(bill);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The bill of a project so far.</summary>
    public static Bill Of(Workspace workspace)
    {
        using var ledger = new LedgerStore(workspace.StatePath("ledger.db"));
        using var traces = new TraceStore(workspace.StatePath("traces.db"));
        return ledger.Bill(traces.Use());
    }

    private static void Show(Bill bill)
    {
        System.Console.WriteLine($"{"phase",-14}{"core-seconds",14}  cost");
        foreach (var phase in bill.Phases.Where(p => p.CoreSeconds > 0 || p.Quantities.Count > 0))
        {
            System.Console.WriteLine($"{phase.Phase.ToString().ToLowerInvariant(),-14}{phase.CoreSeconds,14:#,0.0}  {Amounts(phase.Amounts, phase.Complete)}");
        }

        System.Console.WriteLine($"{"total",-14}{bill.Phases.Sum(p => p.CoreSeconds),14:#,0.0}  {Amounts(bill.Total, bill.Complete)}");
        System.Console.WriteLine();
        foreach (var application in bill.Applications)
        {
            System.Console.WriteLine(
                $"{application.Application}: {application.Requests} requests, {application.Answered} answered, {application.Corrected} corrected, {application.RatedBad} rated bad, {application.Accepted} accepted");
            System.Console.WriteLine(
                $"{"",-2}per accepted answer: serving {Amounts(application.ServingPerAcceptedAnswer, application.Complete)}, all phases of this application {Amounts(application.AllPhasesPerAcceptedAnswer, application.Complete)}");
        }

        if (bill.WholeCostPerAcceptedAnswer.Count > 0)
        {
            System.Console.WriteLine($"whole project per accepted answer: {Amounts(bill.WholeCostPerAcceptedAnswer, bill.Complete)}");
        }

        foreach (var unknown in bill.Unknowns)
        {
            System.Console.WriteLine($"unknown: {unknown}");
        }

        foreach (var assumption in bill.Assumptions)
        {
            System.Console.WriteLine($"assumed: {assumption}");
        }
    }

    private static string Amounts(IReadOnlyList<Money> amounts, bool complete) =>
        amounts.Count == 0 ? complete ? "–" : "unknown" : string.Join(" + ", amounts.Select(a => a.ToString())) + (complete ? "" : " and an unknown part");
}
