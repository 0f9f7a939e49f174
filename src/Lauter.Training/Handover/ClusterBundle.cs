using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Models.Families;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Training.Examples;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;

namespace Lauter.Training.Handover;

/// <summary>What a cluster needs to know that a training file for this machine does not say.</summary>
public sealed record ClusterOptions
{
    /// <summary>The original weights over there: a Hugging Face name, or a path on the cluster.</summary>
    public required string Base { get; init; }

    /// <summary>LLaMA-Factory's name for the model's chat template; null = by family.</summary>
    public string? Template { get; init; }

    /// <summary>GPUs of one node, 1–16.</summary>
    public int Gpus { get; init; } = 1;

    /// <summary>Hours after which the scheduler ends the job.</summary>
    public int Hours { get; init; } = 24;

    /// <summary>Container image of the Kubernetes job.</summary>
    public string Image { get; init; } = "hiyouga/llamafactory:latest";
}

/// <summary>
/// Hands a training over to a GPU cluster as a folder: rows, configurations of LLaMA-Factory and Axolotl, job files of Slurm and Kubernetes. For Axolotl supervised
/// rows are token ids and labels already, by the tokenizer and the renderer that will serve: nothing over there can differ. What comes back as a PEFT folder is
/// taken in through the parity gate (<c>lauter train FILE --import FOLDER</c>).
/// </summary>
public static class ClusterBundle
{
    private const int Masked = -100;

    /// <summary>Writes the folder.</summary>
    /// <param name="job">The training: base, rows, method, adapter, options.</param>
    /// <param name="options">The cluster.</param>
    /// <param name="directory">Receives the files; existing ones are replaced.</param>
    /// <returns>Rows of the splits train and validation.</returns>
    /// <exception cref="TrainingFailedException">The training has no form over there.</exception>
    public static (int Training, int Validation) Write(TrainingJob job, ClusterOptions options, string directory)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(options);
        if (job.Lora is null || job.BasePath is null)
        {
            throw new TrainingFailedException("A bundle is for adapter training on a base: set 'base' and 'lora'.");
        }

        var rows = ExampleFile.Read(job.ExamplesPath);
        if (rows.FirstOrDefault(r => r.Kind is not (RowKind.Conversation or RowKind.Preference)) is { } odd)
        {
            throw new TrainingFailedException($"The row {odd.Id} is {odd.Kind}; a bundle takes conversations and preferences.");
        }

        var data = Directory.CreateDirectory(Path.Combine(directory, "data")).FullName;
        var counts = (Rows(rows, ExampleFile.Train, Path.Combine(data, "train.jsonl")), Rows(rows, ExampleFile.Validation, Path.Combine(data, "validation.jsonl")));
        if (counts.Item1 == 0)
        {
            throw new TrainingFailedException($"{job.ExamplesPath} has no row to train on.");
        }

        var preferences = rows[0].Kind == RowKind.Preference;
        Put("data/dataset_info.json", ClusterFiles.DatasetInfo(preferences, counts.Item2 > 0));
        Put("llamafactory.yaml", ClusterFiles.LlamaFactory(job, options, options.Template ?? TemplateOf(job.BasePath), counts.Item2 > 0));
        var tokenised = !preferences;
        if (tokenised)
        {
            Tokens(job, rows, data);
        }

        Put("axolotl.yaml", ClusterFiles.Axolotl(job, options, tokenised, counts.Item2 > 0));
        Put("run.sh", ClusterFiles.Run);
        Put("slurm.sbatch", ClusterFiles.Slurm(job.Name, options));
        Put("kubernetes.yaml", ClusterFiles.Kubernetes(job.Name, options));
        Put("README.md", ClusterFiles.Readme(job, options, counts.Item1, counts.Item2));
        Put("bundle.json", Manifest(job, options, directory).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        return counts;

        void Put(string name, string text) => File.WriteAllText(Path.Combine(directory, name), text, new UTF8Encoding(false));
    }

