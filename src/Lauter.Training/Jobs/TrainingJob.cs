using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Lauter.Training.Lora;
using Lauter.Training.Losses;

namespace Lauter.Training.Jobs;

/// <summary>All that a training child process needs, as one JSON file. Exactly one of <see cref="BasePath"/> and <see cref="Scratch"/> is set.</summary>
public sealed record TrainingJob
{
    /// <summary>The method that imitates answers.</summary>
    public const string Sft = "sft";

    /// <summary>Generated readers set every init member, so a member left out would lose its default; the reflecting reader keeps it.</summary>
    private static readonly JsonSerializerOptions ReadOptions = new(TrainingJson.Default.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver(), Converters = { new JsonStringEnumConverter() } };

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

    /// <summary>An adapter on the frozen base instead of training every weight; needs <see cref="BasePath"/>.</summary>
    public LoraOptions? Lora { get; init; }

    /// <summary>A PEFT folder whose adapter the training goes on from; null = a new one. It must have the modules and ranks of <see cref="Lora"/>.</summary>
    public string? AdapterPath { get; init; }

    /// <summary><c>sft</c>, or a loss over preferences: <c>dpo</c>, <c>ipo</c>, <c>orpo</c>, <c>simpo</c>, <c>kto</c>.</summary>
    public string Method { get; init; } = Sft;

    /// <summary>What the run may cost; null = anything.</summary>
    public TrainingLimits? Limits { get; init; }

    /// <summary>Whether the run ends after its report, before anything is trained.</summary>
    public bool ReportOnly { get; init; }

    /// <summary>Whether the adapter after every epoch is kept in <c>epochs/N</c>, in PEFT's form.</summary>
    public bool KeepEpochs { get; init; }

    /// <summary>Part of the steps, 0–1, after which the run is measured, leaves a checkpoint and ends; the next run of the same job goes on. Null = it runs to its end.</summary>
    public double? PauseAt { get; init; }

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

        if (Lora is not null)
        {
            faults.AddRange(Lora.Faults());
            if (BasePath is null)
            {
                faults.Add("lora needs basePath: an adapter sits on a model that is there already.");
            }

            foreach (var name in new[] { (nameof(Options.Dropout), Options.Dropout), (nameof(Options.LabelSmoothing), Options.LabelSmoothing), (nameof(Options.TokenNoise), Options.TokenNoise), (nameof(Options.PromptLossWeight), Options.PromptLossWeight) }.Where(o => o.Item2 != 0).Select(o => o.Item1).Concat(Options.Muon ? [nameof(Options.Muon)] : []))
            {
                faults.Add($"{name} is set, but adapter training has none; leave it out.");
            }
        }

        if (PauseAt is not (null or (> 0 and < 1)))
        {
            faults.Add($"PauseAt is {PauseAt}; it must be between 0 and 1.");
        }

        if (KeepEpochs && Lora is null)
        {
            faults.Add("KeepEpochs keeps adapters, so it needs lora.");
        }

        if (Method != Sft && PreferenceLosses.Find(Method) is null)
        {
            faults.Add($"Method is '{Method}'; known are {Sft}, {string.Join(", ", PreferenceLosses.All.Select(l => l.Name))}.");
        }
        else if (Method != Sft && Lora is null)
        {
            faults.Add($"Method {Method} compares with the base without its adapter, so it needs lora.");
        }

        return faults;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(TrainingJob))]
[JsonSerializable(typeof(TrainingEvent))]
[JsonSerializable(typeof(TrainingResult))]
[JsonSerializable(typeof(DataReport))]
internal sealed partial class TrainingJson : JsonSerializerContext;
