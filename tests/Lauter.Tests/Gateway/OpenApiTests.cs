using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Sources;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Lauter.Tests.Gateway;

/// <summary>
/// The gateway's OpenAPI document against its routes and its answers. The schemas of OpenAI's routes hold what OpenAI's own published document requires of
/// the same answers: members, types, constants and enumerations.
/// </summary>
public sealed class OpenApiTests : IAsyncLifetime
{
    private static readonly PriceBook Prices = PriceBook.FromJson(JsonNode.Parse("""
        { "rows": [ { "sku": "mini", "currency": "CNY", "input": 1, "output": 4, "embedding": 0.1, "source": "test" } ] }
        """)!.AsObject()).Book!;

    private FakeUpstream _upstream = null!;
    private GatewayHost _host = null!;
    private string _admin = "";
    private JsonObject _document = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _host = await GatewayHost.StartAsync(o => o with { Prices = Prices, Budgets = [new Budget("application:chat", Money.Parse("5 CNY"), BudgetWindow.Month)] });
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _upstream)));
        _host.Registry.Set(new LiveApplication { Name = "triage", Kind = ApplicationKind.Nearest, Source = new NearestSource(_ => new("T-1", "{}", 1)) });
        _host.Registry.Set(new LiveEmbedder("vectors", 3, (texts, _) => ValueTask.FromResult(texts.Select(_ => new float[3]).ToArray())));
        (_admin, _) = _host.Keys.Create("admin", more: k => k with { Admin = true });
        _document = JsonNode.Parse(await _host.Client.GetStringAsync("v1/openapi.json", Token))!.AsObject();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public void Document_DescribesEveryMappedRouteAndNoOther()
    {
        var mapped = _host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.RoutePattern.RawText != "/v1/{**rest}") // what is not there
            .SelectMany(e => (e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Select(m => $"{m} {e.RoutePattern.RawText!.Replace("{**", "{", StringComparison.Ordinal)}"));
        var described = _document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().Select(m => $"{m.Key.ToUpperInvariant()} {p.Key}"));

        Assert.Equal(mapped.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Answers_OfEveryRoute_HaveTheDocumentedForm()
    {
        const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]";
        foreach (var model in (string[])["chat", "triage"])
        {
            Holds("ChatCompletion", await PostAsync("v1/chat/completions", $$"""{"model":"{{model}}",{{Messages}}}"""));
            _upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("hel"), FakeUpstream.Delta("lo", "\"stop\""), FakeUpstream.Usage(3, 2), "[DONE]");
            var events = await _host.StreamAsync($$"""{"model":"{{model}}","stream":true,"stream_options":{"include_usage":true},{{Messages}}}""");
            Assert.Equal("[DONE]", events[^1]);
            Assert.All(events[..^1], e => Holds("ChatChunk", e));
            Assert.NotNull(JsonNode.Parse(events[^2])!["usage"]!["total_tokens"]);
            events = await _host.StreamAsync($$"""{"model":"{{model}}","stream":true,"input":"x"}""", "v1/responses");
            Assert.All(events, e => Holds("ResponseEvent", e));
            Holds("Response", JsonNode.Parse(events[^1])!["response"]!.ToJsonString());
            Assert.Equal([.. Enumerable.Range(0, events.Count)], events.Select(e => JsonNode.Parse(e)!["sequence_number"]!.GetValue<int>()));
            _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, FakeUpstream.Whole("hello", 10, 5));
            Holds("Response", await PostAsync("v1/responses", $$"""{"model":"{{model}}","input":"x"}"""));
            Holds("MessagesAnswer", await PostAsync("v1/messages", $$"""{"model":"{{model}}","max_tokens":5,{{Messages}}}"""));
        }

        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(
            context, """{"id":"u","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}""");
        Holds("ChatCompletion", await PostAsync("v1/chat/completions", $$$"""{"model":"chat","tools":[{"type":"function","function":{"name":"f"}}],{{{Messages}}}}"""));
        Holds("Response", await PostAsync("v1/responses", """{"model":"chat","input":"x","tools":[{"type":"function","name":"f"}]}"""));
        Holds("MessagesAnswer", await PostAsync("v1/messages", $$$"""{"model":"chat","max_tokens":5,"tools":[{"name":"f","input_schema":{}}],{{{Messages}}}}"""));
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, """{"id":"u","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"y","logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}""");
        Holds("Completion", await PostAsync("v1/completions", """{"model":"chat","prompt":"x"}"""));
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, """{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,1]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}""");
        Holds("EmbeddingList", await PostAsync("v1/embeddings", """{"model":"chat","input":"x"}"""));
        Holds("EmbeddingList", await PostAsync("v1/embeddings", """{"model":"vectors","input":["x","y"]}"""));
        Holds("EmbeddingList", await PostAsync("v1/embeddings", """{"model":"vectors","input":"x","encoding_format":"base64"}"""));
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, """{"results":[{"index":0,"relevance_score":0.5}],"usage":{"prompt_tokens":1,"total_tokens":1}}""");
        Holds("RerankResult", await PostAsync("v1/rerank", """{"model":"chat","query":"x","documents":["y"]}"""));
        var id = Holds("ModelList", await GetAsync("v1/models"))["data"]![0]!["id"];
        Holds("Model", await GetAsync($"v1/models/{id}"));
        Assert.Contains("lauter_requests_total", await GetAsync("metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FilesBatchesFeedbackAndAdministration_HaveTheDocumentedForm()
    {
        using var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" } };
        form.Add(new StringContent("""{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"triage","messages":[{"role":"user","content":"x"}]}}"""), "file", "in.jsonl");
        using var uploaded = await _host.Client.PostAsync("v1/files", form, Token);
        var file = Holds("File", await uploaded.Content.ReadAsStringAsync(Token))["id"]!.ToString();
        Holds("File", await GetAsync($"v1/files/{file}"));
        Holds("FileList", await GetAsync("v1/files"));
        var batch = Holds("Batch", await PostAsync("v1/batches", $$$"""{"input_file_id":"{{{file}}}","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"a":"b"}}"""))["id"]!.ToString();
        JsonObject now;
        do
        {
            now = Holds("Batch", await GetAsync($"v1/batches/{batch}"));
            await Task.Yield();
        }
        while (now["status"]!.ToString() is not ("completed" or "failed"));

        Assert.Equal("completed", now["status"]!.ToString());
        var line = JsonNode.Parse(await GetAsync($"v1/files/{now["output_file_id"]}/content"))!;
        Assert.Equal("a", line["custom_id"]!.ToString());
        Holds("ChatCompletion", line["response"]!["body"]!.ToJsonString());
        Holds("BatchList", await GetAsync("v1/batches"));
        Holds("Batch", await PostAsync($"v1/batches/{batch}/cancel", "{}"));
        Holds("DeletedFile", await DeleteAsync($"v1/files/{file}"));
        var answer = Holds("ChatCompletion", await PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x")));
        Holds("Feedback", await PostAsync("v1/feedback", $$"""{"id":"{{answer["id"]}}","rating":"down"}"""));

        _host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _admin);
        var key = Holds("Key", await PostAsync("admin/v1/keys", """{"name":"new","expires":"2100-01-31"}"""))["id"]!.ToString();
        key = Holds("Key", await PostAsync($"admin/v1/keys/{key}/rotate", "{}"))["id"]!.ToString();
        Assert.DoesNotContain("\"key\":\"lk-", Holds("KeyList", await GetAsync("admin/v1/keys")).ToJsonString(), StringComparison.Ordinal);
        Holds("DeletedKey", await DeleteAsync($"admin/v1/keys/{key}"));
        Assert.Single(Holds("BudgetList", await GetAsync("admin/v1/budgets"))["data"]!.AsArray());
        Assert.Single(Holds("TargetList", await GetAsync("admin/v1/targets"))["data"]!.AsArray());
    }

    [Theory]
    [InlineData("POST", "v1/chat/completions", "{}", 400, "Error")]
    [InlineData("POST", "v1/messages", "{}", 400, "MessagesError")]
    [InlineData("POST", "v1/responses", """{"model":"nothing","input":"x"}""", 403, "Error")]
    [InlineData("GET", "v1/files/file-x", "", 404, "Error")]
    [InlineData("POST", "admin/v1/keys", "{}", 403, "Error")]
    [InlineData("POST", "v1/nothing", "{}", 404, "Error")]
    public async Task Errors_HaveTheDocumentedForm(string method, string path, string body, int status, string schema)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method == "GET" ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        using var response = await _host.Client.SendAsync(request, Token);
        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        Holds(schema, await response.Content.ReadAsStringAsync(Token));
    }

    private JsonObject Holds(string name, string json)
    {
        var schema = new JsonObject { ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["$ref"] = $"#/components/schemas/{name}", ["components"] = _document["components"]!.DeepClone() };
        var result = JsonSchema.FromText(schema.ToJsonString()).Evaluate(JsonDocument.Parse(json).RootElement, new EvaluationOptions { OutputFormat = OutputFormat.List });
        Assert.True(result.IsValid, $"not a {name}: {string.Join("; ", (result.Details ?? []).Where(d => d.Errors is not null).Select(d => $"{d.InstanceLocation} {string.Join(", ", d.Errors!.Values)}"))}\n{json}");
        return JsonNode.Parse(json)!.AsObject();
    }

    private async Task<string> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await _host.Client.PostAsync(path, content, Token);
        return await SuccessAsync(response);
    }

    private async Task<string> GetAsync(string path)
    {
        using var response = await _host.Client.GetAsync(path, Token);
        return await SuccessAsync(response);
    }

    private async Task<string> DeleteAsync(string path)
    {
        using var response = await _host.Client.DeleteAsync(path, Token);
        return await SuccessAsync(response);
    }

    private static async Task<string> SuccessAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.IsSuccessStatusCode, text);
        return text;
    }
}
