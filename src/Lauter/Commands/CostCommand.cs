using System.CommandLine;
using Lauter.Catalog.Objects;
using Lauter.Gateway;
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
        var command = new Command("cost", "Show the bill by phase and application, the cost per accepted answer, and what is unknown.")
        {
            CostShowCommand.Create(), CostShowCommand.CreateEntries(), CostExportCommand.Create(), CostExportCommand.CreateCheck(), CostReconcileCommand.Create(), CostPeriodCommand.Close(),
            CostPeriodCommand.Reopen(), CostPeriodCommand.List(), CostForecastCommand.Create(), project, format,
        };
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
        GatewayState.CatchUp(workspace.State, ledger, traces);
        return ledger.Bill([.. traces.Use().Select(u => u with { Quality = QualityOf(workspace, u.Application) })]);
    }

    /// <summary>What the gate of the live release said about its answers.</summary>
    private static string? QualityOf(Workspace workspace, string application)
    {
        if (workspace.Releases.Live(application) is not { } live
            || Manifest.Read(workspace.Objects, live.Manifest).Inputs.FirstOrDefault(i => i.Role == "gate") is not { } gate)
        {
            return null;
        }

        var verdict = ReleaseFlow.ReadVerdict(workspace.Objects, gate.Sha256);
        return $"{live.ReleaseId}: {verdict.Policy.Metric} {verdict.Candidate.Value:0.0000} on {verdict.Items} items of {verdict.SuiteName}";
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
            if (application.Quality is { } quality)
            {
                System.Console.WriteLine($"{"",-2}quality {quality}");
            }

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
