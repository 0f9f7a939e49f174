using System.Runtime.InteropServices;

namespace Lauter.Inference.Native;

/// <summary>How the native threads wait for each other; must be said before the library is loaded.</summary>
internal static partial class NativeThreads
{
    /// <summary>
    /// Threads that spin without end between steps take the processor from everyone else; threads that sleep at once lose more time to waking
    /// than a small layer takes. A setting of the caller's stays.
    /// </summary>
    public static void Prepare()
    {
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null && Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is null)
        {
            // The runtime keeps its own copy of the environment, which native code does not see.
            _ = SetVariable("GOMP_SPINCOUNT", "10000", 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
