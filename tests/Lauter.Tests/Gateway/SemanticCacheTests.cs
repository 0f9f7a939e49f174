using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Caches;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Lauter.Tests.Gateway;

/// <summary>Answers by likeness: what stands in their way, how the threshold is learned, and that nothing crosses.</summary>
public sealed class SemanticCacheTests
{
    [Theory]
    [InlineData("Can I return shoes after 14 days?", "Can I return shoes after 30 days?")]
    [InlineData("Where is order 4711?", "Where is order 4712?")]
    [InlineData("Is the shop open on Monday?", "Is the shop open on Tuesday?")]
    [InlineData("Does the plan include roaming?", "Doesn't the plan include roaming?")]
    [InlineData("May I bring a dog?", "May I not bring a dog?")]
    [InlineData("When does the train to Berlin leave?", "When does the train to Hamburg leave?")]
    [InlineData("How do I enable two-step login?", "How do I disable two-step login?")]
    [InlineData("send money to mum", "receive money from mum")]
    [InlineData("What does the A14 cost?", "What does the A15 cost?")]
    [InlineData("订单三天内能退吗", "订单七天内能退吗")]
    [InlineData("可以退货吗", "不可以退货吗")]
    [InlineData("今天营业吗", "明天营业吗")]
    [InlineData("怎么开启通知", "怎么关闭通知")]
    [InlineData("如何安装 Windows 系统", "如何安装 Linux 系统")]
    [InlineData("《红楼梦》多少钱", "《西游记》多少钱")]
    public void Facts_OfQuestionsThatMeanDifferentThings_Differ(string a, string b) => Assert.NotEqual(QuestionFacts.Of(a), QuestionFacts.Of(b));

    [Theory]
    [InlineData("How can I reset my password?", "What is the way of resetting my password?")]
    [InlineData("Where is order 4711?", "order 4711, where is it")]
    [InlineData("怎么重置密码", "如何重置密码")]
    [InlineData("请问快递费多少", "快递费是多少呢")]
    public void Facts_OfParaphrases_Agree(string a, string b) => Assert.Equal(QuestionFacts.Of(a), QuestionFacts.Of(b));

    /// <summary>Known truth: above some similarity answers are wrong with a fixed share. With a share above the limit the level must (nearly) never hold.</summary>
    [Fact]
    public void Threshold_WrongMoreOftenThanAllowed_HoldsAtMostInOneOfTwentyRuns()
    {
        var random = new Random(20260311);
        var held = 0;
        for (var run = 0; run < 400; run++)
        {
            var threshold = new SemanticThreshold(0.05);
            for (var i = 0; i < 400; i++)
            {
                threshold.Add(0.7 + (random.NextDouble() * 0.3), random.NextDouble() >= 0.05);
            }

            held += double.IsFinite(threshold.Level) ? 1 : 0;
        }

        Assert.InRange(held, 0, 32); // 20 of 400 expected at most, and three standard deviations
    }

    [Fact]
    public void Threshold_RightAboveALineAndWrongBelow_IsLearnedAboveTheLine() =>
        Gen.Select(Gen.Double[0.72, 0.95], Gen.Int[0, 10_000]).Sample((line, seed) =>
        {
            var random = new Random(seed);
            var threshold = new SemanticThreshold(0.05);
            Assert.False(double.IsFinite(threshold.Level)); // nothing is given before something was learned
            for (var i = 0; i < 3_000; i++)
            {
                var similarity = 0.7 + (random.NextDouble() * 0.3);
                threshold.Add(similarity, similarity >= line);
            }

            Assert.InRange(threshold.Level, line - 0.04, line + 0.05);
        }, iter: 30);

    [Fact]
    public void Holds_AgainstKnownValues_Agrees()
    {
        // None wrong: (1 - limit)^n must be at most 0.05 / 8.
        var needed = (int)Math.Ceiling(Math.Log(0.05 / 8) / Math.Log(0.98));
        Assert.Equal(252, needed);
        Assert.False(SemanticThreshold.Holds(0, needed - 1, 0.02));
        Assert.True(SemanticThreshold.Holds(0, needed, 0.02));
        Assert.False(SemanticThreshold.Holds(1, needed, 0.02));
        Assert.False(SemanticThreshold.Holds(20, 1_000, 0.02));
        Assert.True(SemanticThreshold.Holds(9, 1_000, 0.02)); // P(X <= 9 | 1000, 0.02) = 0.0045
    }

