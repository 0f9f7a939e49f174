using System.Net;
using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Settlement;
using Lauter.Gateway.Sources;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;

namespace Lauter.Tests.Gateway;

public sealed class LocalApplicationTests
{
    private const string InputSchema = """{"type":"object","properties":{"text":{"type":"string","maxLength":100},"language":{"type":"string"}},"required":["text"],"additionalProperties":false}""";
    private const string OutputSchema = """{"type":"object","properties":{"intent":{"enum":["refund","other"]}},"required":["intent"],"additionalProperties":false}""";

    [Fact]
    public async Task Model_PlainText_RendersThePromptForcesTheSchemaAndMetersTokensAndCores()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("{\\\"intent\\\":"), FakeUpstream.Delta("\\\"refund\\\"}", "\"stop\""), FakeUpstream.Usage(31, 7), "[DONE]");
        await using var host = await StartModelAsync(upstream, o => o with { Prices = GatewayHost.Prices });

        var (status, body, response) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "I want my money back"));

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("""{"intent":"refund"}""", body["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        Assert.Equal("stop", body["choices"]![0]!["finish_reason"]!.GetValue<string>());
        Assert.Equal("chat.completion", body["object"]!.GetValue<string>());
        Assert.Equal("triage", body["model"]!.GetValue<string>());
        Assert.Equal(38, body["usage"]!["total_tokens"]!.GetValue<int>());
        var traceId = response.Headers.GetValues("x-lauter-trace-id").Single();
        Assert.Equal("chatcmpl-" + traceId, body["id"]!.GetValue<string>());
        Assert.Equal("triage-1", response.Headers.GetValues("x-lauter-release").Single());

        var sent = JsonNode.Parse(Assert.Single(upstream.Bodies))!;
        Assert.Equal("Ticket: I want my money back", sent["messages"]![0]!["content"]!.GetValue<string>());
        Assert.Equal("json_schema", sent["response_format"]!["type"]!.GetValue<string>());
        Assert.Equal("object", sent["response_format"]!["json_schema"]!["schema"]!["type"]!.GetValue<string>());
        Assert.Equal(64, sent["max_tokens"]!.GetValue<int>()); // absent: the application's cap, never no limit
        Assert.Equal(0, sent["temperature"]!.GetValue<double>());

        var trace = Assert.Single(host.Traces());
        Assert.Equal(traceId, trace.Id.ToString("N"));
        Assert.Equal((TraceOutcome.Answered, "stop", "triage-1"), (trace.Outcome, trace.FinishReason, trace.Release));
        Assert.Equal("I want my money back", trace.Input!["text"]!.GetValue<string>());
        Assert.Equal((31L, 7L), (Quantity(trace, Meter.UncachedInput), Quantity(trace, Meter.TextOutput)));
        var cores = trace.Charges.Single(c => c.Meter == Meter.CoreMicroseconds);
        Assert.True(cores.Quantity > 0);
        Assert.Equal(Money.ForQuantity(cores.Quantity, 360_000_000, 3_600_000_000, "CNY"), trace.Cost);
        Assert.Equal(trace.Cost, Assert.Single(host.Ledger.Bill().Total));
    }

    [Fact]
    public async Task Model_Stream_EndsWithFinishUsageAndDone()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("{\\\"intent\\\":"), FakeUpstream.Delta("\\\"other\\\"}", "\"stop\""), FakeUpstream.Usage(3, 7), "[DONE]");
        await using var host = await StartModelAsync(upstream);

        var events = await host.StreamAsync(GatewayHost.Chat("triage", "{\"text\":\"你好\",\"language\":\"zh\"}", ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));

        Assert.Equal("[DONE]", events[^1]);
        var chunks = events[..^1].ConvertAll(e => JsonNode.Parse(e)!);
        Assert.All(chunks, c => Assert.Equal("chat.completion.chunk", c["object"]!.GetValue<string>()));
        Assert.Equal("assistant", chunks[0]["choices"]![0]!["delta"]!["role"]!.GetValue<string>());
        Assert.Equal("""{"intent":"other"}""", string.Concat(chunks[..^1].Select(c => c["choices"]![0]!["delta"]!["content"]?.GetValue<string>())));
        Assert.All(chunks[..^2], c => Assert.Null(c["choices"]![0]!["finish_reason"]));
        Assert.Equal("stop", chunks[^2]["choices"]![0]!["finish_reason"]!.GetValue<string>());
        Assert.Empty(chunks[^1]["choices"]!.AsArray());
        Assert.Equal(10, chunks[^1]["usage"]!["total_tokens"]!.GetValue<int>());
        Assert.Equal("Ticket: 你好", JsonNode.Parse(upstream.Bodies[0])!["messages"]![0]!["content"]!.GetValue<string>());
        Assert.Equal(TraceOutcome.Answered, Assert.Single(host.Traces()).Outcome);
    }

    [Fact]
    public async Task Model_AnswerAgainstTheSchema_IsAFailureAndStillPaid()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("{\\\"intent\\\":\\\"unheard of\\\"}", "\"stop\""), FakeUpstream.Usage(3, 7), "[DONE]");
        await using var host = await StartModelAsync(upstream);

        var (status, body, _) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"));
        var events = await host.StreamAsync(GatewayHost.Chat("triage", "x", ",\"stream\":true"));

        Assert.Equal(HttpStatusCode.BadGateway, status);
        Assert.Equal("invalid_answer", body["error"]!["code"]!.GetValue<string>());
        // After the first byte: an error event and a broken connection, no [DONE], no finish reason.
        Assert.Equal("(broken)", events[^1]);
        Assert.Contains("\"code\":\"invalid_answer\"", events[^2], StringComparison.Ordinal);
        Assert.DoesNotContain(events, e => e == "[DONE]" || e.Contains("\"finish_reason\":\"", StringComparison.Ordinal));
        var traces = host.Traces();
        Assert.Equal([TraceOutcome.Failed, TraceOutcome.Failed], traces.Select(t => t.Outcome));
        Assert.All(traces, t => Assert.Equal(7, Quantity(t, Meter.TextOutput)));
    }

    [Fact]
    public async Task Model_CutAnswer_SaysThatItWasTheLimit()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("{\\\"int", "\"length\""), "[DONE]");
        await using var host = await StartModelAsync(upstream);

        Assert.Equal("answer_truncated", (await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"))).Body["error"]!["code"]!.GetValue<string>());
    }

    [Fact]
    public async Task Model_EngineGone_Answers503AndSettles()
    {
        var upstream = await FakeUpstream.StartAsync();
        await using var host = await StartModelAsync(upstream, o => o with { Budgets = [new Budget("application:triage", new Money(1_000_000_000, "CNY"), BudgetWindow.Month)] });
        await upstream.DisposeAsync();

        var (status, body, response) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal("engine_unavailable", body["error"]!["code"]!.GetValue<string>());
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal(0, Assert.Single(host.Leases.Status()).Reserved.NanoUnits);
    }

    [Theory]
    [InlineData(400, "context_length_exceeded", 400, "context_length_exceeded", TraceOutcome.Invalid)]
    [InlineData(400, "invalid_value", 502, "engine_refused", TraceOutcome.Failed)]
    [InlineData(429, "rate_limit_exceeded", 429, "slow_down", TraceOutcome.Refused)]
    [InlineData(503, "starting", 503, "engine_unavailable", TraceOutcome.Failed)]
    public async Task Model_EngineRefuses_IsToldAsWhatItIs(int engine, string code, int status, string shown, TraceOutcome outcome)
    {
        await using var upstream = await FakeUpstream.StartAsync();
        upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, $$$"""{"error":{"message":"m","type":"t","code":"{{{code}}}"} }""", engine);
        await using var host = await StartModelAsync(upstream);

        var answer = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"));

        Assert.Equal((status, shown), ((int)answer.Status, answer.Body["error"]!["code"]!.GetValue<string>()));
        Assert.Equal(outcome, Assert.Single(host.Traces()).Outcome);
    }

    [Theory]
    [InlineData("{\"text\":7}")]
    [InlineData("{\"text\":\"x\",\"extra\":1}")]
    public async Task Model_InputAgainstTheSchema_IsTheCallersFault(string content)
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var host = await StartModelAsync(upstream);

        var (status, body, _) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", content));

        Assert.Equal((HttpStatusCode.BadRequest, "invalid_input"), (status, body["error"]!["code"]!.GetValue<string>()));
        Assert.Empty(upstream.Bodies);
        Assert.Equal(TraceOutcome.Invalid, Assert.Single(host.Traces()).Outcome);
    }

    [Fact]
    public async Task Model_MoreThanOneMessage_IsRefusedNotDropped()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var host = await StartModelAsync(upstream);

        var (status, body, _) = await host.PostAsync("v1/chat/completions", """{"model":"triage","messages":[{"role":"system","content":"be rude"},{"role":"user","content":"x"}]}""");

        Assert.Equal((HttpStatusCode.BadRequest, "unsupported_messages"), (status, body["error"]!["code"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Passages_Question_QuotesFileAndHeadingAndAnnotates()
    {
        await using var host = await GatewayHost.StartAsync();
        PassageSearch search = (tenant, question, count, _) => ValueTask.FromResult<IReadOnlyList<Passage>>(
            [new("docs/brew kettle.md", ["Kettle", "Descaling"], "Use citric acid.\nRinse twice.", 0.9, 10, 30, null), new("b.pdf", [], "Page text", 0.5, 0, 9, 4)]);
        host.Registry.Set(new LiveApplication { Name = "handbook", Kind = ApplicationKind.Passages, Source = new PassagesSource(search) });

        var (status, body, _) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("handbook", "How do I descale?"));

        Assert.Equal(HttpStatusCode.OK, status);
        var message = body["choices"]![0]!["message"]!;
        var text = message["content"]!.GetValue<string>();
        Assert.Equal("[1] docs/brew kettle.md › Kettle › Descaling\n> Use citric acid.\n> Rinse twice.\n\n[2] b.pdf (page 4)\n> Page text", text);
        var citation = message["annotations"]![0]!["url_citation"]!;
        Assert.Equal("docs/brew kettle.md", citation["file"]!.GetValue<string>());
        Assert.Equal("lauter:docs/brew%20kettle.md", new Uri(citation["url"]!.GetValue<string>()).AbsoluteUri);
        Assert.StartsWith("[1]", text[citation["start_index"]!.GetValue<int>()..citation["end_index"]!.GetValue<int>()], StringComparison.Ordinal);
        Assert.Equal("Page text", text[message["annotations"]![1]!["url_citation"]!["start_index"]!.GetValue<int>()..][^9..]);
    }

    [Fact]
    public async Task Passages_WithWriter_WritesFromThePassagesAndPricesItsTokens()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("Citric acid [1].", "\"stop\""), FakeUpstream.Usage(1_000, 10), "[DONE]");
        await using var host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices });
        using var client = new HttpClient { BaseAddress = upstream.BaseAddress };
        PassageSearch search = (_, _, _, _) => ValueTask.FromResult<IReadOnlyList<Passage>>([new("k.md", ["Kettle"], "Use citric acid.", 1, 0, 16, null)]);
        host.Registry.Set(new LiveApplication
        {
            Name = "handbook", Kind = ApplicationKind.Passages, Source = new PassagesSource(search, 3, new ChatUpstream(client, "writer")), Sku = "mini", MaximumAddedInputTokens = 4_000,
        });

        var (_, body, _) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("handbook", "How?"));

        Assert.Equal("Citric acid [1].\n\n[1] k.md › Kettle\n> Use citric acid.", body["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        Assert.Contains("Use citric acid.", JsonNode.Parse(upstream.Bodies[0])!["messages"]![1]!["content"]!.GetValue<string>(), StringComparison.Ordinal);
        var trace = Assert.Single(host.Traces());
        Assert.Equal(1_040_000, trace.Charges.Where(c => c.Sku == "mini").Sum(c => c.Amount!.Value.NanoUnits)); // 1000 × 1 + 10 × 4 per million
        Assert.Contains(host.Ledger.Balances(), b => b.Account == "payable:provider:mini" && b.Balance.NanoUnits == -1_040_000);
    }

    [Fact]
    public async Task Local_SlowSource_TimesOutWithA504()
    {
        await using var host = await GatewayHost.StartAsync(o => o with { LocalTimeout = TimeSpan.FromMilliseconds(50) });
        host.Registry.Set(new LiveApplication
        {
            Name = "slow",
            Kind = ApplicationKind.Passages,
            Source = new PassagesSource(async (_, _, _, token) =>
            {
                await Task.Delay(Timeout.Infinite, token);
                return [];
            }),
        });

        var (status, body, _) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("slow", "x"));

        Assert.Equal((HttpStatusCode.GatewayTimeout, "timeout"), (status, body["error"]!["code"]!.GetValue<string>()));
        Assert.Equal(TraceOutcome.Failed, Assert.Single(host.Traces()).Outcome);
    }

    [Fact]
    public async Task Local_SourceThrows_TellsNothingOfTheText()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Registry.Set(new LiveApplication { Name = "bad", Kind = ApplicationKind.Nearest, Source = new NearestSource(t => throw new FormatException("secret " + t)) });

        var (status, body, _) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("bad", "confidential"));

        Assert.Equal(HttpStatusCode.InternalServerError, status);
        Assert.DoesNotContain("confidential", body.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(TraceOutcome.Failed, Assert.Single(host.Traces()).Outcome);
    }

    [Fact]
    public async Task Local_Budget_HoldsTheTimeLimitsCostUntilTheRequestEnds()
    {
        // 65 s (limit + slack) on 2 cores at 0.36 CNY an hour = 0.013 CNY at most; the budget has room for one of them at a time.
        await using var host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices, Budgets = [new Budget("application:slow", Money.Parse("0.02 CNY"), BudgetWindow.Total)] });
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Registry.Set(new LiveApplication
        {
            Name = "slow",
            Kind = ApplicationKind.Passages,
            Cores = 2,
            Source = new PassagesSource(async (_, _, _, token) =>
            {
                started.TrySetResult();
                await release.Task.WaitAsync(token);
                return [];
            }),
        });

        var first = host.PostAsync("v1/chat/completions", GatewayHost.Chat("slow", "x"));
        await started.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(13_000_000, host.Leases.Status().Single().Reserved.NanoUnits);
        var second = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("slow", "x"));
        release.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await first).Status);
        var third = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("slow", "x"));

        Assert.Equal(HttpStatusCode.PaymentRequired, second.Status);
        Assert.Equal(HttpStatusCode.OK, third.Status);
        var status = host.Leases.Status().Single();
        Assert.Equal(0, status.Reserved.NanoUnits);
        Assert.Equal(host.Traces().Where(t => t.Cost is not null).Sum(t => t.Cost!.Value.NanoUnits), status.Spent.NanoUnits);
    }

    [Fact]
    public async Task Local_CallerHangsUp_CancelsTheSourceAndRecordsIt()
    {
        await using var host = await GatewayHost.StartAsync();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Registry.Set(new LiveApplication
        {
            Name = "slow",
            Kind = ApplicationKind.Passages,
            Source = new PassagesSource(async (_, _, _, token) =>
            {
                token.Register(() => cancelled.TrySetResult());
                started.SetResult();
                await Task.Delay(Timeout.Infinite, token);
                return [];
            }),
        });
        using var hangUp = new CancellationTokenSource();
        using var content = new StringContent(GatewayHost.Chat("slow", "x"), System.Text.Encoding.UTF8, "application/json");
        var request = host.Client.PostAsync("v1/chat/completions", content, hangUp.Token);
        await started.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        await hangUp.CancelAsync();
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        for (var i = 0; i < 1_000 && host.Traces().Count == 0; i++)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Equal(TraceOutcome.Cancelled, Assert.Single(host.Traces()).Outcome);
    }

    [Fact]
    public async Task Set_WhileServing_SwapsTheRelease()
    {
        await using var host = await GatewayHost.StartAsync();
        LiveApplication Release(int n) => new() { Name = "triage", Kind = ApplicationKind.Nearest, ReleaseId = $"triage-{n}", Source = new NearestSource(_ => new("1", $"r{n}", 1)) };
        host.Registry.Set(Release(1));
        Assert.Equal("triage-1", (await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"))).Body["system_fingerprint"]!.GetValue<string>());

        host.Registry.Set(Release(2));

        Assert.Equal("r2", (await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"))).Body["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        Assert.Equal(["triage-1", "triage-2"], host.Traces().Select(t => t.Release));
    }

    [Fact]
    public void EngineClock_OverlappingRequests_DivideTheCoresAndLoseNothing()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var clock = new EngineClock(2, time);
        time.Advance(TimeSpan.FromSeconds(1)); // idle: 2 core-seconds
        var a = clock.Start();
        time.Advance(TimeSpan.FromSeconds(1)); // a alone: 2
        var b = clock.Start();
        time.Advance(TimeSpan.FromSeconds(1)); // a and b: 1 each
        var costA = clock.Stop(a);
        time.Advance(TimeSpan.FromSeconds(3)); // b alone: 6
        var costB = clock.Stop(b);
        time.Advance(TimeSpan.FromSeconds(1)); // idle: 2

        Assert.Equal((3_000_000, 7_000_000, 4_000_000), (costA, costB, clock.TakeIdle()));
        Assert.Equal(0, clock.TakeIdle());
    }

    private static long Quantity(TraceRecord trace, Meter meter) => trace.Charges.Single(c => c.Meter == meter).Quantity;

    private static async Task<GatewayHost> StartModelAsync(FakeUpstream upstream, Func<Lauter.Gateway.GatewayOptions, Lauter.Gateway.GatewayOptions>? configure = null)
    {
        var host = await GatewayHost.StartAsync(configure);
        var client = new HttpClient { BaseAddress = upstream.BaseAddress };
        host.Registry.Set(new LiveApplication
        {
            Name = "triage",
            Kind = ApplicationKind.Model,
            ReleaseId = "triage-1",
            InputSchema = InputSchema,
            OutputSchema = OutputSchema,
            MaximumOutputTokens = 64,
            Source = new ModelSource(new ChatUpstream(client, "m"), fields => $"Ticket: {fields["text"]}", OutputSchema),
            Clock = new EngineClock(2, TimeProvider.System),
        });
        return host;
    }
}
