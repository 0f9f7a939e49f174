using Lauter.Models.Conversion;
using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Peft;
using Lauter.Models.Safetensors;
using Lauter.Models.Templates;

namespace Lauter.Models.Inspection;

/// <summary>What a model file or folder holds, from its headers alone; no weight is read.</summary>
public sealed record ModelInspection
{
    /// <summary>What was inspected.</summary>
    public required string Path { get; init; }

    /// <summary><c>gguf</c>, <c>gguf-adapter</c>, <c>checkpoint</c>, <c>peft-adapter</c> or <c>safetensors</c>.</summary>
    public required string Form { get; init; }

    /// <summary>Bytes on disk.</summary>
    public required long Bytes { get; init; }

    /// <summary>Every tensor: name, storage, shape, bytes.</summary>
    public required IReadOnlyList<InspectedTensor> Tensors { get; init; }

    /// <summary>The name inside, or null.</summary>
    public string? Name { get; init; }

    /// <summary>llama.cpp's architecture, or null.</summary>
    public string? Architecture { get; init; }

    /// <summary>Shape of the network; null where no family reads it.</summary>
    public ModelConfig? Config { get; init; }

    /// <summary>How the file says it is stored, or null.</summary>
    public string? Quantisation { get; init; }

    /// <summary>The tokenizer, or null.</summary>
    public InspectedTokenizer? Tokenizer { get; init; }

    /// <summary>The adapter's settings, or null.</summary>
    public InspectedAdapter? Adapter { get; init; }

    /// <summary>The licence as the file or card states it; null = not stated.</summary>
    public string? License { get; init; }

    /// <summary>What will go wrong when this model is trained or served.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Number of values.</summary>
    public long ParameterCount => Tensors.Sum(tensor => tensor.Count);

