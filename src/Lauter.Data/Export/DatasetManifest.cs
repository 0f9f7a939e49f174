using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;

namespace Lauter.Data.Export;

/// <summary>One column of a table.</summary>
public sealed record ColumnManifest(string Name, string Type);

/// <summary>One Parquet file.</summary>
public sealed record ShardManifest(string File, int Rows, long Bytes, string Sha256);

/// <summary>One table of a dataset: <c>data</c>, <c>rejects</c> or <c>scores</c>.</summary>
public sealed record TableManifest(string Name, IReadOnlyList<ColumnManifest> Columns, int Rows, IReadOnlyList<ShardManifest> Shards);

/// <summary>The file <c>dataset.json</c> of a dataset directory: what is in it, byte for byte. Holds no times, so equal data gives an equal file.</summary>
/// <param name="Format">Version of this file, 1.</param>
/// <param name="Kind"><c>raw_documents</c>, <c>documents</c> or <c>examples</c>.</param>
/// <param name="Tables">Its tables.</param>
/// <param name="MeasureKey">Hash of source data and of the text-reading part of the recipe; stored scores are valid while it is the same.</param>
public sealed record DatasetManifest(int Format, string Kind, IReadOnlyList<TableManifest> Tables, string MeasureKey = "")
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "dataset.json";

    /// <summary>Writes the file into <paramref name="directory"/>.</summary>
    public void Save(string directory)
    {
        var node = JsonSerializer.SerializeToNode(this, DatasetJson.Default.DatasetManifest)!;
        AtomicFile.WriteAllBytes(Path.Combine(directory, FileName), CanonicalJson.Serialize(node));
    }

    /// <summary>Reads the file of <paramref name="directory"/>, or null when there is none.</summary>
    public static DatasetManifest? Load(string directory)
    {
        var path = Path.Combine(directory, FileName);
        return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), DatasetJson.Default.DatasetManifest) : null;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DatasetManifest))]
internal sealed partial class DatasetJson : JsonSerializerContext;

/// <summary>Canonical JSON files of reports.</summary>
internal static class ReportFile
{
    public const string FileName = "report.json";

    public static void Save(string directory, JsonObject report) =>
        AtomicFile.WriteAllBytes(Path.Combine(directory, FileName), CanonicalJson.Serialize(report));

    public static JsonObject Counts(IReadOnlyDictionary<string, int> counts) =>
        new(counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value)));
}
