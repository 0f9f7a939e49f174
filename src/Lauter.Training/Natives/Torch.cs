using Lauter.Build;
using TorchSharp;

namespace Lauter.Training.Natives;

/// <summary>Loads libtorch once, with an error that says what to do when it does not load.</summary>
internal static class Torch
{
    private const string Library = "libLibTorchSharp.so";
    private static readonly Lazy<bool> Loaded = new(Load);

    /// <summary>Loads the native libraries. Thread-safe.</summary>
    /// <exception cref="TorchUnavailableException">They do not load on this machine.</exception>
    public static void EnsureLoaded() => _ = Loaded.Value;

    private static bool Load()
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            return true;
        }
        catch (Exception e)
        {
            // TorchSharp reports every loading failure as a missing package, so the cause is looked up here.
            throw new TorchUnavailableException(Explain(AppContext.BaseDirectory), e);
        }
    }

    private static string Explain(string directory)
    {
        var file = Directory.EnumerateFiles(directory, Library, SearchOption.AllDirectories).FirstOrDefault();
        if (file is null)
        {
            return $"{Library} is not below {directory}: publish the program together with its native libraries (linux-x64).";
        }

        return WeakSymbolVersion.Apply(File.ReadAllBytes(file)) switch
        {
            WeakSymbolVersionResult.MadeWeak => $"{file} requires {WeakSymbolVersion.Version}, which this system's C++ runtime may lack: build with build/NativeFix.targets, or install libstdc++ of GCC 13 or newer.",
            WeakSymbolVersionResult.NeededByOthers => $"{file} needs {WeakSymbolVersion.Version}: install libstdc++ of GCC 13 or newer.",
            _ => $"{file} does not load; its inner error names the missing library.",
        };
    }
}

/// <summary>libtorch does not load on this machine; the message says why and the inner exception has the loader's words.</summary>
public sealed class TorchUnavailableException(string message, Exception inner) : Exception(message, inner);
