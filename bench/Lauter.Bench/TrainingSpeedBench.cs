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
    private const string System = "Name the intent of the request.";

    private sealed record Setting(string Name, int Rows, bool Share, int? ResidentLayers, int ActivationMebibytes, int Rank = 16, int Join = 1, string[]? Targets = null);

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
            ["lora"] = new JsonObject { ["rank"] = setting.Rank },
            ["options"] = new JsonObject
            {
                ["batchExamples"] = setting.Rows, ["sharePrefix"] = setting.Share, ["residentLayers"] = setting.ResidentLayers, ["activationMebibytes"] = setting.ActivationMebibytes,
                ["dropout"] = 0, ["microBatchTokens"] = 4096,
            },
        }.ToJsonString());
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
