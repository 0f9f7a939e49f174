using System.Diagnostics;
using System.Runtime.CompilerServices;
using Lauter.Inference.Engine;

namespace Lauter.Tests.Inference;

/// <summary>Lets this test program also be the engine's program, or a parent of one: started with a variable set it never runs a test.</summary>
internal static class EngineChildEntry
{
    private const string ChildVariable = "LAUTER_TEST_ENGINE_CHILD";
    private const string ParentVariable = "LAUTER_TEST_ENGINE_PARENT";

    public static EngineLaunch Launch { get; } = new(Environment.ProcessPath!, [])
    {
        Environment = new Dictionary<string, string>(StringComparer.Ordinal) { [ChildVariable] = "1", [ParentVariable] = "" },
    };

    /// <summary>Starts a parent that starts an engine, writes the engine's process id and then only waits.</summary>
    public static ProcessStartInfo ParentStart(string model)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment[ParentVariable] = model;
        return start;
    }

    /// <summary>Blocks in the initialiser: the engine's code is in another module, so nothing it runs waits for this one.</summary>
    [ModuleInitializer]
    internal static void BecomeAnotherProgramWhenAsked()
    {
        if (Environment.GetEnvironmentVariable(ChildVariable) == "1")
        {
            Environment.Exit(EngineServer.RunChildAsync(CancellationToken.None).GetAwaiter().GetResult());
        }

        if (Environment.GetEnvironmentVariable(ParentVariable) is { Length: > 0 } model)
        {
            var engine = EngineProcess.StartAsync(Launch, new EngineOptions { ModelPath = model, Threads = 1 }).GetAwaiter().GetResult();
            System.Console.Out.WriteLine(engine.ProcessId);
            System.Console.Out.Flush();
            using var never = new ManualResetEventSlim();
            never.Wait();
        }
    }
}
