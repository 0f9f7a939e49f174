using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Peft;

namespace Lauter.Models.Conversion;

/// <summary>
/// Adds an adapter to its base in fp32 and stores the sum with at least 16 bits; quantising comes after. A quantised base is refused: its steps are larger than what an
/// adapter adds, so the training would be lost.
/// </summary>
public static class AdapterMerge
{
    /// <summary>Writes the merged model as GGUF.</summary>
    /// <param name="basePath">The original weights: a GGUF file of F32, F16 or BF16, or a checkpoint folder.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="target">The file to write.</param>
    /// <param name="quantisation">F32, BF16 or F16.</param>
    /// <exception cref="AdapterException">The base is quantised, or the adapter belongs to another base.</exception>
    public static void Merge(string basePath, PeftAdapter adapter, string target, Quantisation quantisation)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(quantisation);
        if (quantisation.Matrices is not { } type || !quantisation.IsFullPrecision)
        {
            throw new AdapterException($"A merge is stored as F32, BF16 or F16, not as {quantisation.Name}; quantise the merged file afterwards.");
        }

        using var weights = ModelWeights.Open(basePath);
        if (weights.Names.FirstOrDefault(weight => !ModelQuantiser.IsFull(weights.StoredType(weight))) is { } quantised)
        {
            throw new AdapterException($"{basePath}: '{quantised.Gguf}' is stored as {weights.StoredType(quantised)}. An adapter is merged into the original weights of at least 16 bits, then the result is quantised; if only a quantised base exists, widen it with 'lauter model convert --type F16' and merge into that.");
        }

        var pairs = adapter.On(weights.Config).ToLookup(entry => entry.Weight.Gguf);
        var writer = GgufWriter.Create(target);
        if (Directory.Exists(basePath) || Path.GetExtension(basePath) == ".safetensors")
        {
            CheckpointConverter.AddKeys(writer, basePath, weights.Config);
        }
        else
        {
            using var file = GgufFile.Open(basePath);
            writer.AddFrom(file.Metadata, key => key is not ("general.file_type" or "general.alignment"));
        }

        writer.Add("general.file_type", (uint)quantisation.FileType);
        WeightExport.AddWeights(writer, weights.Config, _ => type, weight =>
        {
            var values = adapter.Saved.TryGetValue(weight.HuggingFace, out var saved) ? weight.ToGguf(saved.Values) : weights.Read(weight);
            foreach (var (pair, _) in pairs[weight.Gguf])
            {
                LoraDelta.Add(values, pair, weight, adapter.Scale(pair));
            }

            return values;
        });
        writer.Finish();
    }
}
