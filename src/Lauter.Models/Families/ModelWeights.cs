using Lauter.Models.Gguf;
using Lauter.Models.Safetensors;

namespace Lauter.Models.Families;

/// <summary>
/// The weights of a model file or checkpoint folder, one interface for both: names, shapes and order are those of the GGUF file, so a network that loads from here need not
/// know where a model came from. Opening checks that every weight is there in the right shape and that nothing unknown is beside it. Reading is thread-safe.
/// </summary>
public abstract class ModelWeights : IDisposable
{
    private protected ModelWeights(string path, ModelConfig config)
    {
        Path = path;
        Config = config;
        Names = [.. ModelFamily.Named(config.Family).Weights(config)];
    }

    /// <summary>What was opened.</summary>
    public string Path { get; }

    /// <summary>The shape of the network.</summary>
    public ModelConfig Config { get; }

    /// <summary>All weights, in file order.</summary>
    public IReadOnlyList<WeightName> Names { get; }

    /// <summary>Opens a GGUF file, a folder with <c>config.json</c> and safetensors (shards included), or a safetensors file with <c>config.json</c> beside it.</summary>
    /// <exception cref="GgufFormatException">The file is no sound GGUF file of a supported family, or a weight is missing, unknown or of another shape.</exception>
    /// <exception cref="SafetensorsFormatException">The same for a checkpoint.</exception>
    /// <exception cref="InvalidDataException">config.json is missing or not understood.</exception>
    public static ModelWeights Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path) || System.IO.Path.GetExtension(path) == ".safetensors")
        {
            var folder = Directory.Exists(path) ? path : System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
            var json = HuggingFaceConfig.Open(folder);
            return new CheckpointWeights(SafetensorsFile.Open(path), ModelFamily.Detect(json).Read(json));
        }

        var file = GgufFile.Open(path);
        try
        {
            return new GgufWeights(file, ModelFamily.Detect(file).Read(file), owned: true);
        }
        catch
        {
            // The mapping must not outlive a refused file.
            file.Dispose();
            throw;
        }
    }

    /// <summary>The weights of a GGUF file that stays the caller's to dispose.</summary>
    /// <exception cref="GgufFormatException">No supported family, or a weight is missing, unknown or of another shape.</exception>
    public static ModelWeights Of(GgufFile file) => new GgufWeights(file, ModelFamily.Detect(file).Read(file), owned: false);

    /// <summary>All values, row-major, widened to fp32, rows and gains as in a GGUF file.</summary>
    public abstract float[] Read(WeightName weight);

    /// <summary>How the values are stored.</summary>
    public abstract GgufTensorType StoredType(WeightName weight);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the files.</summary>
    /// <param name="disposing">Whether called from <see cref="Dispose()"/>.</param>
    protected abstract void Dispose(bool disposing);

    /// <summary>A weight left out would give a network that runs and is wrong.</summary>
    private protected string? Fault(Func<WeightName, IReadOnlyList<long>?> shape, IEnumerable<string> present, Func<WeightName, string> nameOf)
    {
        foreach (var weight in Names)
        {
            if (shape(weight) is not { } found || !found.SequenceEqual(weight.Shape))
            {
                return $"{Path}: '{nameOf(weight)}' is {(shape(weight) is { } other ? $"[{string.Join(", ", other)}]" : "missing")}, but a {Config.Family} network of this shape needs [{string.Join(", ", weight.Shape)}].";
            }
        }

        var known = Names.Select(nameOf).ToHashSet(StringComparer.Ordinal);
        return present.FirstOrDefault(name => !known.Contains(name)) is { } extra ? $"{Path}: the tensor '{extra}' is not part of a {Config.Family} network here, so leaving it out would change the model." : null;
    }

    private sealed class GgufWeights : ModelWeights
    {
        private readonly GgufFile _file;
        private readonly bool _owned;

        public GgufWeights(GgufFile file, ModelConfig config, bool owned)
            : base(file.Path, config)
        {
            _file = file;
            _owned = owned;
            if (Fault(w => file.TryGetTensor(w.Gguf, out var t) ? t.Shape : null, file.Tensors.Select(t => t.Name).Where(n => n != GgufShape.RotaryFactors), w => w.Gguf) is { } fault)
            {
                throw new GgufFormatException(fault);
            }
        }

        public override float[] Read(WeightName weight) => _file.ReadFloat32(weight.Gguf);

        public override GgufTensorType StoredType(WeightName weight) => _file.Tensor(weight.Gguf).Type;

        protected override void Dispose(bool disposing)
        {
            if (_owned)
            {
                _file.Dispose();
            }
        }
    }

    private sealed class CheckpointWeights : ModelWeights
    {
        private readonly SafetensorsFile _file;

        public CheckpointWeights(SafetensorsFile file, ModelConfig config)
            : base(file.Path, config)
        {
            _file = file;
            if (Fault(w => file.Tensors.TryGetValue(w.HuggingFace, out var t) ? t.Shape : null, file.Tensors.Keys.Where(name => !IsDerived(name, config)), w => w.HuggingFace) is { } fault)
            {
                // Not this class's own field: a constructor that throws is never disposed.
                file.Dispose();
                throw new SafetensorsFormatException(fault);
            }
        }

        public override float[] Read(WeightName weight) => weight.ToGguf(_file.ReadFloat32(weight.HuggingFace));

        public override GgufTensorType StoredType(WeightName weight) => _file.Tensors[weight.HuggingFace].Type switch { "F16" => GgufTensorType.F16, "BF16" => GgufTensorType.BF16, _ => GgufTensorType.F32 };

        protected override void Dispose(bool disposing) => _file.Dispose();

        /// <summary>Old checkpoints keep the rotary frequencies, which follow from the shape, and some a second copy of a tied output matrix.</summary>
        private static bool IsDerived(string name, ModelConfig config) =>
            name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) || name.EndsWith("rotary_pos_emb.inv_freq", StringComparison.Ordinal) || (config.TiedEmbeddings && name == "lm_head.weight");
    }
}
