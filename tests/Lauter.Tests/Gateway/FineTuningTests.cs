using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Gateway.FineTuning;
using Lauter.Ledger;

namespace Lauter.Tests.Gateway;

/// <summary>Jobs over HTTP, with a trainer that does as the test says.</summary>
public sealed class FineTuningTests : IAsyncLifetime
{
    private const string Row = """{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]}""";

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-tuning-").FullName;
    private readonly List<FineTuningWork> _works = [];
    private Func<FineTuningWork, Action<FineTuningNote>, CancellationToken, Task<FineTuningOutcome>> _run = (_, _, _) => Task.FromResult(Done(2));
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Job_FromUploadToResult_TellsStepsKeepsCheckpointsAndIsBooked()
    {
        _run = (work, note, _) =>
        {
            note(new FineTuningNote { Step = 1, Steps = 2, Loss = 2, CpuSeconds = 1, SecondsLeft = 5 });
            note(new FineTuningNote { Step = 2, ValidationLoss = 1.5, ValidationAccuracy = 0.75 });
            note(new FineTuningNote { Step = 2, Steps = 2, Epoch = 1 });
            Directory.CreateDirectory(work.Directory);
            var path = Path.Combine(work.Directory, "a.bin");
            File.WriteAllText(path, "weights");
            return Task.FromResult(Done(3.5) with { Files = [("adapter.bin", path)] });
        };
        var job = await EndAsync(await CreateAsync(await UploadAsync(Row, Row), ""","seed":5,"suffix":"s" """));

        Assert.Equal("succeeded", Text(job, "status"));
        Assert.StartsWith("ft:base:s:", Text(job, "fine_tuned_model"), StringComparison.Ordinal);
        Assert.Equal(("7", 3), (job["trained_tokens"]!.ToString(), job["hyperparameters"]!["n_epochs"]!.GetValue<int>()));
        Assert.Equal("weights", await _host.Client.GetStringAsync($"v1/files/{job["result_files"]![0]}/content"));
        var work = Assert.Single(_works);
        Assert.Equal((2, 5L, false, "base"), (work.Rows, work.Seed, work.Preferences, work.Model));
        var checkpoint = Assert.Single((await GetAsync($"v1/fine_tuning/jobs/{Text(job, "id")}/checkpoints"))["data"]!.AsArray())!;
        Assert.Equal((2, 1.5, 2.0), (checkpoint["step_number"]!.GetValue<int>(), checkpoint["metrics"]!["valid_loss"]!.GetValue<double>(), checkpoint["metrics"]!["train_loss"]!.GetValue<double>()));
        var events = (await GetAsync($"v1/fine_tuning/jobs/{Text(job, "id")}/events?limit=100"))["data"]!.AsArray();
        Assert.Contains(events, e => Text(e!, "type") == "metrics" && e!["data"]!["train_loss"]?.GetValue<double>() == 2);

        var charge = Assert.Single(_host.Ledger.Charges());
        Assert.Equal((LedgerPhase.Training, "default", 3_500_000), (charge.Phase, charge.Tags["tenant"], charge.Charge.Quantity));
    }

    [Fact]
    public async Task Job_ServerStopsWhileItRuns_GoesOnAfterTheStart()
    {
        var began = new TaskCompletionSource();
        _run = async (_, note, stop) =>
        {
            note(new FineTuningNote { CpuSeconds = 2 });
            began.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
            return Done(0);
        };
        var id = await CreateAsync(await UploadAsync(Row));
        await began.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        await _host.DisposeAsync();

        _run = (_, _, _) => Task.FromResult(Done(5));
        _host = await StartAsync();
        var job = await EndAsync(id);

        Assert.Equal("succeeded", Text(job, "status"));
        Assert.Equal(2, _works.Count);
        Assert.Equal(_works[0].Directory, _works[1].Directory);

        // Two bookings: 2 s at the stop, and the other 3 s of 5 at the end.
        Assert.Equal([2_000_000, 3_000_000], _host.Ledger.Charges().Select(c => c.Charge.Quantity).Order());
    }

