using System.Runtime.InteropServices;

namespace Lauter.Gateway.Settlement;

/// <summary>Lowers the weight of the calling thread with the scheduler. .NET's own priorities do nothing on Linux.</summary>
internal static partial class BackgroundThread
{
    private const int OfProcess = 0; // on Linux with 0 for "who": the calling thread alone
    private const int Nice = 10;

    public static void Yield()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = SetPriority(OfProcess, 0, Nice); // refused or not, the work is the same
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);
}
