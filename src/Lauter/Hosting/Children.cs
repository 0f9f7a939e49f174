using System.Diagnostics;
using Lauter.Inference.Engine;
using Lauter.Training.Jobs;

namespace Lauter.Hosting;

/// <summary>How this program starts itself again as a child: <c>lauter worker …</c>.</summary>
internal static class Children
{
    /// <summary>Starts a training; the path of the job comes last.</summary>
    public static TrainingLaunch Training { get; } = new(Program, [.. Self, "worker", "train"]);

    /// <summary>Starts an engine.</summary>
    public static EngineLaunch Engine { get; } = new(Program, [.. Self, "worker", "engine"]);

    /// <summary>Starts an iteration of the project in <paramref name="directory"/>.</summary>
    public static ProcessStartInfo Iterate(string directory) =>
        new(Program, [.. Self, "iterate", directory, "--quiet"]) { UseShellExecute = false, RedirectStandardError = true };

    /// <summary>Under <c>dotnet lauter.dll</c> the process is dotnet, and our assembly its first argument.</summary>
    private static string Program => Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown.");

    private static string[] Self =>
        Path.GetFileNameWithoutExtension(Program) == "dotnet" ? [Path.Combine(AppContext.BaseDirectory, "lauter.dll")] : [];
}
