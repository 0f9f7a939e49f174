using System.Runtime.InteropServices;

namespace Lauter.Inference.Engine;

/// <summary>Ends the engine with the program that started it, so that none is left behind, not even after <c>kill -9</c> of the parent.</summary>
internal static partial class ParentGuard
{
    /// <summary>Time for an orderly end after the parent is gone.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private const int SetParentDeathSignal = 1;
    private const int Sigkill = 9;

    /// <summary>
    /// Cancels <paramref name="ending"/> when standard input ends and exits if that does not help; on Linux the kernel also kills this
    /// process with the parent's launching thread, which <see cref="ProcessLauncher"/> keeps alive as long as the parent.
    /// </summary>
    public static void Watch(TextReader input, CancellationTokenSource ending)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Prctl(SetParentDeathSignal, Sigkill, 0, 0, 0);
        }

        // A thread of its own: the pool may be busy with requests just when the parent dies.
        new Thread(() =>
        {
            while (input.ReadLine() is not null)
            {
            }

            try
            {
                ending.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The engine has ended by itself.
                return;
            }

            using var never = new ManualResetEventSlim();
            never.Wait(Grace);
            Environment.Exit(0);
        }) { IsBackground = true, Name = "lauter-parent-guard" }.Start();
    }

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);
}
