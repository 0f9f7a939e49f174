using Lauter.Inference.Native;
using Lauter.Models.Gguf;

namespace Lauter.Inference.Adapters;

/// <summary>Reads an adapter file's header in managed code and holds it against the base model before native code sees either.</summary>
internal static class AdapterFileCheck
{
    /// <exception cref="AdapterException">The file is no LoRA adapter for this model.</exception>
    public static void Check(string path, LoadedModel model)
    {
        if (!File.Exists(path))
        {
            throw new AdapterException($"The adapter file '{path}' does not exist.");
        }

        try
        {
            using var file = GgufFile.Open(path);
            if (Text(file, "general.type") != "adapter" || Text(file, "adapter.type") != "lora")
            {
                throw new AdapterException($"'{path}' is no LoRA adapter: its 'general.type' is '{Text(file, "general.type")}', its 'adapter.type' '{Text(file, "adapter.type")}'.");
            }

            if (file.Metadata.Number("adapter.lora.alpha") is not { } alpha || !double.IsFinite(alpha))
            {
                throw new AdapterException($"The adapter '{path}' has no 'adapter.lora.alpha'.");
            }

            if (Text(file, "general.architecture") != model.Architecture)
            {
                throw new AdapterException($"The adapter '{path}' is for '{Text(file, "general.architecture")}', this model is '{model.Architecture}'.");
            }

            using var weights = GgufFile.Open(model.Path);
            CheckTensors(path, file, weights);
        }
        catch (Exception error) when (error is GgufFormatException or IOException or UnauthorizedAccessException)
        {
            throw new AdapterException($"The adapter cannot be used: {error.Message}");
        }
    }

    private static void CheckTensors(string path, GgufFile adapter, GgufFile model)
    {
        var shapes = model.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor, StringComparer.Ordinal);
        var byName = adapter.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        if (byName.Count == 0)
        {
            throw new AdapterException($"The adapter '{path}' holds no tensors.");
        }

        foreach (var tensor in adapter.Tensors)
        {
            var isA = tensor.Name.EndsWith(".lora_a", StringComparison.Ordinal);
            if (!isA && !tensor.Name.EndsWith(".lora_b", StringComparison.Ordinal))
            {
                throw new AdapterException($"The adapter '{path}' holds '{tensor.Name}', which is no half of a LoRA pair.");
            }

            var target = tensor.Name[..^".lora_a".Length];
            if (!byName.TryGetValue(target + (isA ? ".lora_b" : ".lora_a"), out var other))
            {
                throw new AdapterException($"The adapter '{path}' holds '{tensor.Name}' without its other half.");
            }

            if (!shapes.TryGetValue(target, out var weight))
            {
                throw new AdapterException($"The adapter '{path}' changes '{target}', which this model does not have.");
            }

            if (isA)
            {
                CheckShapes(path, target, tensor.Shape, other.Shape, weight.Shape);
            }
        }
    }

    /// <summary>Rows before columns: A is rank × in, B is out × rank for a weight of out × in; an embedding's pair is the other way round. llama.cpp dies of anything else.</summary>
    private static void CheckShapes(string path, string target, IReadOnlyList<long> a, IReadOnlyList<long> b, IReadOnlyList<long> weight)
    {
        var isEmbedding = target == "token_embd.weight";
        var fits = a.Count == 2 && b.Count == 2 && weight.Count == 2 && (isEmbedding
            ? weight[1] == b[0] && weight[0] == a[0] && a[1] == b[1]
            : weight[1] == a[1] && weight[0] == b[0] && a[0] == b[1]);
        if (!fits)
        {
            throw new AdapterException(
                $"The adapter '{path}' changes '{target}' of shape [{string.Join(", ", weight)}] by A [{string.Join(", ", a)}] and B [{string.Join(", ", b)}], which do not fit it; is it for another model?");
        }
    }

    private static string? Text(GgufFile file, string key) => file.Metadata.Text(key);
}
