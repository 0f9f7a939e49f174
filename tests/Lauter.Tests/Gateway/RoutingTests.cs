using System.Net;
using System.Text.Json.Nodes;
using Lauter.Gateway.Routing;
using Lauter.Traces;
using Microsoft.AspNetCore.Http;

namespace Lauter.Tests.Gateway;

public sealed class RoutingTests : IAsyncLifetime
{
    private FakeUpstream _first = null!;
    private FakeUpstream _second = null!;
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _first = await FakeUpstream.StartAsync();
        _second = await FakeUpstream.StartAsync();
        _second.Answer = (context, _) => FakeUpstream.JsonAsync(context, FakeUpstream.Whole("second", 10, 5));
        _host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices });
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _first.DisposeAsync();
        await _second.DisposeAsync();
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(401)]
    [InlineData(402)]
    public async Task Fallback_FirstFails_SecondAnswersAndIsPaid(int status)
    {
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _first), GatewayHost.Target("b", _second)));
        _first.Answer = (context, _) => FakeUpstream.JsonAsync(context, """{"error":{"message":"no"}}""", status);

        var (code, body, _) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal((HttpStatusCode.OK, "second"), (code, body["choices"]![0]!["message"]!["content"]!.GetValue<string>()));
        Assert.Equal((1, 1), (_first.Bodies.Count, _second.Bodies.Count));
        var trace = Assert.Single(_host.Traces());
        Assert.Equal(("b/upstream-model", TraceOutcome.Answered), (trace.Target, trace.Outcome));
    }

    [Fact]
    public async Task Fallback_CallersOwnFault_IsNotTriedElsewhere()
    {
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _first), GatewayHost.Target("b", _second)));
        _first.Answer = (context, _) => FakeUpstream.JsonAsync(context, """{"error":{"message":"bad","code":"invalid_value"}}""", 422);

        var (code, _, _) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal((HttpStatusCode.UnprocessableEntity, 0), (code, _second.Bodies.Count));
    }

    [Fact]
    public async Task Fallback_StreamBreaksBeforeItsFirstEvent_SecondAnswers()
    {
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _first), GatewayHost.Target("b", _second)));
        _first.Answer = FakeUpstream.Events("""{"error":{"message":"overloaded"}}""");
        _second.Answer = FakeUpstream.Events(FakeUpstream.Delta("ok", "\"stop\""), FakeUpstream.Usage(1, 1), "[DONE]");

        var events = await _host.StreamAsync(GatewayHost.Chat("chat", "x", ",\"stream\":true"));

        Assert.Equal(["ok"], events[..^1].Select(e => JsonNode.Parse(e)!["choices"]![0]!["delta"]!["content"]!.GetValue<string>()));
        Assert.Equal("[DONE]", events[^1]);
    }

    [Fact]
    public async Task Fallback_AfterTheFirstEvent_NeverHappens()
    {
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _first), GatewayHost.Target("b", _second)));
        _first.Answer = FakeUpstream.Events(FakeUpstream.Delta("half"), "(abort)");

        var events = await _host.StreamAsync(GatewayHost.Chat("chat", "x", ",\"stream\":true"));

        Assert.Equal("(broken)", events[^1]);
        Assert.Empty(_second.Bodies);
    }

    [Fact]
    public async Task CoolDown_TargetThatKeepsFailing_IsLeftAlone()
    {
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _first), GatewayHost.Target("b", _second)));
        _first.Answer = (context, _) => FakeUpstream.JsonAsync(context, "{}", 500);

        for (var i = 0; i < 12; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"))).Status);
        }

        Assert.Equal((TargetHealth.FailuresToCool, 12), (_first.Bodies.Count, _second.Bodies.Count));
    }

    [Fact]
    public async Task RetryAfter_Named_CoolsAtOnceAndTellsTheCaller()
    {
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _first)));
        _first.Answer = (context, _) =>
        {
            context.Response.Headers.RetryAfter = "7";
            return FakeUpstream.JsonAsync(context, """{"error":{"message":"slow"}}""", 429);
        };

        var (code, _, response) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(7)), (code, response.Headers.RetryAfter!.Delta));
        Assert.Single(_first.Bodies);
    }

    [Fact]
    public async Task Retries_EverythingFails_AddAtMostATenthAndAReserve()
    {
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _first)));
        _first.Answer = (context, _) => FakeUpstream.JsonAsync(context, "{}", 500);

        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"))));

        Assert.InRange(_first.Bodies.Count, 100, 100 + 10 + 10);
    }

    [Fact]
    public async Task ContextLength_LongerModelNamed_AnswersInstead()
    {
        var live = GatewayHost.Routed("chat", GatewayHost.Target("a", _first));
        _host.Registry.Set(live with { Route = live.Route! with { LongerContext = GatewayHost.Target("b", _second, "long") } });
        _first.Answer = (context, _) => FakeUpstream.JsonAsync(context, """{"error":{"message":"This model's maximum context length is 8192 tokens","code":"context_length_exceeded"}}""", 400);

        var (code, _, _) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal((HttpStatusCode.OK, "long"), (code, JsonNode.Parse(_second.Bodies.Single())!["model"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ContentFilter_OtherModelNamedOrNot_IsAskedOrTold(bool named)
    {
        var live = GatewayHost.Routed("chat", GatewayHost.Target("a", _first));
        _host.Registry.Set(live with { Route = live.Route! with { WhenFiltered = named ? GatewayHost.Target("b", _second) : null } });
        _first.Answer = (context, _) => FakeUpstream.JsonAsync(context, """{"error":{"message":"filtered","code":"content_filter"}}""", 400);

        var (code, body, _) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal(named ? HttpStatusCode.OK : HttpStatusCode.BadRequest, code);
        Assert.Equal(named ? null : "content_filter", body["error"]?["code"]?.GetValue<string>());
    }

    [Fact]
    public async Task Weights_ThreeToOne_ShareTheTrafficSo()
    {
        var live = GatewayHost.Routed("chat", GatewayHost.Target("a", _first));
        _host.Registry.Set(live with
        {
            Route = live.Route! with { Entries = [new RouteEntry(GatewayHost.Target("a", _first), 1, 3), new RouteEntry(GatewayHost.Target("b", _second), 1, 1)] },
        });

        await Task.WhenAll(Enumerable.Range(0, 400).Select(_ => _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"))));

        Assert.InRange(_first.Bodies.Count, 255, 345); // 300 ± 5 standard deviations
    }

    [Theory]
    [InlineData(false, 1, 0)]
    [InlineData(true, 0, 1)]
    public async Task Conditions_LongText_GoesToItsEntry(bool isLong, int first, int second)
    {
        var live = GatewayHost.Routed("chat", GatewayHost.Target("a", _first));
        _host.Registry.Set(live with
        {
            Route = live.Route! with
            {
                Entries = [new RouteEntry(GatewayHost.Target("a", _first), When: new RouteCondition(MaximumInputTokens: 100)), new RouteEntry(GatewayHost.Target("b", _second), When: new RouteCondition(MinimumInputTokens: 101))],
            },
        });

        await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", isLong ? new string('x', 2_000) : "x"));

        Assert.Equal((first, second), (_first.Bodies.Count, _second.Bodies.Count));
    }

    [Theory]
    [InlineData(-0.01, "kept", 0)]
    [InlineData(-2.0, "second", 1)]
    public async Task Cascade_Sureness_DecidesAndBothAreVisible(double logprob, string answer, int escalated)
    {
        var live = GatewayHost.Routed("chat", GatewayHost.Target("a", _first), GatewayHost.Target("b", _second));
        _host.Registry.Set(live with { Route = live.Route! with { Cascade = new RouteCascade(0.8) } });
        _first.Answer = (context, _) => FakeUpstream.JsonAsync(context, $$$"""
            {"id":"u","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"kept"},"finish_reason":"stop","logprobs":{"content":[{"token":"k","logprob":{{{logprob.ToString(System.Globalization.CultureInfo.InvariantCulture)}}} }] } }],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}
            """);

        var (code, body, _) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal((HttpStatusCode.OK, answer), (code, body["choices"]![0]!["message"]!["content"]!.GetValue<string>()));
        Assert.Null(body["choices"]![0]!["logprobs"]); // the caller did not ask for them
        Assert.Equal(escalated, _second.Bodies.Count);
        var traces = _host.Traces();
        Assert.Equal(["cascade", "chat.completions"], traces.Select(t => t.Route).Order());
        Assert.Equal(escalated == 0 ? 0 : 30_000, traces.Single(t => t.Route == "cascade").Cost?.NanoUnits ?? 0);
        Assert.Equal(30_000, traces.Single(t => t.Route == "chat.completions").Cost!.Value.NanoUnits);
    }

    [Fact]
    public async Task Mirror_Candidate_IsAskedSilentlyTracedAndPaid()
    {
        var live = GatewayHost.Routed("chat", GatewayHost.Target("a", _first));
        _host.Registry.Set(live with { Route = live.Route! with { Mirror = new RouteMirror(GatewayHost.Target("b", _second, "candidate"), 1) } });

        var (_, body, _) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal("hello", body["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        var traces = _host.Traces();
        for (var i = 0; i < 100 && traces.Count < 2; i++)
        {
            await Task.Delay(20); // the mirrored request ends by itself
            traces = _host.Traces();
        }

        var mirror = traces.Single(t => t.Route == "mirror");
        Assert.Equal(("second", "b/candidate", traces.Single(t => t.Route == "chat.completions").Id), (mirror.Response, mirror.Target, mirror.Parent));
    }

    [Fact]
    public async Task FirstByte_NeverComes_FallsBackAfterItsLimit()
    {
        var live = GatewayHost.Routed("chat", GatewayHost.Target("a", _first), GatewayHost.Target("b", _second));
        _host.Registry.Set(live with { Route = live.Route! with { FirstByteTimeout = TimeSpan.FromMilliseconds(150) } });
        _first.Answer = (context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted);

        var (code, _, _) = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal((HttpStatusCode.OK, 1), (code, _second.Bodies.Count));
    }

    [Fact]
    public async Task Drops_MemberThatTheProviderRefuses_IsLeftOut()
    {
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _first) with { Drops = ["store", "metadata"] }));

        await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x", ",\"store\":true,\"seed\":9007199254740993"));

        var sent = Assert.Single(_first.Bodies);
        Assert.DoesNotContain("store", sent, StringComparison.Ordinal);
        Assert.Contains("\"seed\":9007199254740993", sent, StringComparison.Ordinal);
    }
}
