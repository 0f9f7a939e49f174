using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Safetensors;

namespace Lauter.Models.Conversion;

/// <summary>Turns a Hugging Face folder (config.json, safetensors, tokenizer files) into one GGUF file that llama.cpp serves.</summary>
public static class CheckpointConverter
{
    /// <summary>Writes the model, whole or not at all.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="target">The file to write.</param>
    /// <param name="quantisation">How to store it; the mixes go through a full-precision file beside the target, which is removed afterwards.</param>
    /// <exception cref="SafetensorsFormatException">The weights are damaged or not those of the configuration.</exception>
    /// <exception cref="InvalidDataException">The family or a feature of it is not supported.</exception>
    /// <exception cref="TokenizerConversionException">The tokenizer cannot be expressed exactly.</exception>
    public static void Convert(string folder, string target, Quantisation quantisation)
    {
        ArgumentNullException.ThrowIfNull(quantisation);
        using var weights = ModelWeights.Open(folder);
        if (quantisation.Matrices is null)
        {
            var wide = weights.Names.Any(weight => weights.StoredType(weight) == GgufTensorType.F32) ? Quantisation.Named("F32") : Quantisation.Named("BF16");
            var full = Path.GetFullPath(target) + $".{Guid.CreateVersion7():N}.wide";
            try
            {
                Write(folder, weights, full, wide);
                ModelQuantiser.Quantise(full, target, quantisation);
            }
            finally
            {
                File.Delete(full);
            }

            return;
        }

        Write(folder, weights, target, quantisation);
    }

    /// <summary>The keys of a checkpoint: architecture, tokenizer, card.</summary>
    internal static void AddKeys(GgufWriter writer, string path, ModelConfig config)
    {
        var folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        ModelFamily.Named(config.Family).WriteKeys(config, writer);
        writer.Add("general.name", Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))));
        var card = ModelCard.Read(folder);
        foreach (var (key, value) in new[] { ("general.license", card.License), ("general.license.name", card.LicenseName), ("general.license.link", card.LicenseLink) })
        {
            if (value is not null)
            {
                writer.Add(key, value);
            }
        }

        TokenizerKeys.Read(folder, config.VocabularySize, config.Family).WriteTo(writer);
    }

    private static void Write(string folder, ModelWeights weights, string target, Quantisation quantisation)
    {
        var config = weights.Config;
        var writer = GgufWriter.Create(target);
        AddKeys(writer, folder, config);
        writer.Add("general.file_type", (uint)quantisation.FileType);
        if (!quantisation.IsFullPrecision)
        {
            writer.Add("general.quantization_version", 2u);
        }

        WeightExport.AddWeights(writer, config, weight => quantisation.TypeOf(weight.Gguf, weight.Shape, config.TiedEmbeddings), weights.Read);
        writer.Finish();
    }
}
