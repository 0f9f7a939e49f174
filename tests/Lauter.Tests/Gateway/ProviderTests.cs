using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;
using Microsoft.AspNetCore.Http;

namespace Lauter.Tests.Gateway;

public sealed class ProviderTests : IAsyncLifetime
{
    private static readonly Budget Wide = new("application:chat", new Money(1_000_000_000, "CNY"), BudgetWindow.Month);
    private FakeUpstream _upstream = null!;
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices, Budgets = [Wide] });
        _host.Registry.Set(GatewayHost.Provider("chat", _upstream));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task Whole_CallersBytes_PassUnharmedWithOnlyTheModelReplaced()
    {
        const string Body = """{ "seed" : 9007199254740993 ,"x_unknown":{"a":[1.0,1e2]},"messages":[{"role":"user","content":"h\u00e9 <&>"}], "model":"chat", "max_tokens":50 }""";
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, FakeUpstream.Whole("hi", 100, 20, cached: 60));

        var (status, body, response) = await _host.PostAsync("v1/chat/completions", Body);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(Body.Replace("\"chat\"", "\"upstream-model\"", StringComparison.Ordinal), Assert.Single(_upstream.Bodies));
        Assert.Equal("Bearer sk-secret", _upstream.Authorization); // the project's key, not the caller's
        Assert.Contains("\"x_big\":9007199254740993", body.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("chatcmpl-" + response.Headers.GetValues("x-lauter-trace-id").Single(), body["id"]!.GetValue<string>());

        var trace = Assert.Single(_host.Traces());
        // 40 uncached × 1 + 60 cached × 0.1 + 20 × 4 per million CNY
        Assert.Equal(new Money(126_000, "CNY"), trace.Cost);
        Assert.Equal(126_000, Assert.Single(_host.Leases.Status()).Spent.NanoUnits);
        Assert.Equal(new Money(126_000, "CNY"), Assert.Single(_host.Ledger.Bill().Total));
        Assert.Contains(_host.Ledger.Balances(), b => b.Account == "payable:provider:fake" && b.Balance.NanoUnits == -126_000);
        Assert.Equal("hi", trace.Response);
        Assert.DoesNotContain("sk-secret", trace.Request!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whole_NoLimitGiven_SendsTheApplicationsCap()
    {
        await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal(100, JsonNode.Parse(_upstream.Bodies.Single())!["max_tokens"]!.GetValue<int>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stream_UsageAtTheEnd_IsPricedAndOnlyShownWhenAskedFor(bool asked)
    {
        _upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("he"), FakeUpstream.Delta("llo", "\"stop\""), FakeUpstream.Usage(100, 20), "[DONE]");

        var events = await _host.StreamAsync(GatewayHost.Chat("chat", "x", asked ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : ",\"stream\":true"));

        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal(asked ? 4 : 3, events.Count);
        Assert.All(events[..^1], e => Assert.StartsWith("chatcmpl-", JsonNode.Parse(e)!["id"]!.GetValue<string>(), StringComparison.Ordinal));
        Assert.True(JsonNode.Parse(_upstream.Bodies.Single())!["stream_options"]!["include_usage"]!.GetValue<bool>());
        var trace = Assert.Single(_host.Traces());
        Assert.Equal((TraceOutcome.Answered, "hello", new Money(180_000, "CNY")), (trace.Outcome, trace.Response, trace.Cost));
        Assert.All(trace.Charges, c => Assert.Equal(MeterSource.StreamEnd, c.Source));
    }

    [Fact]
    public async Task Stream_CumulativeUsageInEveryChunk_CountsOnlyTheLast()
    {
        _upstream.Answer = FakeUpstream.Events(
            [.. Enumerable.Range(1, 10).Select(n => FakeUpstream.Delta("x", n == 10 ? "\"stop\"" : "null", $",\"usage\":{{\"prompt_tokens\":100,\"completion_tokens\":{n * 2}}}")), "[DONE]"]);

        await _host.StreamAsync(GatewayHost.Chat("chat", "x", ",\"stream\":true"));

        Assert.Equal(new Money(180_000, "CNY"), Assert.Single(_host.Traces()).Cost); // adding up gives ten times as much
    }

    [Fact]
    public async Task Stream_NoUsage_IsEstimatedMarkedAndCountsInFullInTheBudget()
    {
        _upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("12345678", "\"stop\""), "[DONE]");

        await _host.StreamAsync(GatewayHost.Chat("chat", "x", ",\"stream\":true"));

        var trace = Assert.Single(_host.Traces());
        Assert.All(trace.Charges, c => Assert.Equal(MeterSource.Estimated, c.Source));
        Assert.Equal(2, trace.Charges.Single(c => c.Meter == Meter.TextOutput).Quantity);
        Assert.True(_host.Leases.Status().Single().Spent > trace.Cost!.Value);
    }

    [Fact]
    public async Task Stream_ErrorEvent_IsPassedOnAndTheConnectionBroken()
    {
        _upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("he"), """{"error":{"message":"overloaded","type":"x"}}""", "[DONE]");

        var events = await _host.StreamAsync(GatewayHost.Chat("chat", "x", ",\"stream\":true"));

        Assert.Equal("(broken)", events[^1]);
        Assert.Contains("provider_failed", events[^2], StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", events);
        Assert.Equal(TraceOutcome.Failed, Assert.Single(_host.Traces()).Outcome);
    }

    [Theory]
    [InlineData("(abort)")]
    [InlineData("(end)")]
    public async Task Stream_UpstreamBreaksOff_DoesNotLookLikeSuccess(string how)
    {
        _upstream.Answer = FakeUpstream.Events(how == "(abort)" ? [FakeUpstream.Delta("he"), "(abort)"] : [FakeUpstream.Delta("he")]);

        var events = await _host.StreamAsync(GatewayHost.Chat("chat", "x", ",\"stream\":true"));

        Assert.Equal("(broken)", events[^1]);
        Assert.Equal((TraceOutcome.Failed, "he"), (_host.Traces().Single().Outcome, _host.Traces().Single().Response));
        Assert.Equal(0, _host.Leases.Status().Single().Reserved.NanoUnits);
    }

    [Theory]
    [InlineData("\"eos\"", "stop")]
    [InlineData("\"max_tokens\"", "length")]
    public async Task Stream_UnknownFinishReason_BecomesAPublishedOne(string sent, string expected)
    {
        _upstream.Answer = FakeUpstream.Events(FakeUpstream.Delta("he", "\"\""), FakeUpstream.Delta("", sent), "[DONE]");

        var events = await _host.StreamAsync(GatewayHost.Chat("chat", "x", ",\"stream\":true"));

        Assert.Null(JsonNode.Parse(events[0])!["choices"]![0]!["finish_reason"]);
        Assert.Equal(expected, JsonNode.Parse(events[1])!["choices"]![0]!["finish_reason"]!.GetValue<string>());
        Assert.Equal(expected, Assert.Single(_host.Traces()).FinishReason);
    }

    [Fact]
    public async Task Stream_CallerHangsUp_CancelsUpstreamSettlesAndRecords()
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _upstream.Answer = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"data: {FakeUpstream.Delta("he")}\n\n"));
            await context.Response.Body.FlushAsync();
            try
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                cancelled.SetResult();
            }
        };

        using (var request = new HttpRequestMessage(HttpMethod.Post, "v1/chat/completions") { Content = new StringContent(GatewayHost.Chat("chat", "x", ",\"stream\":true"), Encoding.UTF8, "application/json") })
        using (var response = await _host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            var stream = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
            await stream.ReadExactlyAsync(new byte[10], TestContext.Current.CancellationToken);
        }

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        var deadline = DateTime.UnixEpoch.AddMilliseconds(Environment.TickCount64).AddSeconds(10);
        IReadOnlyList<TraceRecord> traces;
        while ((traces = _host.Traces()).Count == 0 && DateTime.UnixEpoch.AddMilliseconds(Environment.TickCount64) < deadline)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Equal((TraceOutcome.Cancelled, 499, "he"), (traces.Single().Outcome, traces.Single().Status, traces.Single().Response));
        Assert.Equal(0, _host.Leases.Status().Single().Reserved.NanoUnits);
        Assert.True(_host.Leases.Status().Single().Spent.NanoUnits > 0); // the provider may have gone on: the reservation counts
    }

    [Theory]
    [InlineData(400, "bad_thing", 400, "bad_thing")]
    [InlineData(404, "model_not_found", 404, "model_not_found")]
    [InlineData(401, "invalid_api_key", 502, "provider_refused")]
    [InlineData(403, "forbidden", 502, "provider_refused")]
    [InlineData(429, "rate_limit_exceeded", 429, "rate_limit_exceeded")]
    [InlineData(500, "oops", 502, "provider_failed")]
    public async Task Whole_UpstreamError_IsToldWithoutSecretsAndCostsNothing(int upstream, string code, int status, string shown)
    {
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, $$$"""{"error":{"message":"m","type":"t","code":"{{{code}}}","param":null} }""", upstream);

        var answer = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal((status, shown), ((int)answer.Status, answer.Body["error"]!["code"]!.GetValue<string>()));
        var trace = Assert.Single(_host.Traces());
        Assert.Equal(TraceOutcome.Failed, trace.Outcome);
        Assert.Empty(trace.Charges);
        Assert.Equal(0, _host.Leases.Status().Single().Spent.NanoUnits);
        Assert.Equal(upstream == 500 ? 3 : 1, _upstream.Bodies.Count); // retried before the first byte, three attempts in all
    }

    [Fact]
    public async Task Whole_FailsOnceThenAnswers_IsRetriedAndPaidOnce()
    {
        var calls = 0;
        _upstream.Answer = (context, _) => Interlocked.Increment(ref calls) == 1
            ? FakeUpstream.JsonAsync(context, "<html>bad gateway</html>", 502)
            : FakeUpstream.JsonAsync(context, FakeUpstream.Whole("ok", 100, 20));

        var answer = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(180_000, _host.Leases.Status().Single().Spent.NanoUnits);
    }

    [Fact]
    public async Task Whole_NotAChatCompletion_IsAFailure()
    {
        _upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, "[1,2]");

        Assert.Equal("provider_invalid_answer", (await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"))).Body["error"]!["code"]!.GetValue<string>());
    }

    [Fact]
    public async Task Budget_Spent_Answers402WithTheReasonAndAsksNobody()
    {
        await using var host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices, Budgets = [new Budget("application:chat", new Money(1_000, "CNY"), BudgetWindow.Day)] });
        host.Registry.Set(GatewayHost.Provider("chat", _upstream));

        var answer = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal(HttpStatusCode.PaymentRequired, answer.Status);
        Assert.Equal("budget_exceeded", answer.Body["error"]!["code"]!.GetValue<string>());
        Assert.Contains("application:chat", answer.Body["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("false", answer.Response.Headers.GetValues("x-should-retry").Single());
        Assert.Empty(_upstream.Bodies);
        Assert.Equal(TraceOutcome.Refused, Assert.Single(host.Traces()).Outcome);
    }

    [Fact]
    public async Task Budget_PriceUnknown_RefusesInsteadOfServingForNothing()
    {
        _host.Registry.Set(GatewayHost.Provider("chat", _upstream) with { Sku = "nobody-knows" });

        var answer = await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));

        Assert.Equal((HttpStatusCode.PaymentRequired, "price_unknown"), (answer.Status, answer.Body["error"]!["code"]!.GetValue<string>()));
    }

    [Fact]
    public async Task NoBudget_PriceUnknown_IsServedAndShownAsUnknown()
    {
        _host.Registry.Set(GatewayHost.Provider("free", _upstream) with { Sku = "nobody-knows" });

        await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("free", "x"));

        Assert.Null(Assert.Single(_host.Traces()).Cost);
        var bill = _host.Ledger.Bill();
        Assert.False(bill.Complete);
        Assert.Equal([10L, 5L], bill.Unknowns.OrderBy(u => u.Meter).Select(u => u.Quantity));
    }

    [Fact]
    public async Task Budget_ConcurrentMixedRequests_NeverExceedTheLimitAndReconcileToTheNano()
    {
        const long Limit = 20_000_000; // about 60 of the 200 requests' worst cases
        await using var host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices, Budgets = [new Budget("application:chat", new Money(Limit, "CNY"), BudgetWindow.Month)] });
        host.Registry.Set(GatewayHost.Provider("chat", _upstream));
        var billed = 0L;
        var n = 0;
        _upstream.Answer = (context, body) =>
        {
            var random = new Random(Interlocked.Increment(ref n));
            var (prompt, completion) = (random.Next(1, 60), random.Next(0, 100));
            switch (random.Next(4))
            {
                case 0:
                    return FakeUpstream.JsonAsync(context, """{"error":{"message":"no"}}""", 400);
                default:
                    Interlocked.Add(ref billed, (prompt * 1_000L) + (completion * 4_000L));
                    return body.Contains("\"stream\":true", StringComparison.Ordinal)
                        ? FakeUpstream.Events(FakeUpstream.Delta("x", "\"stop\""), FakeUpstream.Usage(prompt, completion), "[DONE]")(context, body)
                        : FakeUpstream.JsonAsync(context, FakeUpstream.Whole("x", prompt, completion));
            }
        };

        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, token) =>
        {
            using var content = new StringContent(GatewayHost.Chat("chat", "x", i % 2 == 0 ? ",\"stream\":true" : ""), Encoding.UTF8, "application/json");
            using var response = await host.Client.PostAsync("v1/chat/completions", content, token);
            await response.Content.ReadAsByteArrayAsync(token);
        });

        var traces = host.Traces();
        var status = host.Leases.Status().Single();
        Assert.Equal(200, traces.Count);
        Assert.True(billed <= Limit, $"the provider billed {billed} of {Limit}");
        Assert.Equal(billed, status.Spent.NanoUnits);
        Assert.Equal(0, status.Reserved.NanoUnits);
        Assert.Equal(billed, host.Ledger.Bill().Total.Single().NanoUnits);
        Assert.Contains(traces, t => t.Outcome == TraceOutcome.Refused);
    }

    [Fact]
    public async Task Crash_AnyTimeAfterTheAnswers_ReplayReconcilesBudgetLedgerAndTraces()
    {
        var copy = Directory.CreateTempSubdirectory("lauter-crash-").FullName;
        for (var i = 0; i < 7; i++)
        {
            await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "x"));
        }

        // What a killed process leaves: its files as they are now, and no lock on its lease.
        foreach (var file in Directory.GetFiles(_host.StateDirectory, "*", SearchOption.AllDirectories).Where(f => !f.Contains(".holders", StringComparison.Ordinal) && !f.EndsWith(".writer", StringComparison.Ordinal)))
        {
            var target = Path.Combine(copy, Path.GetRelativePath(_host.StateDirectory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        await using (var again = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices, Budgets = [Wide] }, copy))
        {
            const long Each = (10 * 1_000) + (5 * 4_000);
            Assert.Equal(7, again.Traces().Count);
            Assert.Equal(7 * Each, again.Ledger.Bill().Total.Single().NanoUnits);
            Assert.Equal(7 * Each, again.Leases.Status().Single().Spent.NanoUnits);
            Assert.Equal(0, again.Leases.Status().Single().Reserved.NanoUnits);
        }

        Directory.Delete(copy, recursive: true);
    }
}
