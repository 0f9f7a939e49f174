using System.Collections.Concurrent;
using System.Diagnostics;

namespace Lauter.Inference.Engine;

/// <summary>
/// Starts processes from one thread that lives as long as the program. The kernel's parent-death signal follows the thread that forked:
/// from a pool thread it would kill a healthy child whenever the pool shrinks.
/// </summary>
internal static class ProcessLauncher
{
    private static readonly BlockingCollection<Action> Work = [];

    static ProcessLauncher() => new Thread(() =>
    {
        foreach (var action in Work.GetConsumingEnumerable())
        {
            action();
        }
    }) { IsBackground = true, Name = "lauter-launcher" }.Start();

    public static Task StartAsync(Process process)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Add(() =>
        {
            try
            {
                process.Start();
                done.SetResult();
            }
            catch (Exception error)
            {
                done.SetException(error);
            }
        });
        return done.Task;
    }
}
