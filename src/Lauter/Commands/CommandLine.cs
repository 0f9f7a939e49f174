using System.CommandLine;
using System.Runtime.InteropServices;

namespace Lauter.Commands;

/// <summary>The verbs of the program, and the one place where signals and exceptions become exit codes.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, stop));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, stop));
        var parsed = Root().Parse(arguments);
        try
        {
            if (parsed.Errors.Count > 0)
            {
                foreach (var error in parsed.Errors)
                {
                    await System.Console.Error.WriteLineAsync($"lauter: {error.Message}");
                }

                await System.Console.Error.WriteLineAsync("Run 'lauter --help' for the verbs, or 'lauter VERB --help' for one of them.");
                return ExitCodes.Usage;
            }

            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stop.Token);
        }
        catch (Exception e)
        {
            // The last resort of the whole program: every exception becomes a message and a documented exit code.
            return Failures.Report(e, stop.IsCancellationRequested);
        }
    }

    private static RootCommand Root() => new("From raw documents to a gated model in production, and the whole bill.")
    {
        UpCommand.Create(),
        PlanCommand.Create(),
        RunCommand.Create(),
        ServeCommand.Create(),
        IterateCommand.Create(),
        CostCommand.Create(),
        PriceCommand.Create(),
        BudgetCommand.Create(),
        TraceCommand.Create(),
        VerifyCommand.Create(),
        ReleasesCommand.Create(),
        ApproveCommand.Create(),
        EvalCommand.Create(),
        GateCommand.Create(),
        DriftCommand.Create(),
        RolloutCommand.Create(),
        ReportCommand.Create(),
        HealthCommand.Create(),
        DoctorCommand.Create(),
        NewCommand.Create(),
        DataCommand.Create(),
        ModelCommand.Create(),
        EngineCommand.Create(),
        BenchCommand.Create(),
        TrainCommand.Create(),
        GatewayCommand.Create(),
        KeyCommand.Create(),
        WorkerCommand.Create(),
    };

    private static void Stop(PosixSignalContext context, CancellationTokenSource stop)
    {
        context.Cancel = true;
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // A signal that arrives while the program is already leaving has nothing left to stop.
        }
    }
}
