using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>
/// LoRA training on CLINC150 rows against the machine's own matrix speed, one child process per setting so that its peak memory is its own. The rows are
/// those that the reference run used, when its file is given.
/// </summary>
internal static class TrainingSpeedBench
{
    private const int Layers = 30;
    private const string System = "Name the intent of the request.";

    private sealed record Setting(string Name, int Rows, bool Share, int? ResidentLayers, int ActivationMebibytes, int Rank = 16, int Join = 1, bool Decomposed = false, int? Layers = null);

    public static async Task<int> RunAsync(string model, string data, string steps, string? only)
    {
        var directory = Directory.CreateTempSubdirectory("lauter-training-").FullName;
        Setting[] settings =
        [
            new("a step of 32 rows, as the reference", 32, false, null, 800),
            new("the same, common beginning computed once", 32, true, null, 800),
            new("2,048-token packs, base mapped", 68, false, 4, 700),
            new("2,048-token packs, base mapped, beginning once", 68, true, 4, 700),
            new("2,048-token packs, everything computed again", 68, false, 4, 16),
            new("rank 64", 32, false, null, 800, Rank: 64),
            new("rank 4", 32, false, null, 800, Rank: 4),
            new("conversations of 8 rows (about 180 tokens)", 6, false, null, 800, Join: 8),
            new("conversations of 64 rows (about 1,300 tokens)", 1, false, null, 800, Join: 64),
            new("2,048-token packs, each row whole, at most 1.5 GiB", 68, false, 4, 800),
            new("weights decomposed (DoRA)", 32, false, null, 800, Decomposed: true),
            new("layers: the first half adapted", 32, false, null, 800, Layers: 15),
            new("small steps for the slope of memory", 4, false, 4, 100),
        ];
        try
        {
            foreach (var setting in settings.Where((_, i) => only is null || only.Split(',').Contains($"{i}")))
            {
                var job = Path.Combine(directory, "job.json");
                await WriteAsync(setting, model, data, directory, job);
                var output = await MeasureAsync(job, steps);
                Console.WriteLine($"== {setting.Name}\n{output}");
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        return 0;
    }

    private static async Task WriteAsync(Setting setting, string model, string data, string directory, string path)
    {
        var rows = Path.Combine(directory, "rows.jsonl");
        using var document = JsonDocument.Parse(await File.ReadAllBytesAsync(data));

        // Every fifth row: 3,000 rows over all intents.
        var all = document.RootElement.GetProperty("train").EnumerateArray().Where((_, i) => i % 5 == 0).Select(r => (Text: r[0].GetString()!, Intent: r[1].GetString()!)).ToArray();
        await using (var writer = new StreamWriter(rows))
        {
            foreach (var group in all.Chunk(setting.Join))
            {
                JsonArray messages = [new JsonObject { ["role"] = "system", ["content"] = System }];
                foreach (var (text, intent) in group)
                {
                    messages.Add(new JsonObject { ["role"] = "user", ["content"] = text });
                    messages.Add(new JsonObject { ["role"] = "assistant", ["content"] = intent });
                }

                await writer.WriteLineAsync(new JsonObject { ["messages"] = messages }.ToJsonString());
            }
        }

        await File.WriteAllTextAsync(path, new JsonObject
        {
            ["name"] = "speed",
            ["basePath"] = Path.GetFullPath(model),
            ["examplesPath"] = rows,
            ["outputDirectory"] = directory,
            ["lora"] = new JsonObject { ["rank"] = setting.Rank, ["weightDecomposed"] = setting.Decomposed, ["rankPattern"] = Pattern(setting.Layers) },
            ["options"] = new JsonObject
            {
                ["batchExamples"] = setting.Rows, ["sharePrefix"] = setting.Share, ["residentLayers"] = setting.ResidentLayers, ["activationMebibytes"] = setting.ActivationMebibytes,
                ["dropout"] = 0, ["microBatchTokens"] = 4096,
            },
        }.ToJsonString());
    }

    /// <summary>Leaves the layers from <paramref name="layers"/> on without an adapter, of the thirty that SmolLM2-135M has.</summary>
    private static JsonObject Pattern(int? layers)
    {
        JsonObject pattern = [];
        for (var layer = layers ?? Layers; layer < Layers; layer++)
        {
            foreach (var name in new[] { "q", "k", "v", "o", "gate", "up", "down" })
            {
                pattern[$"layers.{layer}.{name}_proj"] = 0;
            }
        }

        return pattern;
    }

    private static async Task<string> MeasureAsync(string job, string steps)
    {
        var start = new ProcessStartInfo("dotnet", [Clinc150.Program(), "worker", "measure", job, steps]) { RedirectStandardOutput = true, UseShellExecute = false };
        using var child = Process.Start(start)!;
        var output = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        return output;
    }
}