    [Fact]
    public async Task Chat_Paraphrases_AreGivenOnceLearnedAndNeverAcrossFactsFramesOrTenants()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices });
        host.Registry.Set(new LiveEmbedder("vectors", 2, (texts, _) => ValueTask.FromResult(texts.Select(Vector).ToArray())));
        host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", upstream)) with { Cache = CachePolicy.Semantic, Semantic = new SemanticPolicy("vectors") { FalseHits = 0.1, Checks = 0.001 } });
        upstream.Answer = (context, body) => FakeUpstream.JsonAsync(context, FakeUpstream.Whole(JsonNode.Parse(body)!["messages"]!.AsArray()[^1]!["content"]!.ToString().StartsWith("password", StringComparison.Ordinal) ? "use the link" : "ask the desk", 10, 5));
        for (var i = 0; i < 120; i++)
        {
            Assert.Null(Cache(await AskAsync($"password way {(char)('a' + (i % 26))}{(char)('a' + (i / 26))}"))); // learning: every one is asked
            if (host.Services.GetRequiredService<SemanticCache>().State("default", host.Registry.Find("chat")!).Level is not null)
            {
                break;
            }
        }

        var asked = upstream.Bodies.Count;
        Assert.InRange(asked, 40, 60); // ln(0.00625) / ln(0.9) = 48 right ones for a limit of one in ten
        var hit = await AskAsync("password, another way");
        Assert.Equal("semantic", Cache(hit));
        Assert.Equal("use the link", hit.Body["choices"]![0]!["message"]!["content"]!.ToString());
        Assert.Null(Cache(await AskAsync("password 7 way"))); // another number
        Assert.Null(Cache(await AskAsync("password way not"))); // a negation
        Assert.Null(Cache(await AskAsync("something else"))); // not alike
        Assert.Null(Cache(await AskAsync("password in other words", ",\"temperature\":0.9"))); // asked otherwise
        Assert.Null(Cache(await AskAsync("password in our words", key: host.Keys.Create("other", tenant: "other").Key)));
        Assert.Equal(asked + 5, upstream.Bodies.Count);
        var traces = host.Traces();
        Assert.Equal((true, 0), (traces.Single(t => t.Cached).Cached, traces.Single(t => t.Cached).Charges.Count)); // a hit is on record as a hit
        Assert.Contains(traces, t => t.Route == "embeddings" && t.Parent is not null);
        Assert.Contains("lauter_semantic_cache_total{application=\"chat\",result=\"given\"} 1", await host.Client.GetStringAsync("metrics", TestContext.Current.CancellationToken), StringComparison.Ordinal);

        async Task<(System.Net.HttpStatusCode Status, JsonObject Body, HttpResponseMessage Response)> AskAsync(string text, string members = "", string? key = null)
        {
            var answer = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", text, members), key);
            Assert.Equal(System.Net.HttpStatusCode.OK, answer.Status);
            return answer;
        }

        static float[] Vector(string text) => text.StartsWith("password", StringComparison.Ordinal) ? [1, text.Length * 0.001f] : [0, 1];
    }

    [Fact]
    public async Task Chat_EntryThatMisled_AsksForMoreLikenessAndTheRateIsShown()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices });
        host.Registry.Set(GatewayHost.Routed("vectors", GatewayHost.Target("e", upstream)));
        host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", upstream)) with { Cache = CachePolicy.Semantic, Semantic = new SemanticPolicy("vectors") { FalseHits = 0.1 } });
        var number = 0;
        upstream.Answer = (context, body) => context.Request.Path.Value!.EndsWith("embeddings", StringComparison.Ordinal)
            ? FakeUpstream.JsonAsync(context, Vectors(JsonNode.Parse(body)!["input"]!.AsArray()))
            : FakeUpstream.JsonAsync(context, FakeUpstream.Whole("answer" + new string('x', number++), 10, 5)); // never the same answer twice
        for (var i = 0; i < 60; i++)
        {
            var (status, _, response) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", $"how does it work {(char)('a' + (i % 26))}{(char)('a' + (i / 26))}"));
            Assert.Equal((System.Net.HttpStatusCode.OK, false), (status, response.Headers.Contains("x-lauter-cache")));
        }

        Assert.Null(host.Services.GetRequiredService<SemanticCache>().State("default", host.Registry.Find("chat")!).Level);
        var metrics = await host.Client.GetStringAsync("metrics", TestContext.Current.CancellationToken);
        Assert.Contains("result=\"wrong\"", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("result=\"given\"", metrics, StringComparison.Ordinal);

        // Questions all point one way; answers point one way or the other by their length, so that two in a row differ.
        static string Vectors(JsonArray texts) => new JsonObject
        {
            ["object"] = "list", ["usage"] = new JsonObject { ["prompt_tokens"] = 3, ["total_tokens"] = 3 },
            ["data"] = new JsonArray([.. texts.Select((t, i) => new JsonObject
            {
                ["index"] = i,
                ["embedding"] = t!.ToString().StartsWith("answer", StringComparison.Ordinal) && t.ToString().Length % 2 == 0 ? new JsonArray(0, 1) : new JsonArray(1, 0),
            })]),
        }.ToJsonString();
    }

    private static string? Cache((System.Net.HttpStatusCode, JsonObject, HttpResponseMessage Response) answer) =>
        answer.Response.Headers.TryGetValues("x-lauter-cache", out var values) ? values.Single() : null;
}
