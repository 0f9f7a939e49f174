namespace Lauter.Inference.Native;

/// <summary>Looks at a model file in managed code before native code reads it.</summary>
internal static class ModelFileCheck
{
    public static IReadOnlyList<string> Faults(string path) =>
        File.Exists(path) ? [] : [$"the model file '{path}' does not exist"];
}
