using LLama.Native;

namespace Lauter.Models.Natives;

/// <summary>The one place where llama.cpp is loaded and its log is routed: silent unless <see cref="Log"/> is set. Thread-safe.</summary>
public static class NativeModels
{
    private static readonly Lock Gate = new();
    private static bool _loaded;
    private static bool _lastIsImportant;

    /// <summary>Receives what llama.cpp logs: whether it is a warning or an error, and the text with its line ends. Null = silent.</summary>
    public static Action<bool, string>? Log { get; set; }

    /// <summary>Loads the native library once and routes its log.</summary>
    /// <exception cref="LLama.Exceptions.RuntimeError">No library for this machine was found.</exception>
    public static void EnsureLoaded()
    {
        lock (Gate)
        {
            if (_loaded)
            {
                return;
            }

            NativeLogConfig.llama_log_set(Route);
            NativeApi.llama_empty_call();
            _loaded = true;
        }
    }

    private static void Route(LLamaLogLevel level, string message)
    {
        // A continued message has no level of its own: it follows the line before it.
        var important = level == LLamaLogLevel.Continue ? _lastIsImportant : level is LLamaLogLevel.Warning or LLamaLogLevel.Error;
        _lastIsImportant = important;
        Log?.Invoke(important, message);
    }
}
