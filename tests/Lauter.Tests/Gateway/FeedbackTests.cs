using System.Net;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Sources;
using Lauter.Traces;
using Microsoft.Extensions.DependencyInjection;

namespace Lauter.Tests.Gateway;

public sealed class FeedbackTests : IAsyncLifetime
{
    private GatewayHost _host = null!;
    private string _answerId = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await GatewayHost.StartAsync();
        _host.Registry.Set(new LiveApplication
        {
            Name = "triage",
            Kind = ApplicationKind.Nearest,
            InputSchema = """{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}""",
            OutputSchema = """{"type":"object","properties":{"intent":{"enum":["a","b"]}},"required":["intent"]}""",
            Source = new NearestSource(_ => new NearestExample("T-1", """{"intent":"a"}""", 1), "text"),
        });
        _answerId = (await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "ticket"))).Body["id"]!.GetValue<string>();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("{\"intent\":\"b\"}")]
    [InlineData("\"{\\\"intent\\\":\\\"b\\\"}\"")]
    public async Task Feedback_Correction_BecomesALabelOfItsInput(string correction)
    {
        var (status, body, _) = await _host.PostAsync("v1/feedback", $$"""{"id":"{{_answerId}}","rating":"down","comment":"wrong","correction":{{correction}}}""");

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(_answerId["chatcmpl-".Length..], body["trace_id"]!.GetValue<string>());
        _host.Traces();
        var found = Assert.Single(_host.Services.GetRequiredService<TraceStore>().Corrections("triage"));
        Assert.Equal(("ticket", "b", -1), (found.Trace.Input!["text"]!.GetValue<string>(), found.Feedback.Correction!["intent"]!.GetValue<string>(), found.Feedback.Rating));
        Assert.Equal(0, Assert.Single(_host.Services.GetRequiredService<TraceStore>().Use()).Accepted);
    }

    [Theory]
    [InlineData("""{"id":"ID"}""", 400, "missing_required_parameter")]
    [InlineData("""{"id":"ID","rating":5}""", 400, "invalid_value")]
    [InlineData("""{"id":"ID","rating":1,"correctoin":{}}""", 400, "unknown_parameter")]
    [InlineData("""{"id":"ID","correction":{"intent":"c"}}""", 400, "invalid_correction")]
    [InlineData("""{"id":"ID","correction":"not json"}""", 400, "invalid_correction")]
    [InlineData("""{"id":"nonsense","rating":1}""", 400, "invalid_value")]
    [InlineData("""{"id":"chatcmpl-00000000000000000000000000000000","rating":1}""", 404, "trace_not_found")]
    public async Task Feedback_Wrong_IsRefusedWithTheReason(string json, int status, string code)
    {
        var answer = await _host.PostAsync("v1/feedback", json.Replace("ID", _answerId, StringComparison.Ordinal));

        Assert.Equal((status, code), ((int)answer.Status, answer.Body["error"]!["code"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Feedback_OtherTenantOrApplication_SeesNoTrace()
    {
        var (foreign, _) = _host.Keys.Create("foreign", tenant: "other");
        var (scoped, _) = _host.Keys.Create("scoped", applications: ["handbook"]);
        foreach (var key in (string[])[foreign, scoped])
        {
            var answer = await _host.PostAsync("v1/feedback", $$"""{"id":"{{_answerId}}","rating":1}""", key);
            Assert.Equal((HttpStatusCode.NotFound, "trace_not_found"), (answer.Status, answer.Body["error"]!["code"]!.GetValue<string>()));
        }
    }

    [Fact]
    public async Task Feedback_AfterRestart_FindsTheTraceInTheStore()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-restart-").FullName;
        string id;
        var application = _host.Registry.Find("triage")!;
        await using (var first = await GatewayHost.StartAsync(directory: directory))
        {
            first.Registry.Set(application);
            id = (await first.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "ticket"))).Body["id"]!.GetValue<string>();
        }

        await using (var second = await GatewayHost.StartAsync(directory: directory))
        {
            Assert.Equal(HttpStatusCode.OK, (await second.PostAsync("v1/feedback", $$"""{"trace_id":"{{id}}","rating":1}""")).Status);
        }

        Directory.Delete(directory, recursive: true);
    }
}
