using Lauter.Models.Families;
using Lauter.Models.Gguf;

namespace Lauter.Models.Peft;

/// <summary>
/// LoRA adapters as llama.cpp loads them. Its scale is alpha ÷ rank with one alpha for the file, so differing scales (rsLoRA, patterns) are folded into B. DoRA and whole
/// saved weights have no place in the format.
/// </summary>
public static class GgufAdapter
{
    private const string A = ".lora_a";
    private const string B = ".lora_b";

    /// <summary>Writes an adapter.</summary>
    /// <param name="path">The file, replaced whole.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="config">Shape of the base.</param>
    /// <param name="type">F32, F16 or BF16; factors are small, so F32 is the default.</param>
    /// <exception cref="AdapterException">It fits another base, or has DoRA magnitudes or saved weights: then only a merge can be served.</exception>
    public static void Write(string path, PeftAdapter adapter, ModelConfig config, GgufTensorType type = GgufTensorType.F32)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(config);
        if (type is not (GgufTensorType.F32 or GgufTensorType.F16 or GgufTensorType.BF16))
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Adapters are stored as F32, F16 or BF16.");
        }

        if (adapter.HasMagnitudes || adapter.Saved.Count > 0)
        {
            throw new AdapterException($"The adapter has {(adapter.HasMagnitudes ? "DoRA magnitudes" : $"whole saved weights ({adapter.Saved.Keys.First()})")}, which llama.cpp's adapter format cannot hold; merge it into its base instead.");
        }

        var pairs = adapter.On(config);
        if (pairs.Count == 0)
        {
            throw new AdapterException("The adapter has no pair to write.");
        }

        var alpha = (float)(adapter.Scale(pairs[0].Pair) * pairs[0].Pair.Rank);
        var writer = GgufWriter.Create(path)
            .Add("general.type", "adapter")
            .Add("general.architecture", ModelFamily.Named(config.Family).Architecture)
            .Add("adapter.type", "lora")
            .Add("adapter.lora.alpha", alpha);
        foreach (var (pair, weight) in pairs)
        {
            var fold = (float)(adapter.Scale(pair) * pair.Rank / alpha);
            writer.AddTensor(weight.Gguf + A, type, [pair.Rank, pair.Inputs], () => pair.A)
                .AddTensor(weight.Gguf + B, type, [pair.Outputs, pair.Rank], () => Math.Abs(fold - 1) < 1e-6 ? pair.GgufB(weight) : Array.ConvertAll(pair.GgufB(weight), value => value * fold));
        }

        writer.Finish();
    }

    /// <summary>Reads an adapter of llama.cpp, back in checkpoint order.</summary>
    /// <param name="path">A GGUF adapter.</param>
    /// <param name="config">Shape of the base.</param>
    /// <exception cref="AdapterException">No LoRA adapter, one of another architecture, or one that fits another base.</exception>
    /// <exception cref="GgufFormatException">The file is not sound.</exception>
    public static PeftAdapter Read(string path, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        using var file = GgufFile.Open(path);
        var (kind, method, architecture) = (file.Metadata.Text("general.type"), file.Metadata.Text("adapter.type"), file.Metadata.Text("general.architecture"));
        var family = ModelFamily.Named(config.Family);
        if (kind != "adapter" || method != "lora" || architecture != family.Architecture)
        {
            throw new AdapterException($"{path}: general.type is '{kind}', adapter.type '{method}' and general.architecture '{architecture}', but a LoRA adapter for '{family.Architecture}' is wanted.");
        }

        var alpha = file.Metadata.Number("adapter.lora.alpha") ?? throw new AdapterException($"{path}: adapter.lora.alpha is missing.");
        var weights = family.Weights(config).Where(weight => weight.IsMatrix).ToDictionary(weight => weight.Gguf, StringComparer.Ordinal);
        var pairs = new List<LoraPair>();
        foreach (var a in file.Tensors.Where(tensor => tensor.Name.EndsWith(A, StringComparison.Ordinal)))
        {
            var name = a.Name[..^A.Length];
            if (!weights.TryGetValue(name, out var weight) || !file.TryGetTensor(name + B, out var b)
                || a.Shape.Count != 2 || b.Shape.Count != 2 || a.Shape[1] != weight.Shape[1] || b.Shape[0] != weight.Shape[0] || a.Shape[0] != b.Shape[1])
            {
                throw new AdapterException($"{path}: '{a.Name}' [{string.Join(", ", a.Shape)}] is no half of a pair that fits the base: it belongs to another base or orientation.");
            }

            pairs.Add(LoraPair.FromGguf(weight, (int)a.Shape[0], file.ReadFloat32(a.Name), file.ReadFloat32(b.Name)));
        }

        if (pairs.Count == 0 || file.Tensors.Count != 2 * pairs.Count)
        {
            throw new AdapterException($"{path}: {file.Tensors.Count} tensors make {pairs.Count} pairs; some belong to no pair.");
        }

        return new PeftAdapter
        {
            Rank = pairs[0].Rank,
            Alpha = alpha == 0 ? pairs[0].Rank : alpha,
            TargetModules = [.. pairs.Select(pair => pair.Module.Split('.')[^1]).Distinct(StringComparer.Ordinal)],
            RankPattern = pairs.Where(pair => pair.Rank != pairs[0].Rank).ToDictionary(pair => pair.Module, pair => pair.Rank),
            AlphaPattern = alpha == 0 ? pairs.Where(pair => pair.Rank != pairs[0].Rank).ToDictionary(pair => pair.Module, pair => (double)pair.Rank) : new Dictionary<string, double>(),
            Pairs = pairs,
        };
    }
}
