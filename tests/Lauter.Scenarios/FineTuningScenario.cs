using System.ClientModel;
using System.ClientModel.Primitives;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Scenarios.Support;
using OpenAI;
using OpenAI.Files;

namespace Lauter.Scenarios;

/// <summary>A model is fine-tuned through the API by two unmodified SDKs, across a server that is killed in the middle, by a training child that is killed too.</summary>
public sealed class FineTuningScenario(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task FineTuning_TwoClientsAndAKilledServer_EndsWithAModel()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-tuning-scenario-").FullName;
        string rows = Path.Combine(directory, "rows.jsonl"), pairs = Path.Combine(directory, "pairs.jsonl"), many = Path.Combine(directory, "many.jsonl");
        await File.WriteAllLinesAsync(rows, Enumerable.Range(1, 24).Select(Row));
        await File.WriteAllLinesAsync(many, Enumerable.Range(1, 4000).Select(Row));
        await File.WriteAllLinesAsync(pairs, Enumerable.Range(1, 12).Select(i =>
            $$"""{"input":{"messages":[{"role":"user","content":"number {{i}} please"}]},"preferred_output":[{"role":"assistant","content":"{{i}}"}],"non_preferred_output":[{"role":"assistant","content":"no"}]}"""));
        await File.WriteAllTextAsync(Path.Combine(directory, "base.yaml"), "scratch: nano\ndata: rows.jsonl\nout: base\nepochs: 2\n");
        var trained = await LauterProgram.RunAsync(Limit, "train", Path.Combine(directory, "base.yaml"), "--quiet");
        Assert.True(trained.ExitCode == 0, trained.ToString());

        var address = $"http://127.0.0.1:{FakeProvider.FreePort()}";
        var file = Path.Combine(directory, "GATEWAY.yaml");
        await File.WriteAllTextAsync(file, $"gateway: tuner\nlisten: {address}\nfine_tuning:\n  tiny: {{ file: base/model.gguf }}\n");
        var server = LauterProgram.Start("gateway", file);
        try
        {
            await server.WaitForAsync(s => s.Contains("press Ctrl+C", StringComparison.Ordinal), Limit, "it serves");
            var created = await LauterProgram.RunAsync(Limit, "key", "create", "scenario", "--in", file);
            var key = created.Output.Trim();
            await NpmAsync(address, key, rows, pairs);

            // NuGet OpenAI: a job that is running when the server is killed.
            var client = new OpenAIClient(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(address + "/v1"), RetryPolicy = new ClientRetryPolicy(0) });
#pragma warning disable OPENAI001 // The SDK marks its fine-tuning part as one that may change; this is what users have.
            var tuning = client.GetFineTuningClient();
            OpenAIFile uploaded = await client.GetOpenAIFileClient().UploadFileAsync(many, FileUploadPurpose.FineTune);
            using var body = BinaryContent.Create(BinaryData.FromString(
                new JsonObject { ["model"] = "tiny", ["training_file"] = uploaded.Id, ["hyperparameters"] = new JsonObject { ["n_epochs"] = 3, ["batch_size"] = 8 } }.ToJsonString()));
            var job = await tuning.FineTuneAsync(body, waitUntilCompleted: false, new RequestOptions());
            await UntilAsync(async () => (await EventsAsync(client, job.JobId)).Any(e => e.Contains("training loss", StringComparison.Ordinal)));
            server.KillHard();
            server.Dispose();
            server = LauterProgram.Start("gateway", file);
            await server.WaitForAsync(s => s.Contains("press Ctrl+C", StringComparison.Ordinal), Limit, "it serves again");
            await UntilAsync(async () => (await EventsAsync(client, job.JobId)).Any(e => e.Contains("goes on after the server was stopped", StringComparison.Ordinal)));
            Assert.Equal("running", await StatusAsync(tuning, job.JobId));
            await job.CancelAndUpdateAsync();
            Assert.Equal("cancelled", await StatusAsync(tuning, job.JobId));
#pragma warning restore OPENAI001

            using var http = new HttpClient();
            Assert.Equal("""{"status":"ok"}""", await http.GetStringAsync(address + "/health"));
            server.Interrupt();
            Assert.Equal(130, (await server.WaitAsync(TimeSpan.FromSeconds(30))).ExitCode);
        }
        finally
        {
            server.Dispose();
        }

        Directory.Delete(directory, recursive: true);
    }

    private static string Row(int i) => $$"""{"messages":[{"role":"user","content":"number {{i}} please"},{"role":"assistant","content":"{{i}}"}]}""";

#pragma warning disable OPENAI001
    private static async Task<string> StatusAsync(OpenAI.FineTuning.FineTuningClient tuning, string id)
    {
        var job = await tuning.GetJobAsync(id);
        return job.Status.ToString()!;
    }

    private static async Task<List<string>> EventsAsync(OpenAIClient client, string id)
    {
        var job = await OpenAI.FineTuning.FineTuningJob.RehydrateAsync(client.GetFineTuningClient(), id);
        List<string> messages = [];
        await foreach (var e in job.GetEventsAsync(new OpenAI.FineTuning.GetEventsOptions()))
        {
            messages.Add(e.Message);
        }

        return messages;
    }
#pragma warning restore OPENAI001

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var clock = Stopwatch.StartNew();
        while (!await holds())
        {
            Assert.True(clock.Elapsed < Limit, "it did not come to that");
            await Task.Delay(50);
        }
    }

    private async Task NpmAsync(string address, string key, string rows, string pairs)
    {
        var clients = Path.Combine(LauterProgram.RepositoryRoot, "tests", "Lauter.Scenarios", "clients");
        if (!Directory.Exists(Path.Combine(clients, "node_modules")))
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "CI must have the npm clients.");
            output.WriteLine("skipped: run 'npm ci' in tests/Lauter.Scenarios/clients for the npm SDK");
            return;
        }

        using var node = Process.Start(new ProcessStartInfo("node", ["tune.mjs", address + "/v1", key, "tiny", rows, pairs])
        {
            WorkingDirectory = clients, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        })!;
        var (text, errors) = (node.StandardOutput.ReadToEndAsync(), node.StandardError.ReadToEndAsync());
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0, await errors);
        using var told = JsonDocument.Parse(await text);
        var root = told.RootElement;
        Assert.Equal("succeeded", root.GetProperty("supervised").GetProperty("status").GetString());
        Assert.StartsWith("ft:tiny:js:", root.GetProperty("supervised").GetProperty("fine_tuned_model").GetString(), StringComparison.Ordinal);
        Assert.Equal(["step_metrics.csv", "adapter_config.json", "adapter_model.safetensors", "adapter.gguf"], root.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("name").GetString()!));
        Assert.Equal(2, root.GetProperty("checkpoints").GetArrayLength());
        Assert.Contains(root.GetProperty("events").EnumerateArray(), e => e.GetProperty("message").GetString()!.Contains("Parity gate passed", StringComparison.Ordinal));
        Assert.Equal(("paused", "queued", "cancelled"), (root.GetProperty("paused").GetString(), root.GetProperty("resumed").GetString(), root.GetProperty("cancelled").GetString()));
        Assert.Equal("failed", root.GetProperty("failed").GetProperty("status").GetString());
        Assert.Equal(3, root.GetProperty("list").GetArrayLength());
        Assert.Equal((400, 404, 400), (Refused("noModel"), Refused("noFile"), Refused("tooMany")));

        int Refused(string name) => root.GetProperty(name).GetProperty("status").GetInt32();
    }
}