    private static int Rows(IReadOnlyList<TrainingRow> rows, string split, string path)
    {
        var mine = rows.Where(r => r.Split == split).ToArray();
        if (mine.Length == 0)
        {
            File.Delete(path);
            return 0;
        }

        File.WriteAllLines(path, mine.Select(r => Row(r).ToJsonString()), new UTF8Encoding(false));
        return mine.Length;
    }

    private static JsonObject Row(TrainingRow row)
    {
        if (row.Rejected is not { } rejected)
        {
            return new JsonObject { ["messages"] = Messages(row.Messages) };
        }

        // Both take one message as an answer.
        return rejected.Count == row.Messages.Count && row.Messages.SkipLast(1).SequenceEqual(rejected.SkipLast(1))
            ? new JsonObject { ["messages"] = Messages(row.Messages.SkipLast(1)), ["chosen"] = Message(row.Messages[^1]), ["rejected"] = Message(rejected[^1]) }
            : throw new TrainingFailedException($"The row {row.Id} has answers of several messages; a bundle takes one each.");
    }

    private static JsonArray Messages(IEnumerable<ChatMessage> messages) => new([.. messages.Select(m => (JsonNode)Message(m))]);

    private static JsonObject Message(ChatMessage message) => new() { ["role"] = message.Role, ["content"] = message.Content };

    /// <summary>Token ids, and as labels those that are trained.</summary>
    private static void Tokens(TrainingJob job, IReadOnlyList<TrainingRow> rows, string data)
    {
        using var tokenizer = ModelTokenizer.Open(job.BasePath!);
        var template = tokenizer.ChatTemplate is { } source ? ChatTemplate.Parse(source) : throw new TrainingFailedException($"{job.BasePath} has no chat template (tokenizer.chat_template).");
        foreach (var split in new[] { ExampleFile.Train, ExampleFile.Validation })
        {
            var examples = new ExampleEncoder(template, tokenizer, job.Options.MaximumTokens ?? int.MaxValue, job.Options.LongRows).Encode(rows, split);
            if (examples.Count > 0)
            {
                File.WriteAllLines(Path.Combine(data, $"{split}-tokens.jsonl"), examples.Select(e => new JsonObject
                {
                    ["input_ids"] = new JsonArray([.. e.Ids.Select(id => (JsonNode)id)]),
                    ["attention_mask"] = new JsonArray([.. e.Ids.Select(_ => (JsonNode)1)]),
                    ["labels"] = new JsonArray([.. e.Ids.Select((id, i) => (JsonNode)(e.Trained[i] ? id : Masked))]),
                }.ToJsonString()), new UTF8Encoding(false));
            }
        }
    }

    /// <summary>By family, and among the many that are shaped like Llama by the marks of the template that the file carries.</summary>
    private static string TemplateOf(string path)
    {
        using var tokenizer = ModelTokenizer.Open(path);
        var marks = tokenizer.ChatTemplate ?? "";
        return ModelConfig.Read(path).Family switch
        {
            "llama" when marks.Contains("<|start_header_id|>", StringComparison.Ordinal) => "llama3",
            "llama" when marks.Contains("<|im_start|>", StringComparison.Ordinal) => "chatml",
            "llama" when marks.Contains("[INST]", StringComparison.Ordinal) => "llama2",
            "mistral" => "mistral", "qwen2" => "qwen", "qwen3" => "qwen3", "glm4" => "glm4", "chatglm" => "chatglm3", "gemma3" => "gemma",
            var other => throw new TrainingFailedException($"LLaMA-Factory's template for this {other} model is not known; name it: cluster: {{ template: NAME }}."),
        };
    }

    /// <summary>Names and hashes, so that it can be told later from what an adapter came.</summary>
    private static JsonObject Manifest(TrainingJob job, ClusterOptions options, string directory)
    {
        JsonObject files = [];
        foreach (var path in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Where(p => Path.GetFileName(p) != "bundle.json"))
        {
            files[Path.GetRelativePath(directory, path).Replace('\\', '/')] = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
        }

        return new JsonObject { ["name"] = job.Name, ["base"] = options.Base, ["method"] = job.Method, ["seed"] = job.Options.Seed, ["sha256"] = files };
    }
}
