using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>
/// Trains an adapter on CLINC150 rows through the verbs alone, and compares on held-out rows what is served: base and adapter, the merge, the merge in our own pass, the merge as
/// Q8_0. Each line is the verdict of <c>lauter model parity</c>.
/// </summary>
internal static class TrainingParity
{
    private const int TestRows = 200;

    public static async Task<int> RunAsync(string model, string data, int rows)
    {
        var directory = Directory.CreateTempSubdirectory("lauter-parity-").FullName;
        try
        {
            string basePath = In("base.gguf"), merged = In("out", "model.gguf"), small = In("q8.gguf"), test = In("test.jsonl");
            using (var document = JsonDocument.Parse(await File.ReadAllBytesAsync(data)))
            {
                Write(document.RootElement.GetProperty("train"), rows, In("rows.jsonl"));
                Write(document.RootElement.GetProperty("test"), TestRows, test);
            }

            await File.WriteAllTextAsync(In("t.yaml"), "base: base.gguf\ndata: rows.jsonl\nout: out\nlora: { rank: 16 }\nepochs: 1\nbatch: 32\n");
            await LauterAsync("model", "convert", Path.GetFullPath(model), "--type", "F32", "--out", basePath);
            await LauterAsync("train", In("t.yaml"), "--quiet");
            await LauterAsync("model", "quantise", merged, "--type", "Q8_0", "--out", small);
            Console.WriteLine($"base and adapter → merge: {await ParityAsync(basePath, merged, "--adapter", In("out", "adapter.gguf"))}");
            Console.WriteLine($"base and adapter → merge in our pass: {await ParityAsync(basePath, merged, "--adapter", In("out", "adapter.gguf"), "--candidate-engine", "own")}");
            Console.WriteLine($"merge → Q8_0: {await ParityAsync(merged, small)}");
            Console.WriteLine($"base → merge (must fail): {await ParityAsync(basePath, merged)}");
            return 0;

            async Task<string> ParityAsync(string reference, string candidate, params string[] more) =>
                JsonNode.Parse(await LauterAsync(["model", "parity", reference, candidate, "--texts", test, "--format", "json", .. more]))!.ToJsonString();
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        string In(params string[] parts) => Path.Combine([directory, .. parts]);
    }

    private static void Write(JsonElement rows, int count, string path)
    {
        var every = Math.Max(1, rows.GetArrayLength() / count);
        File.WriteAllLines(path, rows.EnumerateArray().Where((_, i) => i % every == 0).Take(count).Select(r => new JsonObject
        {
            ["messages"] = new JsonArray(
                new JsonObject { ["role"] = "system", ["content"] = "Name the intent of the request." },
                new JsonObject { ["role"] = "user", ["content"] = r[0].GetString() },
                new JsonObject { ["role"] = "assistant", ["content"] = r[1].GetString() }),
        }.ToJsonString()));
    }

    /// <summary>Standard output of the program; a gate that does not pass (exit code 6) is an outcome here.</summary>
    private static async Task<string> LauterAsync(params string[] arguments)
    {
        using var child = Process.Start(new ProcessStartInfo("dotnet", [Clinc150.Program(), .. arguments]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        return child.ExitCode is 0 or 6 ? output : throw new InvalidOperationException($"lauter {string.Join(' ', arguments)} ended with {child.ExitCode}.");
    }
}
