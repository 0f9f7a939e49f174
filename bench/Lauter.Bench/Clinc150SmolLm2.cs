using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>Fine-tunes a pre-trained model through the whole product, on the rows of the reference run: rows in, gate and release out.</summary>
internal static class Clinc150SmolLm2
{
    private const int ValidationEvery = 30;

    public static async Task<int> RunAsync(string data, string model, string reference)
    {
        var project = Path.Combine(Clinc150.RepositoryRoot(), "bench", "projects", "clinc150-smollm2");
        using var rows = JsonDocument.Parse(await File.ReadAllBytesAsync(data));
        using var run = JsonDocument.Parse(await File.ReadAllBytesAsync(reference));
        await using (var writer = new StreamWriter(Path.Combine(project, "rows.jsonl")))
        {
            await WriteAsync("train", "train", Indices("train_rows"));
            await WriteAsync("val", "validation", Enumerable.Range(0, rows.RootElement.GetProperty("val").GetArrayLength()).Where(i => i % ValidationEvery == 0));
            await WriteAsync("test", "test", Indices("test_rows"));

            async Task WriteAsync(string part, string split, IEnumerable<int> indices)
            {
                foreach (var index in indices)
                {
                    var row = rows.RootElement.GetProperty(part)[index];
                    await writer.WriteLineAsync(new JsonObject
                    {
                        ["id"] = $"{part}-{index:00000}", ["split"] = split, ["language"] = "en", ["text"] = row[0].GetString(), ["intent"] = row[1].GetString(),
                    }.ToJsonString());
                }
            }
        }

        var file = Path.Combine(project, "base.gguf");
        File.Delete(file);
        File.CreateSymbolicLink(file, Path.GetFullPath(model));
        var clock = Stopwatch.StartNew();
        using var child = Process.Start("dotnet", [Clinc150.Program(), "up", project, "--no-serve"]);
        await child.WaitForExitAsync();
        Console.WriteLine($"exit code {child.ExitCode}, {clock.Elapsed.TotalSeconds:0} s wall");
        return child.ExitCode;

        IEnumerable<int> Indices(string name) => run.RootElement.GetProperty(name).EnumerateArray().Select(i => i.GetInt32());
    }
}