    /// <summary>Inspects a GGUF or safetensors file, a checkpoint folder or a PEFT folder.</summary>
    /// <exception cref="FileNotFoundException">There is nothing at the path.</exception>
    /// <exception cref="IOException">The header is not sound; the message names field and value.</exception>
    public static ModelInspection Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            return File.Exists(System.IO.Path.Combine(path, "adapter_config.json")) ? Peft(path) : Checkpoint(path);
        }

        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path}: there is no such file or folder.", path);
        }

        return System.IO.Path.GetExtension(path) == ".safetensors" ? Safetensors(path) : Gguf(path);
    }

    private static ModelInspection Gguf(string path)
    {
        using var file = GgufFile.Open(path);
        var keys = file.Metadata;
        var isAdapter = keys.Text("general.type") == "adapter";
        var warnings = new List<string>();
        var config = isAdapter ? null : Attempt(() => ModelFamily.Detect(file).Read(file), warnings);
        var tokenizer = keys.Text("tokenizer.ggml.model") is { } model
            ? new InspectedTokenizer(model, keys.Text("tokenizer.ggml.pre"), keys.Texts("tokenizer.ggml.tokens")?.Count ?? 0, keys.Text("tokenizer.chat_template"))
            : null;
        if (!isAdapter)
        {
            warnings.AddRange(InspectionWarnings.Of(keys, tokenizer, config));
        }

        return new ModelInspection
        {
            Path = path,
            Form = isAdapter ? "gguf-adapter" : "gguf",
            Bytes = new FileInfo(path).Length,
            Tensors = [.. file.Tensors.Select(tensor => new InspectedTensor(tensor.Name, tensor.Type.ToString(), tensor.Shape, tensor.ByteLength))],
            Name = keys.Text("general.name"),
            Architecture = keys.Text("general.architecture"),
            Config = config,
            Quantisation = Conversion.Quantisation.Of(file)?.Name,
            Tokenizer = tokenizer,
            Adapter = isAdapter
                ? new InspectedAdapter(
                    (int)(file.Tensors.FirstOrDefault(tensor => tensor.Name.EndsWith(".lora_a", StringComparison.Ordinal))?.Shape[0] ?? 0), keys.Number("adapter.lora.alpha") ?? 0, null,
                    [.. file.Tensors.Select(tensor => tensor.Name.Split('.')[^3]).Distinct(StringComparer.Ordinal)])
                : null,
            License = keys.Text("general.license"),
            Warnings = warnings,
        };
    }

    private static ModelInspection Checkpoint(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var warnings = new List<string>();
        var config = Attempt(() => ModelConfig.Read(path), warnings);
        var keys = config is null ? null : Attempt(() => TokenizerKeys.Read(path, config.VocabularySize, config.Family), warnings);
        var tokenizer = keys is null or { Model: "no_vocab" } ? null : new InspectedTokenizer(keys.Model, keys.Pre, keys.Tokens.Length, keys.ChatTemplate);
        if (tokenizer?.ChatTemplate is { } template)
        {
            _ = Attempt(() => ChatTemplate.Parse(template), warnings);
        }

        var card = ModelCard.Read(path);
        return new ModelInspection
        {
            Path = path,
            Form = "checkpoint",
            Bytes = Directory.EnumerateFiles(path, "*.safetensors").Sum(name => new FileInfo(name).Length),
            Tensors = Of(file),
            Architecture = config is null ? null : ModelFamily.Named(config.Family).Architecture,
            Config = config,
            Tokenizer = tokenizer,
            License = card.LicenseName ?? card.License,
            Warnings = warnings,
        };
    }

    private static ModelInspection Peft(string path)
    {
        var adapter = PeftAdapter.Read(path);
        using var file = SafetensorsFile.Open(System.IO.Path.Combine(path, "adapter_model.safetensors"));
        return new ModelInspection
        {
            Path = path,
            Form = "peft-adapter",
            Bytes = new FileInfo(file.Path).Length,
            Tensors = Of(file),
            Adapter = new InspectedAdapter(adapter.Rank, adapter.Alpha, adapter.BaseModel, adapter.TargetModules),
            License = ModelCard.Read(path).License,
            Warnings = adapter.HasMagnitudes || adapter.Saved.Count > 0 ? ["The adapter has DoRA magnitudes or whole saved weights: it can be merged, but not served beside its base by llama.cpp."] : [],
        };
    }

    private static ModelInspection Safetensors(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return new ModelInspection { Path = path, Form = "safetensors", Bytes = new FileInfo(path).Length, Tensors = Of(file), Warnings = [] };
    }

    private static List<InspectedTensor> Of(SafetensorsFile file) =>
        [.. file.Tensors.Values.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).Select(tensor => new InspectedTensor(tensor.Name, tensor.Type, tensor.Shape, tensor.ByteLength))];

    /// <summary>A model that cannot be used can still be looked at.</summary>
    private static T? Attempt<T>(Func<T> read, List<string> warnings)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or TemplateException)
        {
            warnings.Add(exception.Message);
            return null;
        }
    }
}

/// <summary>One tensor of an inspected file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its storage.</param>
/// <param name="Shape">Extents, slowest first.</param>
/// <param name="Bytes">Bytes of data.</param>
public sealed record InspectedTensor(string Name, string Type, IReadOnlyList<long> Shape, long Bytes)
{
    /// <summary>Number of values.</summary>
    public long Count => Shape.Aggregate(1L, (product, extent) => product * extent);
}

/// <summary>The tokenizer of an inspected model.</summary>
/// <param name="Model">Its kind, <c>gpt2</c> or <c>llama</c> and so on.</param>
/// <param name="Pre">The name of its split, or null.</param>
/// <param name="Tokens">Number of tokens.</param>
/// <param name="ChatTemplate">The Jinja template, or null.</param>
public sealed record InspectedTokenizer(string Model, string? Pre, int Tokens, string? ChatTemplate);

/// <summary>The settings of an inspected adapter.</summary>
/// <param name="Rank">Rank.</param>
/// <param name="Alpha">Numerator of the scale.</param>
/// <param name="BaseModel">What it was trained on, as it says.</param>
/// <param name="Targets">Adapted modules.</param>
public sealed record InspectedAdapter(int Rank, double Alpha, string? BaseModel, IReadOnlyList<string> Targets);
