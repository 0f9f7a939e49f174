using LLama.Native;

namespace Lauter.Inference.Native;

/// <summary>Loads llama.cpp once and keeps what it logs out of standard output: warnings and errors go to standard error.</summary>
internal static class NativeRuntime
{
    private static readonly Lock Gate = new();
    private static bool _ready;
    private static bool _lastShown;

    public static void EnsureReady()
    {
        lock (Gate)
        {
            if (_ready)
            {
                return;
            }

            NativeLogConfig.llama_log_set(Log);
            NativeApi.llama_empty_call();
            _ready = true;
        }
    }

    private static void Log(LLamaLogLevel level, string message)
    {
        // A continued message has no level of its own: it follows the line before it.
        var show = level == LLamaLogLevel.Continue ? _lastShown : level is LLamaLogLevel.Warning or LLamaLogLevel.Error;
        _lastShown = show;
        if (show)
        {
            Console.Error.Write(message);
        }
    }
}
