using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;

namespace Lauter.Catalog.Plan;

/// <summary>A finished step: the key that asked for it, the manifest it gave, what it used.</summary>
public sealed record StepRecord
{
    /// <summary>The key.</summary>
    public required string Key { get; init; }

    /// <summary>The step's name.</summary>
    public required string Step { get; init; }

    /// <summary>What the key was made of.</summary>
    public required JsonObject KeyParts { get; init; }

    /// <summary>The output.</summary>
    public required string Manifest { get; init; }

    /// <summary>The phase of the bill.</summary>
    public required StepPhase Phase { get; init; }

    /// <summary>The application it worked for, or null.</summary>
    public string? Application { get; init; }

    /// <summary>When it began (UTC).</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>How long it took, in seconds.</summary>
    public required double WallSeconds { get; init; }

    /// <summary>CPU time of this process and of children, in seconds.</summary>
    public required double CoreSeconds { get; init; }

    /// <summary>Largest resident memory of a child process in bytes; 0 when there was none.</summary>
    public long ChildPeakBytes { get; init; }
}

/// <summary>
/// Finished steps as small files: <c>.lauter/steps/KEY.json</c>, and <c>.lauter/steps/last/STEP.json</c> for the newest of each name.
/// A record appears by rename after its output is in the store.
/// </summary>
public sealed class StepRecords
{
    private readonly string _directory;

    /// <param name="stateDirectory">The project's <c>.lauter</c>.</param>
    public StepRecords(string stateDirectory)
    {
        _directory = Path.Combine(stateDirectory, "steps");
        Directory.CreateDirectory(Path.Combine(_directory, "last"));
    }

    /// <summary>The record of <paramref name="key"/>, or null.</summary>
    public StepRecord? Find(string key) => Read(Path.Combine(_directory, key + ".json"));

    /// <summary>The newest record of the step called <paramref name="step"/>, or null.</summary>
    public StepRecord? Last(string step) => Read(LastPath(step));

    /// <summary>Every record, oldest first.</summary>
    public IReadOnlyList<StepRecord> All() =>
    [
        .. Directory.EnumerateFiles(_directory, "*.json").Select(Read).OfType<StepRecord>().OrderBy(r => r.Started).ThenBy(r => r.Key, StringComparer.Ordinal),
    ];

    /// <summary>Keeps <paramref name="record"/>.</summary>
    public void Add(StepRecord record)
    {
        AtomicFile.WriteJson(Path.Combine(_directory, record.Key + ".json"), record, StepJson.Default.StepRecord);
        AtomicFile.WriteJson(LastPath(record.Step), record, StepJson.Default.StepRecord);
    }

    /// <summary>Notes that <paramref name="record"/> is the one now in use, after a change was taken back.</summary>
    public void Touch(StepRecord record) => AtomicFile.WriteJson(LastPath(record.Step), record, StepJson.Default.StepRecord);

    private string LastPath(string step) => Path.Combine(_directory, "last", step.Replace(':', '_').Replace('/', '_') + ".json");

    private static StepRecord? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), StepJson.Default.StepRecord);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException)
        {
            // A record is a cache entry: one that cannot be read means only that the step runs again.
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(StepRecord))]
internal sealed partial class StepJson : JsonSerializerContext;
