using System.Runtime.CompilerServices;
using Lauter.Inference.Engine;

namespace Lauter.Tests.Inference;

/// <summary>Lets this test program also be the engine's program: started with the variable set, it becomes the child and never runs a test.</summary>
internal static class EngineChildEntry
{
    private const string Variable = "LAUTER_TEST_ENGINE_CHILD";

    public static EngineLaunch Launch { get; } = new(Environment.ProcessPath!, [])
    {
        Environment = new Dictionary<string, string>(StringComparer.Ordinal) { [Variable] = "1" },
    };

    /// <summary>Blocks in the initialiser: the engine's code is in another module, so nothing it runs waits for this one.</summary>
    [ModuleInitializer]
    internal static void BecomeEngineWhenAsked()
    {
        if (string.Equals(Environment.GetEnvironmentVariable(Variable), "1", StringComparison.Ordinal))
        {
            Environment.Exit(EngineServer.RunChildAsync(CancellationToken.None).GetAwaiter().GetResult());
        }
    }
}
