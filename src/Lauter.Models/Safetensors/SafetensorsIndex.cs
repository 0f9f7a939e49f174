using System.Text.Json;

namespace Lauter.Models.Safetensors;

/// <summary>Which files make up a checkpoint folder: <c>model.safetensors</c>, or the shards that <c>model.safetensors.index.json</c> names.</summary>
internal static class SafetensorsIndex
{
    public const string FileName = "model.safetensors.index.json";
    public const string SingleFileName = "model.safetensors";

    private const long MostBytes = 64 << 20;
    private const int MostShards = 4096;

    /// <summary>Paths of the files, and of each tensor the shard it must be in; the map is null for a single file.</summary>
    public static (IReadOnlyList<string> Files, IReadOnlyDictionary<string, string>? ShardOf) Read(string folder)
    {
        var index = Path.Combine(folder, FileName);
        if (!File.Exists(index))
        {
            var single = Path.Combine(folder, SingleFileName);
            return File.Exists(single)
                ? ([single], null)
                : throw new SafetensorsFormatException($"{folder}: neither {SingleFileName} nor {FileName} is in the folder.");
        }

        if (new FileInfo(index).Length > MostBytes)
        {
            throw new SafetensorsFormatException($"{index}: the file is larger than {MostBytes >> 20} MiB.");
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(index), new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            var shards = document.RootElement.GetProperty("weight_map").EnumerateObject()
                .ToDictionary(entry => entry.Name, entry => Path.Combine(folder, Plain(entry.Value.GetString(), index)), StringComparer.Ordinal);
            var files = shards.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
            return files.Length is > 0 and <= MostShards ? (files, shards) : throw new SafetensorsFormatException($"{index}: {files.Length} shards are named, but 1 to {MostShards} are expected.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new SafetensorsFormatException($"{index}: the index is damaged: {exception.Message}", exception);
        }
    }

    /// <summary>An index from elsewhere must not reach files outside its own folder.</summary>
    private static string Plain(string? name, string index) => name is { Length: > 0 and < 256 } && name is not ("." or "..") && name.AsSpan().IndexOfAny("/\\:\0") < 0
        ? name
        : throw new SafetensorsFormatException($"{index}: '{name}' is no plain name of a file beside the index.");
}