    [Fact]
    public async Task Job_PausedResumedAndCancelled_StopsEachTimeAndGoesOn()
    {
        var runs = System.Threading.Channels.Channel.CreateUnbounded<FineTuningWork>();
        _run = async (work, _, stop) =>
        {
            runs.Writer.TryWrite(work);
            await Task.Delay(Timeout.Infinite, stop);
            return Done(0);
        };
        var id = await CreateAsync(await UploadAsync(Row));
        await runs.Reader.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal("paused", Text((await _host.PostAsync($"v1/fine_tuning/jobs/{id}/pause", "")).Body, "status"));
        Assert.Equal(HttpStatusCode.BadRequest, (await _host.PostAsync($"v1/fine_tuning/jobs/{id}/pause", "")).Status);
        Assert.Equal("queued", Text((await _host.PostAsync($"v1/fine_tuning/jobs/{id}/resume", "")).Body, "status"));
        await runs.Reader.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal("cancelled", Text((await _host.PostAsync($"v1/fine_tuning/jobs/{id}/cancel", "")).Body, "status"));
        Assert.Equal(HttpStatusCode.BadRequest, (await _host.PostAsync($"v1/fine_tuning/jobs/{id}/cancel", "")).Status);

        // The place is free again.
        _run = (_, _, _) => Task.FromResult(Done(0));
        Assert.Equal("succeeded", Text(await EndAsync(await CreateAsync(await UploadAsync(Row))), "status"));
    }

    [Fact]
    public async Task Job_TrainingFails_SaysWhyAndTheNextOneRuns()
    {
        _run = (_, _, _) => throw new FineTuningFailedException("the child was ended by signal 9");
        var job = await EndAsync(await CreateAsync(await UploadAsync(Row)));

        Assert.Equal(("failed", "the child was ended by signal 9"), (Text(job, "status"), Text(job["error"]!, "message")));
        _run = (_, _, _) => Task.FromResult(Done(0));
        Assert.Equal("succeeded", Text(await EndAsync(await CreateAsync(await UploadAsync(Row))), "status"));
    }

