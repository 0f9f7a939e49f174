using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Lauter.Training.Jobs;

/// <summary>All that a training child process needs, as one JSON file. Exactly one of <see cref="BasePath"/> and <see cref="Scratch"/> is set.</summary>
public sealed record TrainingJob
{
    /// <summary>Generated readers set every init member, so a member left out would lose its default; the reflecting reader keeps it.</summary>
    private static readonly JsonSerializerOptions ReadOptions = new(TrainingJson.Default.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };

    /// <summary>Name written into the model's metadata.</summary>
    public required string Name { get; init; }

    /// <summary>A GGUF file whose weights, tokenizer and chat template the training starts from.</summary>
    public string? BasePath { get; init; }

    /// <summary>A network to train from nothing.</summary>
    public ScratchOptions? Scratch { get; init; }

    /// <summary>
    /// JSON lines: <c>{"id","split","messages":[{"role","content"}…]}</c> with split train, validation or test. Test rows are never read beyond their split.
    /// </summary>
    public required string ExamplesPath { get; init; }

    /// <summary>More text, a document a line as plain text, for learning the vocabulary only; or null.</summary>
    public string? CorpusPath { get; init; }

    /// <summary>Receives model.gguf, metrics.jsonl, result.json and checkpoint/. A checkpoint of the same run found there is continued.</summary>
    public required string OutputDirectory { get; init; }

    /// <summary>How to train.</summary>
    public TrainingOptions Options { get; init; } = new();

    /// <summary>Reads a job file.</summary>
    /// <exception cref="InvalidDataException">It is not a job; the message lists every fault.</exception>
    public static TrainingJob Read(string path)
    {
        TrainingJob? job;
        try
        {
            job = JsonSerializer.Deserialize<TrainingJob>(File.ReadAllBytes(path), ReadOptions);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not a training job: {e.Message}", e);
        }

        var faults = job?.Faults() ?? ["The file holds null."];
        return faults.Count == 0 ? job! : throw new InvalidDataException($"{path} is not a training job: {string.Join(' ', faults)}");
    }

    /// <summary>Writes the job file.</summary>
    public void Write(string path) => Catalog.Objects.AtomicFile.WriteJson(path, this, TrainingJson.Default.TrainingJob);

    /// <summary>Every fault at once; empty when the job can run.</summary>
    public IReadOnlyList<string> Faults()
    {
        List<string> faults = [.. Options.Faults(), .. Scratch?.Faults() ?? []];
        if (BasePath is null == Scratch is null)
        {
            faults.Add("Set exactly one of basePath and scratch.");
        }

        return faults;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(TrainingJob))]
[JsonSerializable(typeof(TrainingEvent))]
[JsonSerializable(typeof(TrainingResult))]
internal sealed partial class TrainingJson : JsonSerializerContext;
