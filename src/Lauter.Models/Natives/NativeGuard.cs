using System.Globalization;
using Lauter.Models.Gguf;

namespace Lauter.Models.Natives;

/// <summary>
/// What must hold before llama.cpp sees a file. It throws on most faults, but on some it asserts, which ends the whole process and with it a server. Each rule here
/// stands for such an end that was seen with a changed file.
/// </summary>
public static class NativeGuard
{
    private const int MostLayers = 512;
    private const int MostExperts = 512;

    /// <summary>Refuses a model that llama.cpp would not survive.</summary>
    /// <exception cref="GgufFormatException">The message names key, value and rule.</exception>
    public static void Check(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (Fault(file) is { } fault)
        {
            throw new GgufFormatException($"{file.Path}: {fault}; llama.cpp would end the process on it.");
        }
    }

    /// <summary>Refuses a file whose vocabulary cannot turn texts into tokens safely.</summary>
    /// <exception cref="GgufFormatException">The message names key, value and rule.</exception>
    public static void CheckVocabulary(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var kind = file.Metadata.Text("tokenizer.ggml.model");
        if (kind is not ("gpt2" or "llama" or "t5"))
        {
            throw new GgufFormatException($"{file.Path}: tokenizer.ggml.model is '{kind ?? "missing"}', so the file gives no tokens for texts here; gpt2, llama and t5 do.");
        }

        if (VocabularyGuard.Fault(file.Metadata) is { } fault)
        {
            throw new GgufFormatException($"{file.Path}: {fault}; llama.cpp would end the process on it.");
        }
    }

    private static string? Fault(GgufFile file)
    {
        var keys = file.Metadata;
        var architecture = keys.Text("general.architecture");
        if (keys.Text("general.type") == "adapter" || architecture is null)
        {
            return architecture is null ? "general.architecture is missing" : null;
        }

        if (keys.Integer($"{architecture}.block_count") is not (>= 1 and <= MostLayers))
        {
            return $"{architecture}.block_count is {Shown(keys, $"{architecture}.block_count")}, but must lie in 1 to {MostLayers}";
        }

        foreach (var name in new[] { "layer_norm_rms_epsilon", "layer_norm_epsilon" })
        {
            if (keys.ContainsKey($"{architecture}.attention.{name}") && keys.Number($"{architecture}.attention.{name}") is not (>= 0 and < 1))
            {
                return $"{architecture}.attention.{name} is {Shown(keys, $"{architecture}.attention.{name}")}, but must lie between 0 and 1";
            }
        }

        long experts = keys.Integer($"{architecture}.expert_count") ?? 0, used = keys.Integer($"{architecture}.expert_used_count") ?? 0;
        if (experts is < 0 or > MostExperts || used < 0 || used > experts || (experts > 0 && used == 0))
        {
            return $"{architecture}.expert_count is {experts} and expert_used_count {used}, but at most {MostExperts} experts, of which at least one is used, are possible";
        }

        if (file.Tensors.FirstOrDefault(tensor => tensor.Shape.Count == 1 && tensor.Type is not (GgufTensorType.F32 or GgufTensorType.I32)) is { } narrow)
        {
            return $"'{narrow.Name}' is a list stored as {narrow.Type}, but gains and biases must be F32";
        }

        return VocabularyGuard.Fault(keys);
    }

    private static string Shown(GgufMetadata keys, string key) => keys.TryGetValue(key, out var value) ? Convert.ToString(value, CultureInfo.InvariantCulture) ?? "" : "missing";
}