    [Fact]
    public async Task Job_OfAnotherTenant_IsNotThere()
    {
        var id = await CreateAsync(await UploadAsync(Row));
        var (key, _) = _host.Keys.Create("other", tenant: "other");
        using var client = new HttpClient { BaseAddress = _host.Client.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new("Bearer", key);

        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"v1/fine_tuning/jobs/{id}", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Empty(JsonNode.Parse(await client.GetStringAsync("v1/fine_tuning/jobs", TestContext.Current.CancellationToken))!["data"]!.AsArray());
        Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsync($"v1/fine_tuning/jobs/{id}/cancel", null, TestContext.Current.CancellationToken)).StatusCode);
        await EndAsync(id);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}]}""", "supervised", "Line 1: the last message of 'messages' must be the assistant's.")]
    [InlineData("""{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"x","weight":0.5}]}""", "supervised", "'weight' is 0 or 1")]
    [InlineData("""{"messages":[{"role":"tool","content":"hi"},{"role":"assistant","content":"x"}]}""", "supervised", "the role 'tool' is not trained")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url"}]},{"role":"assistant","content":"x"}]}""", "supervised", "images, audio and refusals are not trained")]
    [InlineData("""{"messages":[],"tools":[{}]}""", "supervised", "tools are not trained")]
    [InlineData("""{"input":{"messages":[{"role":"user","content":"q"}]},"preferred_output":[{"role":"assistant","content":"a"}]}""", "dpo", "'non_preferred_output' must be a list")]
    [InlineData(Row, "dpo", "the method dpo takes 'input'")]
    [InlineData("[1]", "supervised", "it is no JSON object")]
    [InlineData("{", "supervised", "Line 1: ")]
    [InlineData("""{"messages":1,"messages":2}""", "supervised", "Line 1: ")]
    public async Task Job_RowsThatCannotBeTrained_FailsNamingTheLine(string row, string method, string message)
    {
        var job = await EndAsync(await CreateAsync(await UploadAsync(row), $$""","method":{"type":"{{method}}"}"""));

        Assert.Equal(("failed", "invalid_training_file"), (Text(job, "status"), Text(job["error"]!, "code")));
        Assert.Contains(message, Text(job["error"]!, "message"), StringComparison.Ordinal);
        Assert.Empty(_works);
    }

    [Fact]
    public async Task Job_Preferences_BecomePairs()
    {
        const string Pair = """{"input":{"messages":[{"role":"developer","content":"s"},{"role":"user","content":[{"type":"text","text":"q"}]}]},"preferred_output":[{"role":"assistant","content":"a"}],"non_preferred_output":[{"role":"assistant","content":"b"}]}""";
        await EndAsync(await CreateAsync(await UploadAsync(Pair), ""","method":{"type":"dpo","dpo":{"hyperparameters":{"beta":0.3,"n_epochs":"auto"}}}"""));

        var work = Assert.Single(_works);
        Assert.Equal((true, 0.3, null), (work.Preferences, work.Beta, work.Epochs));
        var row = JsonNode.Parse(Assert.Single(await File.ReadAllLinesAsync(work.RowsPath, TestContext.Current.CancellationToken)))!;
        Assert.Equal(("system", "q", "a", "b"), (Text(row["prompt"]![0]!, "role"), Text(row["prompt"]![1]!, "content"), Text(row["chosen"]![0]!, "content"), Text(row["rejected"]![0]!, "content")));
    }

    [Theory]
    [InlineData(""","hyperparameters":{"n_epochs":0}""", "n_epochs")]
    [InlineData(""","hyperparameters":{"batch_size":1.5}""", "batch_size")]
    [InlineData(""","method":{"type":"reinforcement"}""", "method.type")]
    [InlineData(""","suffix":"a b" """, "suffix")]
    [InlineData(""","integrations":[{"type":"wandb"}]""", "integrations")]
    [InlineData(""","seed":-3""", "seed")]
    public async Task Create_WhatIsNotAllowed_IsRefused(string members, string named)
    {
        var file = await UploadAsync(Row);
        var (status, body, _) = await _host.PostAsync("v1/fine_tuning/jobs", $$"""{"model":"base","training_file":"{{file}}"{{members}}}""");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(named, body["error"]!["message"]!.GetValue<string>() + body["error"]!["param"], StringComparison.Ordinal);
    }

    private static FineTuningOutcome Done(double seconds) => new(7, seconds, 2, 3, 1, []);

    private static string Text(JsonNode node, string name) => node[name]!.ToString();

    private Task<GatewayHost> StartAsync() => GatewayHost.StartAsync(directory: _directory, trainer: new FineTuningTrainer
    {
        Models = ["base"],
        RunAsync = (work, note, stop) =>
        {
            _works.Add(work);
            return _run(work, note, stop);
        },
    });

    private async Task<string> UploadAsync(params string[] lines)
    {
        using var form = new MultipartFormDataContent();

        // The file before its purpose, as some clients do.
        form.Add(new ByteArrayContent(Encoding.UTF8.GetBytes(string.Join('\n', lines))), "file", "rows.jsonl");
        form.Add(new StringContent("fine-tune"), "purpose");
        using var response = await _host.Client.PostAsync("v1/files", form);
        var file = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal("fine-tune", Text(file, "purpose"));
        return Text(file, "id");
    }

    private async Task<string> CreateAsync(string file, string members = "")
    {
        var (status, body, _) = await _host.PostAsync("v1/fine_tuning/jobs", $$"""{"model":"base","training_file":"{{file}}"{{members}}}""");
        Assert.True(status == HttpStatusCode.OK, body.ToJsonString());
        return Text(body, "id");
    }

    private async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await _host.Client.GetStringAsync(path))!;

    private async Task<JsonNode> EndAsync(string id)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            var job = await GetAsync($"v1/fine_tuning/jobs/{id}");
            if (Text(job, "status") is "succeeded" or "failed" or "cancelled")
            {
                return job;
            }

            await Task.Delay(10, limit.Token);
        }
    }
}
