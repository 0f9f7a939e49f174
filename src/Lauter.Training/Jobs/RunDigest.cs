using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Lauter.Training.Jobs;

/// <summary>Names everything a run's result depends on. A checkpoint is continued only by a run of the same digest.</summary>
internal static class RunDigest
{
    /// <summary>Raised when the training code changes in a way that makes old checkpoints worthless.</summary>
    private const string CodeVersion = "training-1";

    public static string Of(TrainingJob job)
    {
        // Where files lie, how often a checkpoint is written and how many threads work do not make another run.
        var settings = job with
        {
            BasePath = HashOf(job.BasePath),
            ExamplesPath = HashOf(job.ExamplesPath)!,
            CorpusPath = HashOf(job.CorpusPath),
            AdapterPath = job.AdapterPath is { } adapter ? HashOf(Path.Combine(adapter, "adapter_model.safetensors")) : null,
            Limits = null,
            ReportOnly = false,
            KeepEpochs = false,
            PauseAt = null,
            OutputDirectory = "",
            Options = job.Options with { CheckpointSeconds = 0, Threads = null },
        };
        var json = JsonSerializer.Serialize(settings, TrainingJson.Default.TrainingJob);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{CodeVersion}\n{json}")));
    }

    private static string? HashOf(string? path)
    {
        if (path is null)
        {
            return null;
        }

        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
