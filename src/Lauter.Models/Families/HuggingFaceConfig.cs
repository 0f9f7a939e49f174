using System.Text.Json;

namespace Lauter.Models.Families;

/// <summary>A <c>config.json</c> of the transformers library, read member by member; every error names the file, the member and the value seen.</summary>
public sealed class HuggingFaceConfig
{
    private const long MostBytes = 16 << 20;

    private readonly JsonElement _root;

    private HuggingFaceConfig(string path, JsonElement root)
    {
        Path = path;
        _root = root;
    }

    /// <summary>The file, for messages.</summary>
    public string Path { get; }

    /// <summary>The member <c>model_type</c>, or an empty text.</summary>
    public string ModelType => Text("model_type") ?? "";

    /// <summary>The members of <c>rope_parameters</c> (newer) or <c>rope_scaling</c> (older); null when there are none.</summary>
    internal HuggingFaceConfig? Rope => Part("rope_parameters") ?? Part("rope_scaling");

    /// <summary>Reads a file, or <c>config.json</c> in a folder.</summary>
    /// <exception cref="InvalidDataException">The file is missing, larger than 16 MiB or no JSON object.</exception>
    public static HuggingFaceConfig Open(string path)
    {
        var file = Directory.Exists(path) ? System.IO.Path.Combine(path, "config.json") : path;
        if (new FileInfo(file) is not { Exists: true, Length: <= MostBytes })
        {
            throw new InvalidDataException($"{file}: there is no such file of at most {MostBytes >> 20} MiB; a Hugging Face model is a folder with config.json and its safetensors files.");
        }

        return Parse(File.ReadAllText(file), file);
    }

    /// <summary>Reads a text.</summary>
    /// <param name="json">The content of a config.json.</param>
    /// <param name="path">What messages call it.</param>
    /// <exception cref="InvalidDataException">No JSON object.</exception>
    public static HuggingFaceConfig Parse(string json, string path = "config.json")
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32 });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new HuggingFaceConfig(path, document.RootElement.Clone())
                : throw new InvalidDataException($"{path}: the content is no JSON object.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }

    internal bool Has(string name) => _root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    internal string? Text(string name) => _root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    internal bool Flag(string name, bool otherwise = false) => Has(name) ? _root.GetProperty(name).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Fault(name, "true or false"),
    }
    : otherwise;

    internal int Whole(string name, int? otherwise = null) => !Has(name)
        ? otherwise ?? throw new InvalidDataException($"{Path}: '{name}' is missing.")
        : _root.GetProperty(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) ? number : throw Fault(name, "a whole number");

    internal int? WholeOrNull(string name) => Has(name) ? Whole(name) : null;

    internal double Number(string name, double? otherwise = null) => !Has(name)
        ? otherwise ?? throw new InvalidDataException($"{Path}: '{name}' is missing.")
        : _root.GetProperty(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : throw Fault(name, "a number");

    internal IReadOnlyList<string>? Texts(string name) => !Has(name)
        ? null
        : _root.GetProperty(name) is { ValueKind: JsonValueKind.Array } list && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. list.EnumerateArray().Select(item => item.GetString()!)]
            : throw Fault(name, "a list of texts");

    internal HuggingFaceConfig? Part(string name) =>
        _root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? new HuggingFaceConfig($"{Path}: {name}", value) : null;

    internal InvalidDataException Fault(string name, string wanted) =>
        new($"{Path}: '{name}' is {(_root.TryGetProperty(name, out var value) ? Shortened(value.GetRawText()) : "missing")}, but must be {wanted}.");

    private static string Shortened(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
