namespace Lauter.Models.Hub;

/// <summary>Chooses the files of a model that are fetched.</summary>
internal static class HubSelection
{
    private static readonly string[] Needed =
    [
        "*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json",
        "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json", "README.md", "LICENSE*", "NOTICE*", "USE_POLICY*",
    ];

    public static IReadOnlyList<HubFile> Of(HubListing listing, IReadOnlyList<string> wanted, string model)
    {
        if (listing.Files.FirstOrDefault(file => !HubFile.IsSafe(file.Path) || file.Size < 0) is { } unsafeFile)
        {
            throw new HubException(HubFault.BadAnswer, $"{model}: the hub lists the file '{unsafeFile.Path}' of {unsafeFile.Size} bytes, which would lie outside the model's folder or is impossible.");
        }

        if (wanted.Count > 0)
        {
            return [.. wanted.SelectMany(pattern => listing.Files.Where(file => Matches(pattern, file.Path)) is var found && found.Any()
                ? found
                : throw new HubException(HubFault.NotFound, $"{model} has no file '{pattern}'; it has {Shown(listing.Files.Select(file => file.Path))}.")).DistinctBy(file => file.Path)];
        }

        var chosen = listing.Files.Where(file => !file.Path.Contains('/', StringComparison.Ordinal) && Needed.Any(pattern => Matches(pattern, file.Path))).ToList();
        if (chosen.Exists(file => file.Path.EndsWith(".safetensors", StringComparison.Ordinal)))
        {
            return chosen;
        }

        var gguf = listing.Files.Where(file => file.Path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)).Select(file => file.Path).ToList();
        throw new HubException(HubFault.Unusable, gguf.Count > 0
            ? $"{model} holds GGUF files; choose one with --file: {Shown(gguf)}."
            : $"{model} has no safetensors and no GGUF file. Pickled weights (.bin, .pt) are not fetched: opening them runs code.");
    }

    private static string Shown(IEnumerable<string> names) => string.Join(", ", names.Take(20));

    private static bool Matches(string pattern, string path) =>
        System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, path, ignoreCase: false);
}
