using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lauter.Commands;

/// <summary>Files that verbs read without a project.</summary>
internal static class PlainFiles
{
    /// <summary>The lines of <paramref name="path"/>; <c>-</c> is standard input.</summary>
    public static IReadOnlyList<string> Lines(string path) => path == "-" ? [.. ReadStandardInput()] : File.ReadAllLines(Existing(path));

    /// <summary>The bytes of <paramref name="path"/>; <c>-</c> is standard input.</summary>
    public static byte[] Bytes(string path) => path == "-" ? System.Text.Encoding.UTF8.GetBytes(string.Join('\n', ReadStandardInput())) : File.ReadAllBytes(Existing(path));

    /// <summary>The full path, when the file is there.</summary>
    public static string Existing(string path)
    {
        var full = Path.GetFullPath(path);
        return File.Exists(full) ? full : throw new CommandException(ExitCodes.InputMissing, $"the file {full} was not found.");
    }

    /// <summary>A JSON or YAML file (by its ending) as JSON.</summary>
    public static JsonNode? Structured(string path)
    {
        var text = File.ReadAllText(Existing(path));
        try
        {
            if (Path.GetExtension(path).ToLowerInvariant() is not (".yaml" or ".yml"))
            {
                return JsonNode.Parse(text);
            }

            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents.Count == 0 ? null : Node(stream.Documents[0].RootNode, 0);
        }
        catch (Exception e) when (e is JsonException or YamlException)
        {
            throw new CommandException(ExitCodes.ProjectInvalid, $"{path}: {e.InnerException?.Message ?? e.Message}");
        }
    }

    /// <summary>Writes <paramref name="text"/> whole or not at all.</summary>
    public static void Write(string path, string text)
    {
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        Lauter.Catalog.Objects.AtomicFile.WriteAllBytes(full, System.Text.Encoding.UTF8.GetBytes(text));
    }

    private static IEnumerable<string> ReadStandardInput()
    {
        while (System.Console.In.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    private static JsonNode? Node(YamlNode node, int depth) => depth > 32 ? throw new YamlException("more than 32 levels deep") : node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value ?? "", Node(c.Value, depth + 1)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(c => Node(c, depth + 1))]),
        YamlScalarNode scalar => Scalar(scalar),
        _ => null,
    };

    private static JsonValue? Scalar(YamlScalarNode scalar) => scalar switch
    {
        // Code that a file names is not ours to run; the name stays visible for whoever refuses it.
        { Tag: { IsEmpty: false, Value: "!function" } } => JsonValue.Create($"!function {scalar.Value}"),
        { Style: ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted } => JsonValue.Create(scalar.Value),
        { Value: null or "" or "~" or "null" } => null,
        { Value: "true" } => JsonValue.Create(true),
        { Value: "false" } => JsonValue.Create(false),
        { Value: var v } when long.TryParse(v, CultureInfo.InvariantCulture, out var whole) => JsonValue.Create(whole),
        { Value: var v } when double.TryParse(v, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        _ => JsonValue.Create(scalar.Value),
    };
}
