using Lauter.Models.Gguf;

namespace Lauter.Models.Families;

/// <summary>
/// What one family of models has of its own: how its <c>config.json</c> and its GGUF keys become a <see cref="ModelConfig"/>, and what its weights are called in both
/// worlds. One file per family; most override two or three members. Stateless and thread-safe.
/// </summary>
public abstract class ModelFamily
{
    /// <summary>All families, in the order in which <see cref="Detect(GgufFile)"/> asks them.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } =
        [new LlamaFamily(), new MistralFamily(), new Qwen2Family(), new Qwen3Family(), new Glm4Family(), new ChatGlmFamily(), new Ernie45Family(), new Gemma3Family()];

    /// <summary>Name, as kept in <see cref="ModelConfig.Family"/>.</summary>
    public abstract string Name { get; }

    /// <summary>Value of <c>general.architecture</c>, which also begins the family's keys.</summary>
    public virtual string Architecture => Name;

    /// <summary>Values of <c>model_type</c> that this family reads.</summary>
    protected virtual IReadOnlyList<string> ModelTypes => [Name];

    /// <summary>How llama.cpp pairs rotated features for <see cref="Architecture"/>.</summary>
    protected virtual RotaryPairs Pairs => RotaryPairs.Halves;

    /// <summary>The family called <paramref name="name"/>.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static ModelFamily Named(string name) => All.FirstOrDefault(family => family.Name == name)
        ?? throw new InvalidDataException($"There is no model family '{name}'; known are {string.Join(", ", All.Select(family => family.Name))}.");

    /// <summary>The family of a GGUF file, by <c>general.architecture</c>.</summary>
    /// <exception cref="GgufFormatException">No family reads this architecture.</exception>
    public static ModelFamily Detect(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var architecture = file.Metadata.Text("general.architecture");
        return All.FirstOrDefault(family => family.Architecture == architecture)
            ?? throw new GgufFormatException($"{file.Path}: general.architecture is '{architecture ?? "missing"}'; networks are read of {string.Join(", ", All.Select(family => family.Architecture).Distinct())}.");
    }

    /// <summary>The family of a checkpoint, by <c>model_type</c>.</summary>
    /// <exception cref="InvalidDataException">No family reads this type.</exception>
    public static ModelFamily Detect(HuggingFaceConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return All.FirstOrDefault(family => family.ModelTypes.Contains(config.ModelType))
            ?? throw new InvalidDataException($"{config.Path}: model_type is '{config.ModelType}'; networks are read of {string.Join(", ", All.SelectMany(family => family.ModelTypes))}.");
    }

    /// <summary>Reads the shape from a <c>config.json</c>.</summary>
    /// <exception cref="InvalidDataException">A member is missing or out of range, or the model has a feature that this family's networks here do not have.</exception>
    public ModelConfig Read(HuggingFaceConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var read = FromHuggingFace(config, CommonFromHuggingFace(config));
        return read.Faults().FirstOrDefault() is { } fault ? throw new InvalidDataException($"{config.Path}: {fault}") : read;
    }

    /// <summary>Reads the shape from GGUF keys and from which tensors there are.</summary>
    /// <exception cref="GgufFormatException">A key is missing or out of range, or the model has a feature that this family's networks here do not have.</exception>
    public ModelConfig Read(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var read = FromGguf(file, GgufShape.Read(file, this));
        return read.Faults().FirstOrDefault() is { } fault ? throw new GgufFormatException($"{file.Path}: {fault}") : read;
    }

    /// <summary>Writes the keys of the architecture, without tokenizer and tensors.</summary>
    /// <exception cref="InvalidDataException">llama.cpp has no key for a value of this shape.</exception>
    public virtual void WriteKeys(ModelConfig config, GgufWriter writer)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(writer);
        GgufShape.Write(config, Architecture, writer);
    }

    /// <summary>All weights of a network of this shape, in file order. <c>rope_freqs.weight</c> is not among them: see <see cref="ModelConfig.RotaryFactors"/>.</summary>
    public IEnumerable<WeightName> Weights(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return WeightLayout.Of(config).Select(part =>
        {
            var name = part.Layer is { } layer ? $"blk.{layer}.{part.Part}" : part.Part;
            return new WeightName($"{name}.{part.Suffix}", HuggingFaceName(part.Part, part.Layer, part.Suffix), part.Shape, ChangeOf(config, part.Part, part.Suffix));
        });
    }

    /// <summary>Pairs that llama.cpp turns; for the shape readers.</summary>
    internal RotaryPairs GgufPairs => Pairs;

    /// <summary>Adds what the family has of its own to the members that all configurations share.</summary>
    protected abstract ModelConfig FromHuggingFace(HuggingFaceConfig config, ModelConfig common);

    /// <summary>Adds what the family has of its own to the keys that all architectures share.</summary>
    protected virtual ModelConfig FromGguf(GgufFile file, ModelConfig common) => common;

    /// <summary>The members that most configurations share; a family with other names overrides it.</summary>
    protected virtual ModelConfig CommonFromHuggingFace(HuggingFaceConfig config) => HuggingFaceShape.Read(config, this);

    /// <summary>Name of a weight in the checkpoint.</summary>
    /// <param name="part">Name in the GGUF file without layer and suffix, like <c>attn_q</c>.</param>
    /// <param name="layer">The layer, or null.</param>
    /// <param name="suffix"><c>weight</c> or <c>bias</c>.</param>
    protected virtual string HuggingFaceName(string part, int? layer, string suffix) => layer is null
        ? WeightLayout.OuterName(part) + "." + suffix
        : $"model.layers.{layer}.{LayerName(part)}.{suffix}";

    /// <summary>Name of a weight within its layer in the checkpoint, like <c>self_attn.q_proj</c>.</summary>
    protected virtual string LayerName(string part) => WeightLayout.LayerName(part);

    /// <summary>How the GGUF values differ from the checkpoint's.</summary>
    protected virtual WeightChange ChangeOf(ModelConfig config, string part, string suffix) => WeightChange.None;
}
