using System.ClientModel;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Scenarios.Support;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;

namespace Lauter.Scenarios;

/// <summary>The gateway alone, from one file, in front of a provider, asked by four unmodified SDKs.</summary>
public sealed class GatewayScenario(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Gateway_FourClients_SeeWhatTheyWouldSeeAtTheProvider()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-gateway-scenario-").FullName;
        using var provider = new FakeProvider();
        var address = $"http://127.0.0.1:{FakeProvider.FreePort()}";
        var file = Path.Combine(directory, "GATEWAY.yaml");
        await File.WriteAllTextAsync(file, $$"""
            gateway: scenario
            listen: {{address}}
            providers:
              fake: { url: "http://127.0.0.1:{{provider.Port}}/v1" }
            applications:
              chat: { models: { provider: fake, model: m }, budget: { month: 5 USD } }
              vectors: { models: { provider: fake, model: v } }
            prices:
              rows: [ { sku: m, currency: USD, input: 1, output: 2, source: scenario }, { sku: v, currency: USD, embedding: 1, source: scenario } ]
            """);
        using var server = LauterProgram.Start("gateway", file);
        await server.WaitForAsync(s => s.Contains("press Ctrl+C", StringComparison.Ordinal), Limit, "it serves");
        var created = await LauterProgram.RunAsync(Limit, "key", "create", "scenario", "--in", file);
        Assert.Equal(0, created.ExitCode);
        var key = created.Output.Trim();

        await OpenAiAsync(address, key, provider);
        await ExtensionsAiAsync(address, key);
        await NpmAsync(address, key);

        // A key that is revoked is refused within a second.
        var listed = await LauterProgram.RunAsync(Limit, "key", "list", "--in", file, "--format", "json");
        var id = JsonNode.Parse(listed.Output)!.AsArray().Single(k => k!["name"]!.GetValue<string>() == "scenario")!["id"]!.GetValue<string>();
        Assert.Equal(0, (await LauterProgram.RunAsync(Limit, "key", "revoke", id, "--in", file)).ExitCode);
        using var http = new HttpClient { BaseAddress = new Uri(address) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var clock = Stopwatch.StartNew();
        while ((await http.GetAsync("/v1/models")).IsSuccessStatusCode)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), "the revoked key still works");
            await Task.Delay(100);
        }

        server.Interrupt();
        Assert.Equal(130, (await server.WaitAsync(TimeSpan.FromSeconds(30))).ExitCode);
        Directory.Delete(directory, recursive: true);
    }

    private static async Task OpenAiAsync(string address, string key, FakeProvider provider)
    {
        var options = new OpenAIClientOptions { Endpoint = new Uri(address + "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) };
        var client = new OpenAIClient(new ApiKeyCredential(key), options);
        var chat = client.GetChatClient("chat");

        ChatCompletion plain = await chat.CompleteChatAsync("plain");
        Assert.Equal(("hello there", 10, OpenAI.Chat.ChatFinishReason.Stop), (plain.Content[0].Text, plain.Usage.TotalTokenCount, plain.FinishReason));
        var streamed = "";
        await foreach (var update in chat.CompleteChatStreamingAsync("plain"))
        {
            streamed += string.Concat(update.ContentUpdate.Select(c => c.Text));
        }

        Assert.Equal("hello there", streamed);
        ChatCompletion tool = await chat.CompleteChatAsync([OpenAI.Chat.ChatMessage.CreateUserMessage("tool")], new ChatCompletionOptions { Tools = { ChatTool.CreateFunctionTool("weather") } });
        Assert.Equal(("weather", OpenAI.Chat.ChatFinishReason.ToolCalls), (tool.ToolCalls[0].FunctionName, tool.FinishReason));
        ChatCompletion json = await chat.CompleteChatAsync(
            [OpenAI.Chat.ChatMessage.CreateUserMessage("json")],
            new ChatCompletionOptions { ResponseFormat = OpenAI.Chat.ChatResponseFormat.CreateJsonSchemaFormat("answer", BinaryData.FromString("""{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}""")) });
        Assert.True(JsonDocument.Parse(json.Content[0].Text).RootElement.GetProperty("ok").GetBoolean());
        Assert.Equal(3, (await client.GetEmbeddingClient("vectors").GenerateEmbeddingAsync("x")).Value.ToFloats().Length);
        Assert.Equal(422, (await Assert.ThrowsAsync<ClientResultException>(async () => await chat.CompleteChatAsync("fail"))).Status);
        Assert.Equal(403, (await Assert.ThrowsAsync<ClientResultException>(async () => await client.GetChatClient("nothing").CompleteChatAsync("x"))).Status);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var update in chat.CompleteChatStreamingAsync("broken"))
            {
                _ = update;
            }
        });

        // Leaving a stream is seen by the provider.
        using var abort = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in chat.CompleteChatStreamingAsync([OpenAI.Chat.ChatMessage.CreateUserMessage("slow")], cancellationToken: abort.Token))
            {
                await abort.CancelAsync();
            }
        });
        var clock = Stopwatch.StartNew();
        while (provider.HungUp == 0)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), "the provider was not told that the caller hung up");
            await Task.Delay(10);
        }

        using var http = new HttpClient { BaseAddress = new Uri(address) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var feedback = await http.PostAsJsonAsync("/v1/feedback", new JsonObject { ["id"] = plain.Id, ["rating"] = "down", ["comment"] = "no" });
        Assert.True(feedback.IsSuccessStatusCode, await feedback.Content.ReadAsStringAsync());
    }

    private static async Task ExtensionsAiAsync(string address, string key)
    {
        var client = new OpenAIClient(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(address + "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });
        using var chat = client.GetChatClient("chat").AsIChatClient();
        var plain = await chat.GetResponseAsync("plain");
        Assert.Equal(("hello there", 10L), (plain.Text, plain.Usage!.TotalTokenCount!.Value));
        var streamed = "";
        await foreach (var update in chat.GetStreamingResponseAsync("plain"))
        {
            streamed += update.Text;
        }

        Assert.Equal("hello there", streamed);
        var tool = await chat.GetResponseAsync("tool", new ChatOptions { Tools = [AIFunctionFactory.Create((string city) => city, "weather")] });
        Assert.Equal("Kunming", tool.Messages[0].Contents.OfType<FunctionCallContent>().Single().Arguments!["city"]!.ToString());
        Assert.True(JsonDocument.Parse((await chat.GetResponseAsync("json", new ChatOptions { ResponseFormat = Microsoft.Extensions.AI.ChatResponseFormat.ForJsonSchema<Answer>() })).Text).RootElement.GetProperty("ok").GetBoolean());
        using var embeddings = client.GetEmbeddingClient("vectors").AsIEmbeddingGenerator();
        Assert.Equal(3, (await embeddings.GenerateVectorAsync("x")).Length);
        Assert.Equal(422, (await Assert.ThrowsAsync<ClientResultException>(() => chat.GetResponseAsync("fail"))).Status);
    }

    private async Task NpmAsync(string address, string key)
    {
        var clients = Path.Combine(LauterProgram.RepositoryRoot, "tests", "Lauter.Scenarios", "gateway-clients");
        if (!Directory.Exists(Path.Combine(clients, "node_modules")))
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "CI must have the npm clients.");
            output.WriteLine("skipped: run 'npm ci' in tests/Lauter.Scenarios/gateway-clients for the npm SDKs");
            return;
        }

        using var node = Process.Start(new ProcessStartInfo("node", ["ask.mjs", address + "/v1", key])
        {
            WorkingDirectory = clients, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var errors = node.StandardError.ReadToEndAsync();
        var text = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0, await errors);
        output.WriteLine(text);
        Assert.Equal(
            """{"plain":"hello there","usage":10,"streamed":"hello there","streamUsage":10,"tool":"{\"city\":\"Kunming\"}","json":true,"embedding":3,"response":"hello there","models":["chat","vectors"],"error":[422,"bad_thing"],"forbidden":[403,"model_not_allowed"],"denied":401,"broken":"APIError","aborted":true,"feedback":200,"batch":"hello there","aiPlain":"hello there","aiTool":"Kunming","aiEmbedding":3,"aiStreamed":"hello there","aiUsage":10,"aiError":422}""",
            text.Trim());
    }

    private sealed record Answer(bool Ok);
}
