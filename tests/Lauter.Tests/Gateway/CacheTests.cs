using System.Net;
using System.Text.Json.Nodes;
using Lauter.Gateway.Caches;

namespace Lauter.Tests.Gateway;

public sealed class CacheTests : IAsyncLifetime
{
    private FakeUpstream _upstream = null!;
    private GatewayHost _host = null!;
    private int _asked;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _upstream.Answer = (context, body) =>
        {
            var n = Interlocked.Increment(ref _asked);
            return JsonNode.Parse(body)!["stream"]?.GetValue<bool>() == true
                ? FakeUpstream.Events(FakeUpstream.Delta($"a{n}"), FakeUpstream.Delta("!", "\"stop\""), FakeUpstream.Usage(10, 5), "[DONE]")(context, body)
                : FakeUpstream.JsonAsync(context, FakeUpstream.Whole($"a{n}", 10, 5));
        };
        _host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices });
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _upstream)) with { Cache = CachePolicy.Exact });
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task Exact_SecondEqualRequest_IsAHitThatCostsNothingWithAnIdOfItsOwn()
    {
        var (_, first, _) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x", ",\"temperature\":0"));
        var (_, second, response) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x", ",\"temperature\":0, \"user\":\"u\""));

        Assert.Equal(1, _asked);
        Assert.Equal(["hit"], response.Headers.GetValues("x-lauter-cache"));
        Assert.NotEqual(first["id"]!.GetValue<string>(), second["id"]!.GetValue<string>());
        first.Remove("id");
        second.Remove("id");
        Assert.Equal(first.ToJsonString(), second.ToJsonString());
        var traces = _host.Traces();
        Assert.Equal([false, true], traces.Select(t => t.Cached));
        Assert.Empty(traces[1].Charges);
    }

    [Fact]
    public async Task Exact_Stream_IsGivenAgainEventByEvent()
    {
        var body = GatewayHost.Chat("chat", "x", ",\"temperature\":0,\"stream\":true");
        var first = await _host.StreamAsync(body);
        var second = await _host.StreamAsync(body);

        Assert.Equal(1, _asked);
        Assert.Equal(first.Select(Text), second.Select(Text));

        static string? Text(string data) => data == "[DONE]" ? data : JsonNode.Parse(data)!["choices"]![0]!["delta"]!["content"]!.GetValue<string>();
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"temperature\":0.1")]
    public async Task Exact_NotTemperatureZero_IsNotKept(string members)
    {
        await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x", members));
        await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x", members));

        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task Exact_OtherTenantOrReconfigured_StartsWithNothing()
    {
        var body = GatewayHost.Chat("chat", "x", ",\"temperature\":0");
        await _host.PostAsync("v1/chat/completions", body);
        await _host.PostAsync("v1/chat/completions", body, _host.Keys.Create("other", "other").Key);
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _upstream)) with { Cache = CachePolicy.Exact });
        await _host.PostAsync("v1/chat/completions", body);

        Assert.Equal(3, _asked);
    }

    [Fact]
    public async Task Exact_CutOrFailedAnswer_IsNotKept()
    {
        var body = GatewayHost.Chat("chat", "x", ",\"temperature\":0");
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, FakeUpstream.Whole($"a{Interlocked.Increment(ref _asked)}", 10, 5).Replace("\"stop\"", "\"length\"", StringComparison.Ordinal));
        await _host.PostAsync("v1/chat/completions", body);
        _upstream.Answer = (context, _) =>
        {
            Interlocked.Increment(ref _asked);
            return FakeUpstream.JsonAsync(context, "{}");
        };
        Assert.Equal(HttpStatusCode.BadGateway, (await _host.PostAsync("v1/chat/completions", body)).Status);
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, FakeUpstream.Whole($"a{Interlocked.Increment(ref _asked)}", 10, 5));
        await _host.PostAsync("v1/chat/completions", body);

        Assert.Equal(3, _asked);
    }

    [Fact]
    public async Task Tenants_EightWithCanaries_TenThousandRequestsCrossNothing()
    {
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _upstream)) with { Cache = CachePolicy.Always });
        _upstream.Answer = (context, body) =>
        {
            var text = JsonNode.Parse(body)!["messages"]![0]!["content"]!.GetValue<string>();
            // The upstream knows the canary only from the header of the tenant's own text.
            return JsonNode.Parse(body)!["stream"]?.GetValue<bool>() == true
                ? FakeUpstream.Events(FakeUpstream.Delta($"secret of {text.Split('|')[1]}", "\"stop\""), "[DONE]")(context, body)
                : FakeUpstream.JsonAsync(context, FakeUpstream.Whole($"secret of {text.Split('|')[1]}", 10, 5));
        };
        var tenants = Enumerable.Range(0, 8).Select(i => (Name: $"tenant{i}", _host.Keys.Create($"k{i}", $"tenant{i}").Key)).ToArray();
        var random = new Random(4711);
        var requests = Enumerable.Range(0, 10_000).Select(i => (Tenant: tenants[random.Next(8)], Question: random.Next(40), Stream: random.Next(4) == 0)).ToArray();
        var crossed = 0;

        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (request, token) =>
        {
            // The same question of every tenant, word for word, but for the tenant's own canary which follows after it.
            var text = $"question {request.Question}|CANARY-{request.Tenant.Name}";
            using var message = new HttpRequestMessage(HttpMethod.Post, "v1/chat/completions")
            {
                Content = new StringContent(GatewayHost.Chat("chat", text, request.Stream ? ",\"stream\":true" : ""), System.Text.Encoding.UTF8, "application/json"),
            };
            message.Headers.Authorization = new("Bearer", request.Tenant.Key);
            using var response = await _host.Client.SendAsync(message, token);
            var body = await response.Content.ReadAsStringAsync(token);
            if (!body.Contains($"CANARY-{request.Tenant.Name}", StringComparison.Ordinal) || tenants.Any(t => t.Name != request.Tenant.Name && body.Contains($"CANARY-{t.Name}", StringComparison.Ordinal)))
            {
                Interlocked.Increment(ref crossed);
            }
        });

        Assert.Equal(0, crossed);
        Assert.InRange(_upstream.Bodies.Count, 8 * 40, 2_000); // most came from the cache
    }
}
