using System.Text.Json.Nodes;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lauter.Tests.Evaluation;

/// <summary>Suites against an endpoint over a real socket: what is asked, what is kept, what is never asked twice.</summary>
public sealed class EndpointRunTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-eval").FullName;
    private readonly List<string> _asked = [];
    private readonly WebApplication _server;
    private Func<string, (int Status, string Body)> _answer = question => (200, Completion($"said {question}"));

    public EndpointRunTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.MapPost("/v1/chat/completions", async (HttpContext context) =>
        {
            var body = (await JsonNode.ParseAsync(context.Request.Body))!;
            var question = body["messages"]!.AsArray()[^1]!["content"]!.GetValue<string>();
            lock (_asked)
            {
                _asked.Add(question);
            }

            var (status, text) = _answer(question);
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(text);
        });
        _server.Start();
    }

    [Fact]
    public async Task RunAsync_Twice_AsksNothingTheSecondTime()
    {
        var first = await Run(10);
        var second = await Run(12);
        Assert.Equal((10, 0), (first.Asked, first.Cached));
        Assert.Equal((2, 10), (second.Asked, second.Cached));
        Assert.Equal(12, _asked.Count);
        Assert.Equal("said q3", second.Answers.Single(a => a.Id == "3").Prediction!.GetValue<string>());
        Assert.Equal((7, 5), (second.Answers[0].PromptTokens, second.Answers[0].CompletionTokens));
    }

    [Fact]
    public async Task RunAsync_TornLastLine_GoesOnFromTheLineBefore()
    {
        await Run(5);
        var path = Path.Combine(_directory, "answers.jsonl");
        await using (var file = new FileStream(path, FileMode.Open))
        {
            file.SetLength(file.Length - 7);
        }

        var again = await Run(5);
        Assert.Equal((1, 4), (again.Asked, again.Cached));
        Assert.Equal(5, (await File.ReadAllLinesAsync(path)).Length);
    }

    [Fact]
    public async Task RunAsync_EditedQuestionOrOtherCandidate_IsAskedAgain()
    {
        await Run(3);
        Assert.Equal(3, (await Run(3, edit: "!")).Asked);
        Assert.Equal(3, (await Run(3, model: "other")).Asked);
    }

    [Fact]
    public async Task RunAsync_Budget_IsNeverExceededAndSaysSo()
    {
        // 7 + 5 tokens cost 12 each; the reserve for one answer is larger.
        var run = await Run(50, options: o => o with { Budget = 700, PromptPrice = 1e6, CompletionPrice = 1e6, MaximumTokens = 20, Parallelism = 4 });
        Assert.True(run.BudgetReached);
        Assert.InRange(run.Spent!.Value, 12, 700);
        Assert.Equal(run.Asked * 12, run.Spent);
        Assert.True(run.Answers.Count < 50);
        var more = await Run(50, options: o => o with { Budget = 10_000, PromptPrice = 1e6, CompletionPrice = 1e6, MaximumTokens = 20 });
        Assert.Equal((50, run.Asked), (more.Answers.Count, more.Cached));
    }

    [Fact]
    public async Task RunAsync_FailuresOfTheMoment_AreTriedAgainAndThenKeptAsFailures()
    {
        var times = 0;
        _answer = q => q == "q1" && Interlocked.Increment(ref times) == 1 ? (503, """{"error":{"message":"later"}}""") : q == "q2" ? (400, """{"error":{"message":"no"}}""") : q == "q0" ? (200, "nonsense") : (200, Completion("ok"));
        var run = await Run(4, options: o => o with { Retries = 1 });
        var byId = run.Answers.ToDictionary(a => a.Id);
        Assert.Null(byId["1"].Failure);
        Assert.Equal((FailureKinds.Error, "HTTP 400: no"), (byId["2"].Failure, byId["2"].FailureDetail));
        Assert.Equal(FailureKinds.Error, byId["0"].Failure);

        // Failures are asked again on the next run, answers are not.
        _answer = _ => (200, Completion("ok"));
        Assert.Equal((2, 2), (await Run(4)) is var next ? (next.Asked, next.Cached) : default);
    }

    [Fact]
    public async Task RunAsync_BudgetWithoutPrices_IsRefused() =>
        await Assert.ThrowsAsync<ArgumentException>(() => Run(1, options: o => o with { Budget = 1 }));

    [Fact]
    public async Task RunAsync_RefusalAndToolCalls_AreKeptAsWhatTheyAre()
    {
        _answer = q => (200, q == "q0"
            ? """{"choices":[{"message":{"refusal":"I can't."}}]}"""
            : """{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"find","arguments":"{}"}}]}}]}""");
        var run = await Run(2);
        Assert.Equal(FailureKinds.Refused, run.Answers[0].Failure);
        Assert.Equal("find", run.Answers[1].Prediction!.AsArray()[0]!["function"]!["name"]!.GetValue<string>());
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private static string Completion(string text) =>
        $$$"""{"choices":[{"message":{"content":"{{{text}}}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5}}""";

    private async Task<EndpointRunResult> Run(int items, string edit = "", string model = "m", Func<EndpointRunOptions, EndpointRunOptions>? options = null)
    {
        var asked = new ChatEndpointOptions { Address = new Uri($"{_server.Urls.First()}/v1"), Model = model };
        using var http = new HttpClient();
        using var journal = AnswerJournal.Open(Path.Combine(_directory, "answers.jsonl"));
        return await EndpointRun.RunAsync(
            [.. Enumerable.Range(0, items).Select(i => new EndpointItem($"{i}", JsonValue.Create($"q{i}{edit}")))], new ChatEndpoint(http, asked, key: null), asked.Key, journal,
            (options ?? (o => o))(new EndpointRunOptions { Retries = 0 }), null, TimeProvider.System, CancellationToken.None);
    }
}
