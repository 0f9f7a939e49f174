using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Gateway.Providers;
using Lauter.Ledger;
using Microsoft.AspNetCore.Http;

namespace Lauter.Tests.Gateway;

/// <summary>Anthropic's Messages in and out, OpenAI's Responses, and both translations mutated.</summary>
public sealed class TranslationTests : IAsyncLifetime
{
    private const string Tools = """
        "tools":[{"name":"weather","description":"d","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}]
        """;

    private FakeUpstream _upstream = null!;
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices });
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _upstream)));
        _host.Registry.Set(GatewayHost.Routed("claude", GatewayHost.Target("c", _upstream, wire: ProviderWire.Anthropic)));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task MessagesIn_ToolsAndResults_BecomeAChatRequestAndAMessage()
    {
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, """
            {"id":"u","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"look:","tool_calls":[{"id":"t2","type":"function","function":{"name":"weather","arguments":"{\"city\":\"北京\"}"}}]},"finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":60}}}
            """);

        var (code, body, _) = await _host.PostAsync("v1/messages", $$"""
            {"model":"chat","max_tokens":50,"system":"be brief","messages":[{"role":"user","content":"hi"},
            {"role":"assistant","content":[{"type":"text","text":"let me see"},{"type":"tool_use","id":"t1","name":"weather","input":{"city":"x"} }]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"rain"},{"type":"text","text":"and now?"}]}],{{Tools}}}
            """);

        Assert.Equal(HttpStatusCode.OK, code);
        var sent = JsonNode.Parse(_upstream.Bodies.Single())!;
        Assert.Equal(["system", "user", "assistant", "tool", "user"], sent["messages"]!.AsArray().Select(m => m!["role"]!.GetValue<string>()));
        Assert.Equal("weather", sent["tools"]![0]!["function"]!["name"]!.GetValue<string>());
        Assert.Equal(("message", "tool_use"), (body["type"]!.GetValue<string>(), body["stop_reason"]!.GetValue<string>()));
        Assert.Equal("北京", body["content"]![1]!["input"]!["city"]!.GetValue<string>());
        Assert.Equal((40, 60, 20), (body["usage"]!["input_tokens"]!.GetValue<int>(), body["usage"]!["cache_read_input_tokens"]!.GetValue<int>(), body["usage"]!["output_tokens"]!.GetValue<int>()));
    }

    [Fact]
    public async Task MessagesIn_Stream_HasTheEventsOfAMessage()
    {
        _upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("he"), FakeUpstream.Delta("llo", "\"stop\""), FakeUpstream.Usage(10, 5), "[DONE]");

        var events = await _host.StreamAsync("""{"model":"chat","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"x"}]}""", "v1/messages");

        Assert.Equal(
            ["message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop", "message_delta", "message_stop"],
            events.Select(e => JsonNode.Parse(e)!["type"]!.GetValue<string>()));
        Assert.Equal(5, JsonNode.Parse(events[^2])!["usage"]!["output_tokens"]!.GetValue<int>());
    }

    [Fact]
    public async Task MessagesIn_Error_HasAnthropicsForm()
    {
        var (code, body, _) = await _host.PostAsync("v1/messages", """{"model":"nothing","max_tokens":5,"messages":[{"role":"user","content":"x"}]}""");

        Assert.Equal((HttpStatusCode.Forbidden, "error", "permission_error"), (code, body["type"]!.GetValue<string>(), body["error"]!["type"]!.GetValue<string>()));
    }

    [Fact]
    public async Task MessagesOut_Whole_IsTranslatedBothWaysAndPaidByItsOwnConvention()
    {
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, """
            {"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"it rains"},{"type":"tool_use","id":"t1","name":"weather","input":{"city":"x"}}],"stop_reason":"tool_use",
            "usage":{"input_tokens":40,"cache_read_input_tokens":60,"output_tokens":20}}
            """);

        var (code, body, _) = await _host.PostAsync("v1/chat/completions", """
            {"model":"claude","messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"user","content":"b"}],"max_tokens":50,"stop":"END",
            "tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}],"tool_choice":"required"}
            """);

        Assert.Equal(HttpStatusCode.OK, code);
        Assert.Equal("/v1/messages", _upstream.Paths.Single());
        var sent = JsonNode.Parse(_upstream.Bodies.Single())!;
        Assert.Equal(("s", 1, "any", "END"), (sent["system"]!.GetValue<string>(), sent["messages"]!.AsArray().Count, sent["tool_choice"]!["type"]!.GetValue<string>(), sent["stop_sequences"]![0]!.GetValue<string>()));
        Assert.Equal(("it rains", "tool_calls"), (body["choices"]![0]!["message"]!["content"]!.GetValue<string>(), body["choices"]![0]!["finish_reason"]!.GetValue<string>()));
        // 40 uncached × 1 + 60 cached × 0.1 + 20 × 4 per million CNY
        Assert.Equal(new Money(126_000, "CNY"), Assert.Single(_host.Traces()).Cost);
    }

    [Fact]
    public async Task MessagesOut_Stream_BecomesChunksWithUsage()
    {
        _upstream.Answer = FakeUpstream.Events(
            """{"type":"message_start","message":{"id":"m","model":"claude","usage":{"input_tokens":10}}}""",
            """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""",
            """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}""",
            """{"type":"content_block_stop","index":0}""",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}""",
            """{"type":"message_stop"}""");

        var events = await _host.StreamAsync(GatewayHost.Chat("claude", "x", ",\"stream\":true"));

        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal("hi", string.Concat(events[..^1].Select(e => JsonNode.Parse(e)!["choices"]![0]!["delta"]!["content"]?.GetValue<string>())));
        Assert.Equal(new Money(30_000, "CNY"), Assert.Single(_host.Traces()).Cost);
    }

    [Fact]
    public async Task Responses_TextAndSchema_AreCarriedOver()
    {
        var (code, body, _) = await _host.PostAsync("v1/responses", """
            {"model":"chat","instructions":"be brief","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}],"max_output_tokens":40,
            "text":{"format":{"type":"json_schema","name":"answer","schema":{"type":"object"},"strict":true}}}
            """);

        Assert.Equal((HttpStatusCode.OK, "response", "completed"), (code, body["object"]!.GetValue<string>(), body["status"]!.GetValue<string>()));
        Assert.Equal("hello", body["output"]![0]!["content"]![0]!["text"]!.GetValue<string>());
        var sent = JsonNode.Parse(_upstream.Bodies.Single())!;
        Assert.Equal((40, "answer"), (sent["max_tokens"]!.GetValue<int>(), sent["response_format"]!["json_schema"]!["name"]!.GetValue<string>()));
        Assert.Equal(HttpStatusCode.BadRequest, (await _host.PostAsync("v1/responses", """{"model":"chat","input":"x","previous_response_id":"resp_1"}""")).Status);
    }

    [Fact]
    public async Task Responses_Stream_EndsWithTheWholeResponse()
    {
        _upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("he"), FakeUpstream.Delta("llo", "\"stop\""), FakeUpstream.Usage(10, 5), "[DONE]");

        var events = await _host.StreamAsync("""{"model":"chat","stream":true,"input":"x"}""", "v1/responses");

        var last = JsonNode.Parse(events[^1])!;
        Assert.Equal(("response.completed", "hello"), (last["type"]!.GetValue<string>(), last["response"]!["output"]![0]!["content"]![0]!["text"]!.GetValue<string>()));
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(e => JsonNode.Parse(e)!["sequence_number"]!.GetValue<int>()));
    }

    [Theory]
    [InlineData("v1/messages", """{"model":"chat","max_tokens":5,"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"订单"}]}],"tools":[{"name":"f","input_schema":{}}]}""")]
    [InlineData("v1/responses", """{"model":"chat","input":[{"role":"user","content":"订单"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"text":{"format":{"type":"text"}}}""")]
    [InlineData("v1/chat/completions", """{"model":"claude","messages":[{"role":"user","content":"订单"}],"tools":[{"type":"function","function":{"name":"f"}}],"stop":["a"]}""")]
    [InlineData("v1/completions", """{"model":"chat","prompt":["订单"],"max_tokens":5}""")]
    [InlineData("v1/embeddings", """{"model":"chat","input":["订单"],"encoding_format":"base64"}""")]
    [InlineData("v1/rerank", """{"model":"chat","query":"订单","documents":["a","b"],"top_n":1}""")]
    public async Task AnySurface_MutatedBodies_NeverGetA500(string path, string body)
    {
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, context.Request.Path == "/v1/messages" ? """{"id":"m","content":[{"type":"text","text":"x"}],"usage":{}}""" : FakeUpstream.Whole("x", 1, 1));
        var valid = Encoding.UTF8.GetBytes(body);
        var random = new Random(4711);
        for (var i = 0; i < 300; i++)
        {
            var mutated = valid.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                mutated[random.Next(mutated.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : "{}[]\",:0n-"u8[random.Next(10)];
            }

            using var content = new ByteArrayContent(mutated, 0, random.Next(3) > 0 ? mutated.Length : random.Next(mutated.Length));
            content.Headers.ContentType = new("application/json");
            using var response = await _host.Client.PostAsync(path, content, TestContext.Current.CancellationToken);
            Assert.True((int)response.StatusCode != 500, $"mutation {i} of seed 4711 got 500: {Encoding.UTF8.GetString(mutated)} {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        }
    }
}
