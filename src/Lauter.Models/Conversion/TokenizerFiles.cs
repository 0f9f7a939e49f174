using System.Text.Json;

namespace Lauter.Models.Conversion;

/// <summary>The tokenizer files of a checkpoint folder, parsed but not interpreted.</summary>
internal sealed record TokenizerFiles
{
    private const long MostBytes = 256 << 20;

    public required string Folder { get; init; }

    /// <summary><c>tokenizer.json</c>.</summary>
    public JsonElement? Json { get; init; }

    /// <summary><c>tokenizer_config.json</c>.</summary>
    public JsonElement? Config { get; init; }

    /// <summary><c>generation_config.json</c>, else <c>config.json</c>.</summary>
    public JsonElement? Generation { get; init; }

    /// <summary><c>tokenizer.model</c>, SentencePiece's own form.</summary>
    public byte[]? SentencePiece { get; init; }

    public string? ChatTemplate { get; init; }

    public static TokenizerFiles Read(string folder)
    {
        var config = Json0(folder, "tokenizer_config.json");
        var sentencePiece = Path.Combine(folder, "tokenizer.model");
        var separate = Path.Combine(folder, "chat_template.jinja");
        return new TokenizerFiles
        {
            Folder = folder,
            Json = Json0(folder, "tokenizer.json"),
            Config = config,
            Generation = Json0(folder, "generation_config.json") ?? Json0(folder, "config.json"),
            SentencePiece = File.Exists(sentencePiece) && Allowed(sentencePiece) ? File.ReadAllBytes(sentencePiece) : null,
            ChatTemplate = File.Exists(separate) && Allowed(separate) ? File.ReadAllText(separate) : TemplateOf(config),
        };
    }

    /// <summary>A member of tokenizer_config.json, or null.</summary>
    public JsonElement? Setting(string name) => Member(Config, name);

    /// <summary>A spelling in tokenizer_config.json: a text, or an object with <c>content</c>.</summary>
    public string? Spelling(string name) => Setting(name) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Object } token when token.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String => content.GetString(),
        _ => null,
    };

    /// <summary>Tokens added to the vocabulary after training: id, spelling, whether special. From tokenizer.json, else tokenizer_config.json.</summary>
    public IEnumerable<(int Id, string Content, bool Special)> AddedTokens()
    {
        if (Member(Json, "added_tokens") is { ValueKind: JsonValueKind.Array } added)
        {
            foreach (var token in added.EnumerateArray())
            {
                yield return (token.GetProperty("id").GetInt32(), token.GetProperty("content").GetString()!, token.TryGetProperty("special", out var special) && special.ValueKind == JsonValueKind.True);
            }
        }
        else if (Setting("added_tokens_decoder") is { ValueKind: JsonValueKind.Object } decoder)
        {
            foreach (var token in decoder.EnumerateObject())
            {
                yield return (int.Parse(token.Name, System.Globalization.CultureInfo.InvariantCulture), token.Value.GetProperty("content").GetString()!, token.Value.TryGetProperty("special", out var special) && special.ValueKind == JsonValueKind.True);
            }
        }
    }

    public static JsonElement? Member(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string? TemplateOf(JsonElement? config) => Member(config, "chat_template") switch
    {
        { ValueKind: JsonValueKind.String } one => one.GetString(),
        { ValueKind: JsonValueKind.Array } several => several.EnumerateArray()
            .Where(item => Member(item, "name") is { ValueKind: JsonValueKind.String } name && name.GetString() == "default")
            .Select(item => Member(item, "template")?.GetString()).FirstOrDefault(),
        _ => null,
    };

    private static JsonElement? Json0(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        if (!File.Exists(path) || !Allowed(path))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 64 });
            return document.RootElement.Clone();
        }
        catch (JsonException exception)
        {
            throw new TokenizerConversionException($"{path}: {exception.Message}", exception);
        }
    }

    private static bool Allowed(string path) => new FileInfo(path).Length <= MostBytes ? true : throw new TokenizerConversionException($"{path}: the file is larger than {MostBytes >> 20} MiB.");
}
