using System.Runtime.CompilerServices;
using Lauter.Training.Jobs;

namespace Lauter.Tests.Training.Jobs;

/// <summary>Lets the test program start itself as a training child: with this first argument it trains and ends before any test is looked for.</summary>
internal static class WorkerHost
{
    private const string Verb = "train-job";

    public static TrainingLaunch Launch { get; } = new(Path.Combine(AppContext.BaseDirectory, "Lauter.Tests"), [Verb]);

#pragma warning disable CA2255 // The test framework owns Main; this is the only place before it.
    [ModuleInitializer]
    internal static void RunAsWorker()
#pragma warning restore CA2255
    {
        var arguments = Environment.GetCommandLineArgs();
        if (arguments.Length == 3 && arguments[1] == Verb)
        {
            Environment.Exit(TrainingWorker.RunAsChildAsync(arguments[2]).GetAwaiter().GetResult());
        }
    }
}
