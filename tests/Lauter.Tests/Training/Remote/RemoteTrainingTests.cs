using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Remote;

namespace Lauter.Tests.Training.Remote;

/// <summary>The client's side of OpenAI's fine-tuning protocol, against an endpoint that answers as the test says.</summary>
public sealed class RemoteTrainingTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-remote-").FullName;
    private readonly Endpoint _endpoint = new();

    public void Dispose()
    {
        _endpoint.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Run_FromRowsToResult_UploadsFollowsAndFetches()
    {
        var told = new List<TrainingEvent>();
        var result = await RunAsync(Job(
            """{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","weight":0.4},{"role":"user","content":"c"},{"role":"assistant","content":"d","weight":0}]}""",
            """{"prompt":"v","completion":"w","split":"validation"}""", """{"prompt":"t","completion":"t","split":"test"}"""), told);

        Assert.Equal(("job-1", "ft:new", 7), (result.JobId, result.Model, result.TrainedTokens));
        Assert.Equal("weights", await File.ReadAllTextAsync(Assert.Single(result.Files), TestContext.Current.CancellationToken));
        Assert.Equal(Path.Combine(_directory, "out", "remote", "evil.bin"), result.Files[0]);
        Assert.Equal(2, _endpoint.Uploads.Count);
        Assert.Contains("""{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","weight":1},{"role":"user","content":"c"},{"role":"assistant","content":"d","weight":0}]}""", _endpoint.Uploads[0], StringComparison.Ordinal);
        Assert.DoesNotContain(_endpoint.Uploads, u => u.Contains("\"t\"", StringComparison.Ordinal));
        Assert.Equal(("supervised", "auto", "file-1", "file-2"), (_endpoint.Created!["method"]!["type"]!.ToString(), _endpoint.Created["method"]!["supervised"]!["hyperparameters"]!["n_epochs"]!.ToString(), _endpoint.Created["training_file"]!.ToString(), _endpoint.Created["validation_file"]!.ToString()));
        Assert.Contains(told, e => e is { Kind: TrainingEventKinds.Progress, Loss: 1.5, Step: 2 });
        Assert.Single(told, e => e.Message == "hello");
    }

    [Fact]
    public async Task Run_TheSameRowsAgain_FollowTheSameJob()
    {
        var job = Job("""{"prompt":"a","completion":"b"}""");
        await RunAsync(job);
        var before = _endpoint.Uploads.Count;
        await RunAsync(job);
        Assert.Equal(before, _endpoint.Uploads.Count);

        await RunAsync(Job("""{"prompt":"a","completion":"other"}"""));
        Assert.True(_endpoint.Uploads.Count > before);
    }

    [Fact]
    public async Task Run_Preferences_ShareTheirInput()
    {
        await RunAsync(Job("""{"prompt":"q","chosen":"a","rejected":"b"}""") with { Method = "dpo" });

        Assert.Contains("""{"input":{"messages":[{"role":"user","content":"q"}]},"preferred_output":[{"role":"assistant","content":"a"}],"non_preferred_output":[{"role":"assistant","content":"b"}]}""", _endpoint.Uploads[0], StringComparison.Ordinal);
        Assert.Equal("dpo", _endpoint.Created!["method"]!["type"]!.ToString());
    }

    [Fact]
    public async Task Run_JobFails_SaysWhy()
    {
        _endpoint.Status = "failed";
        var failure = await Assert.ThrowsAsync<TrainingFailedException>(() => RunAsync(Job("""{"prompt":"a","completion":"b"}""")));
        Assert.Contains("too few rows", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_EndpointRefuses_SaysWhatItSaid()
    {
        _endpoint.Refuses = true;
        var failure = await Assert.ThrowsAsync<TrainingFailedException>(() => RunAsync(Job("""{"prompt":"a","completion":"b"}""")));
        Assert.Contains("answered with 400: no such model", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_TextsOrOtherMethods_AreRefusedBeforeAnythingIsSent()
    {
        await Assert.ThrowsAsync<TrainingFailedException>(() => RunAsync(Job("""{"text":"a"}""")));
        await Assert.ThrowsAsync<TrainingFailedException>(() => RunAsync(Job("""{"prompt":"q","chosen":"a","rejected":"b"}""") with { Method = "orpo" }));
        Assert.Empty(_endpoint.Uploads);
    }

    private async Task<RemoteResult> RunAsync(TrainingJob job, List<TrainingEvent>? told = null)
    {
        using var client = new HttpClient(_endpoint, disposeHandler: false);
        var options = new RemoteOptions { Address = new Uri("http://there/v1/"), Model = "m", Poll = TimeSpan.FromMilliseconds(1) };
        return await new RemoteTraining(client, options, TimeProvider.System).RunAsync(job, new Told(told ?? []), TestContext.Current.CancellationToken);
    }

    private TrainingJob Job(params string[] rows)
    {
        var path = Path.Combine(_directory, "rows.jsonl");
        File.WriteAllLines(path, rows);
        return new TrainingJob { Name = "n", ExamplesPath = path, OutputDirectory = Path.Combine(_directory, "out") };
    }

    private sealed class Told(List<TrainingEvent> events) : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value) => events.Add(value);
    }

    /// <summary>Runs for two looks, then ends; its second look meets a server that is overloaded once.</summary>
    private sealed class Endpoint : HttpMessageHandler
    {
        private int _looks;

        public string Status { get; set; } = "succeeded";

        public bool Refuses { get; set; }

        public List<string> Uploads { get; } = [];

        public JsonNode? Created { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            switch (request.Method.Method, request.RequestUri!.AbsolutePath)
            {
                case ("POST", "/v1/files"):
                    Uploads.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
                    return Json($$"""{"id":"file-{{Uploads.Count}}"}""");
                case ("POST", "/v1/fine_tuning/jobs") when Refuses:
                    return Json("""{"error":{"message":"no such model"}}""", HttpStatusCode.BadRequest);
                case ("POST", "/v1/fine_tuning/jobs"):
                    Created = JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken));
                    return Json("""{"id":"job-1"}""");
                case ("GET", "/v1/fine_tuning/jobs/job-1"):
                    return ++_looks == 2
                        ? Json("""{"error":{"message":"busy"}}""", HttpStatusCode.ServiceUnavailable)
                        : Json($$$"""{"status":"{{{(_looks > 2 ? Status : "running")}}}","fine_tuned_model":"ft:new","trained_tokens":7,"result_files":["file-9"],"error":{"message":"too few rows"}}""");
                case ("GET", "/v1/fine_tuning/jobs/job-1/events"):
                    return Json("""{"data":[{"id":"e2","message":"m","data":{"step":2,"train_loss":1.5}},{"id":"e1","message":"hello","data":null}]}""");
                case ("GET", "/v1/files/file-9"):
                    return Json("""{"filename":"../../evil.bin"}""");
                default:
                    return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("weights") };
            }
        }

        private static HttpResponseMessage Json(string text, HttpStatusCode status = HttpStatusCode.OK) => new(status) { Content = new StringContent(text, Encoding.UTF8, "application/json") };
    }
}
