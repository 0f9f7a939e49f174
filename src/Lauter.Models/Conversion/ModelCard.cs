namespace Lauter.Models.Conversion;

/// <summary>What the front matter of a <c>README.md</c> says about a model; only scalar lines and simple lists are read.</summary>
/// <param name="License">The licence's identifier, or null.</param>
/// <param name="LicenseName">Its name where the identifier is "other", or null.</param>
/// <param name="LicenseLink">Where it stands, or null.</param>
/// <param name="BaseModel">What the model was made from, or null.</param>
public sealed record ModelCard(string? License, string? LicenseName, string? LicenseLink, string? BaseModel)
{
    private const int MostBytes = 1 << 20;

    /// <summary>Reads <c>README.md</c> in a folder; nothing is known when there is none.</summary>
    public static ModelCard Read(string folder)
    {
        var path = Path.Combine(folder, "README.md");
        return File.Exists(path) && new FileInfo(path).Length <= MostBytes ? Parse(File.ReadAllText(path)) : new ModelCard(null, null, null, null);
    }

    /// <summary>Reads the text of a card.</summary>
    public static ModelCard Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        string? open = null;
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        if (lines[0].Trim() != "---")
        {
            return new ModelCard(null, null, null, null);
        }

        foreach (var line in lines.Skip(1).TakeWhile(line => line.Trim() != "---"))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (line.TrimStart().StartsWith("- ", StringComparison.Ordinal) && open is not null)
            {
                values.TryAdd(open, Plain(line.TrimStart()[2..]));
            }
            else if (colon > 0 && !char.IsWhiteSpace(line[0]))
            {
                open = line[..colon].Trim();
                if (Plain(line[(colon + 1)..]) is { Length: > 0 } value)
                {
                    values.TryAdd(open, value);
                }
            }
        }

        return new ModelCard(values.GetValueOrDefault("license"), values.GetValueOrDefault("license_name"), values.GetValueOrDefault("license_link"), values.GetValueOrDefault("base_model"));
    }

    private static string Plain(string value) => value.Trim().Trim('"', '\'', '[', ']').Trim();
}
