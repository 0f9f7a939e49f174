using Lauter.Models.Gguf;
using Lauter.Models.Natives;

namespace Lauter.Inference.Native;

/// <summary>Reads a model file's header in managed code, every count and offset checked, before native code sees the file.</summary>
internal static class ModelFileCheck
{
    public static IReadOnlyList<string> Faults(string path)
    {
        if (!File.Exists(path))
        {
            return [$"the model file '{path}' does not exist"];
        }

        try
        {
            using var file = GgufFile.Open(path);
            NativeGuard.Check(file);
            return file.Tensors.Count > 0 ? [] : [$"the model file '{path}' holds a vocabulary but no weights"];
        }
        catch (Exception error) when (error is GgufFormatException or IOException or UnauthorizedAccessException)
        {
            return [$"the model file cannot be used: {error.Message}"];
        }
    }
}
