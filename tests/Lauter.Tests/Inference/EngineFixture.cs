using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Inference.Engine;

namespace Lauter.Tests.Inference;

/// <summary>One engine in its own process for the tests of a class, and raw requests to it.</summary>
public class EngineFixture : IAsyncLifetime
{
    internal EngineProcess Engine { get; private set; } = null!;

    private protected virtual string ModelPath => TinyModel.Path;

    internal HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Engine = await EngineProcess.StartAsync(EngineChildEntry.Launch, Options with { ModelPath = ModelPath }, cancellationToken: TestContext.Current.CancellationToken);
        Http = Engine.CreateClient();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    internal static EngineOptions Options => new() { ModelPath = TinyModel.Path, Threads = 1 };

    internal static async Task<(int Status, JsonObject Body)> PostAsync(HttpClient http, string path, JsonNode body)
    {
        using var response = await http.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, JsonNode.Parse(text)!.AsObject());
    }

    internal Task<(int Status, JsonObject Body)> PostAsync(string path, JsonNode body) => PostAsync(Http, path, body);

    /// <summary>The data of all server-sent events of a streamed answer.</summary>
    internal async Task<List<string>> StreamAsync(string path, JsonNode body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(item => item["data: ".Length..])];
    }

    /// <summary>Asks for the metrics until every given gauge is 0: nothing of a request is left in the engine.</summary>
    internal static async Task EmptyAsync(HttpClient http)
    {
        string[] gauges = ["lauter_engine_queue_requests", "lauter_engine_active_requests", "lauter_engine_kv_cells_private"];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            var lines = (await http.GetStringAsync("metrics", limit.Token)).Split('\n');
            if (gauges.All(gauge => lines.Contains($"{gauge} 0")))
            {
                return;
            }
        }
    }

    internal static JsonObject Completion(string prompt, int maxTokens) => new() { ["prompt"] = prompt, ["max_tokens"] = maxTokens, ["temperature"] = 0 };

    /// <summary>No end of turn can come, so a request lasts as long as its tokens do.</summary>
    internal static JsonObject Endless(int maxTokens)
    {
        var body = Completion("the printer does not print", maxTokens);
        body["logit_bias"] = new JsonObject { ["0"] = -100, ["2"] = -100 };
        return body;
    }
}

/// <summary>The same with room for long prompts.</summary>
public sealed class WideEngineFixture : EngineFixture
{
    private protected override string ModelPath => TinyModel.Wide;
}
