using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Lauter.Models.Comparison;
using Lauter.Models.Conversion;
using Lauter.Models.Natives;
using Lauter.Models.Peft;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Training.Decoders;
using Lauter.Training.Examples;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;

namespace Lauter.Training.Handover;

/// <summary>Whether an adapter that was trained elsewhere may be served, with all numbers.</summary>
public sealed record ImportReport
{
    /// <summary>Rows compared, and which split they are of.</summary>
    public required int Rows { get; init; }

    /// <summary>The split.</summary>
    public required string Split { get; init; }

    /// <summary>What is served (base and adapter; DoRA: the merge) in llama.cpp, against the merge in our own pass.</summary>
    public required ModelAgreement Agreement { get; init; }

    /// <summary>Loss of the rows' answers under the base alone, in nats a trained token.</summary>
    public required double BaseLoss { get; init; }

    /// <summary>The same with the adapter.</summary>
    public required double Loss { get; init; }

    /// <summary>What does not hold; empty = it may be served.</summary>
    public required IReadOnlyList<string> Broken { get; init; }
}

/// <summary>
/// Takes in a PEFT adapter from elsewhere: 1. it must fit the base, 2. merged, 3. what is served and our own pass must agree, 4. held-out answers must have become more likely (supervised
/// rows): the usual sign of another template or tokenizer over there is that they have not. Only then do the files get their names.
/// </summary>
public static class AdapterImport
{
    private const int MostRows = 200;
    private const string Candidate = ".candidate";

    /// <summary>Imports into the job's output directory: model.gguf, adapter/, adapter.gguf, import.json.</summary>
    /// <param name="job">The training that was handed over: base, rows, method.</param>
    /// <param name="adapter">The PEFT folder that came back.</param>
    /// <param name="cancellationToken">Ends between rows.</param>
    /// <exception cref="AdapterException">It belongs to another base, is damaged, or the base is quantised.</exception>
    /// <exception cref="TrainingFailedException">There is no row to compare on.</exception>
    public static ImportReport Run(TrainingJob job, string adapter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        var basePath = job.BasePath ?? throw new TrainingFailedException("An adapter is imported onto a base: set 'base' in the training file.");

        // 1., 2.
        var peft = PeftAdapter.Read(adapter);
        var output = Directory.CreateDirectory(job.OutputDirectory).FullName;
        string merged = Path.Combine(output, TrainingWorker.ModelFile), served = Path.Combine(output, TrainingWorker.AdapterFile);
        try
        {
            AdapterMerge.Merge(basePath, peft, merged + Candidate, Quantisation.All.Single(q => q.Name == "F32"));
            if (!peft.HasMagnitudes)
            {
                GgufAdapter.Write(served + Candidate, peft, Models.Families.ModelConfig.Read(basePath));
            }

            // 3., 4.
            var report = Compare(job, basePath, merged + Candidate, peft.HasMagnitudes ? null : served + Candidate, cancellationToken);
            AtomicFile.WriteJson(Path.Combine(output, "import.json"), report, ImportJson.Default.ImportReport);
            if (report.Broken.Count == 0)
            {
                File.Move(merged + Candidate, merged, overwrite: true);
                if (!peft.HasMagnitudes)
                {
                    File.Move(served + Candidate, served, overwrite: true);
                }

                peft.Write(Path.Combine(output, TrainingWorker.AdapterDirectory));
            }

            return report;
        }
        finally
        {
            File.Delete(merged + Candidate);
            File.Delete(served + Candidate);
        }
    }

    private static ImportReport Compare(TrainingJob job, string basePath, string merged, string? adapter, CancellationToken cancellationToken)
    {
        using var tokenizer = ModelTokenizer.Open(basePath);
        using var network = DecoderNetwork.Open(merged);
        using var alone = DecoderNetwork.Open(basePath);
        var template = tokenizer.ChatTemplate is { } source ? ChatTemplate.Parse(source) : null;
        var rows = ExampleFile.Read(job.ExamplesPath);
        var split = rows.Any(r => r.Split == ExampleFile.Validation) ? ExampleFile.Validation : ExampleFile.Train;
        var context = job.Options.MaximumTokens ?? 2048;
        TrainingExample[] examples = [.. new ExampleEncoder(template, tokenizer, context).Encode(rows, split).Take(MostRows)];
        if (examples.Length == 0)
        {
            throw new TrainingFailedException($"{job.ExamplesPath} has no row to compare on.");
        }

        using var llama = adapter is null ? ServedModel.Open(merged, contextLength: context) : ServedModel.Open(basePath, adapter, contextLength: context);
        double loss = 0, baseLoss = 0;
        var trained = 0;
        var agreement = ModelAgreement.Of(
            llama.LogProbabilities,
            ids => Rows(network.LogProbabilities(ids)),
            examples.Select(e =>
            {
                // Both losses on the way, so that each row's distributions are in memory once.
                loss += Loss(network.LogProbabilities(e.Ids), e);
                baseLoss += Loss(alone.LogProbabilities(e.Ids), e);
                trained += e.TrainedCount;
                return (e.Id, e.Ids);
            }),
            cancellationToken);
        (loss, baseLoss) = (loss / trained, baseLoss / trained);
        List<string> broken = [.. AgreementLimits.Of(null).Broken(agreement)];
        if (job.Method == TrainingJob.Sft && !(loss < baseLoss))
        {
            broken.Add($"the answers of {examples.Length} {split} rows have not become more likely: {baseLoss:0.0000} nats a token by the base, {loss:0.0000} with the adapter; was it trained with this template and tokenizer?");
        }

        return new ImportReport { Rows = examples.Length, Split = split, Agreement = agreement, BaseLoss = baseLoss, Loss = loss, Broken = broken };
    }

    private static double Loss(float[,] logs, TrainingExample example)
    {
        var sum = 0.0;
        for (var i = 1; i < example.Ids.Length; i++)
        {
            sum -= example.Trained[i] ? logs[i - 1, example.Ids[i]] : 0;
        }

        return sum;
    }

    private static float[][] Rows(float[,] all)
    {
        var rows = new float[all.GetLength(0)][];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = new float[all.GetLength(1)];
            Buffer.BlockCopy(all, i * rows[i].Length * sizeof(float), rows[i], 0, rows[i].Length * sizeof(float));
        }

        return rows;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ImportReport))]
internal sealed partial class ImportJson : JsonSerializerContext;
