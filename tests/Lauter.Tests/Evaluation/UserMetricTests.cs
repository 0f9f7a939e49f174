using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Metrics.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lauter.Tests.Evaluation;

/// <summary>Metrics of one's own; what throws is never a pass.</summary>
public sealed class UserMetricTests
{
    private static readonly MetricRow[] Rows =
    [
        new() { Id = "1", Prediction = JsonValue.Create("Refund issued"), References = [JsonValue.Create("refund")], Language = "en" },
        new() { Id = "2", Prediction = JsonNode.Parse("""{"intent":{"name":"repair"},"n":3}"""), References = [JsonValue.Create("repair")] },
        new() { Id = "3", Failure = "error" },
    ];

    [Theory]
    [InlineData("prediction.ToLower().Contains(reference)", 1, 1)]
    [InlineData("words(prediction) == 2", 1, 0)]
    [InlineData("field(\"intent.name\") == reference ? 1.0 : 0.25", 0.25, 1)]
    [InlineData("matches(prediction, \"^Ref\") && language == \"en\"", 1, 0)]
    [InlineData("Math.Min(1.0, references.Length / 2.0)", 0.5, 0.5)]
    public void Measure_Expression_ScoresEachRow(string expression, double first, double second)
    {
        var table = ExpressionMetric.Parse("mine", expression).Measure(Rows);
        Assert.Equal([first, second, 0], table.ItemScores!);
        Assert.Equal(1, table.Unusable);
    }

    [Theory]
    [InlineData("prediction.Substring(1000).Length > 0")]
    [InlineData("1 / (references.Length - 1) > 0")]
    [InlineData("words(prediction) * 100.0")]
    [InlineData("0.0 / 0.0")]
    [InlineData("prediction")]
    [InlineData("matches(prediction, \"(\")")]
    public void Measure_ExpressionThatThrowsOrLeavesTheScale_IsUnusableNeverAPass(string expression)
    {
        var table = ExpressionMetric.Parse("mine", expression).Measure(Rows);
        Assert.Equal([0, 0, 0], table.ItemScores!);
        Assert.Equal(3, table.Unusable);
    }

    [Theory]
    [InlineData("prediction.Foo()")]
    [InlineData("System.IO.File.ReadAllText(\"/etc/passwd\").Length > 0")]
    [InlineData("typeof(string).Assembly != null")]
    [InlineData("Environment.Exit(1)")]
    [InlineData("prediction ==")]
    public void Parse_WhatIsNotThere_DoesNotCompile(string expression) =>
        Assert.Contains("does not compile", Assert.Throws<FormatException>(() => ExpressionMetric.Parse("mine", expression)).Message);

    [Fact]
    public void Signature_Expression_NamesItsHash()
    {
        Assert.Equal(ExpressionMetric.Parse("a", "1.0").Signature, ExpressionMetric.Parse("b", "1.0").Signature);
        Assert.NotEqual(ExpressionMetric.Parse("a", "1.0").Signature, ExpressionMetric.Parse("a", "1.00").Signature);
    }

    [Fact]
    public async Task ScoreAsync_Service_TakesValidScoresOnly()
    {
        await using var server = Server(_ => """{"scores":[{"id":"1","score":0.75},{"id":"2","score":7},{"id":"9","score":1},{"id":"3","score":1}]}""");
        using var http = new HttpClient();
        var (metric, fault) = await new HttpScorer(http, "mine", new Uri(server.Urls.Single() + "/score?key=secret"), "2").ScoreAsync(Rows, TestContext.Current.CancellationToken);
        var table = metric.Measure(Rows);
        Assert.Equal([0.75, 0, 0], table.ItemScores!);
        Assert.Equal((2, null), (table.Unusable, fault));
        Assert.EndsWith("/score|version:2", table.Signature);
        Assert.DoesNotContain("secret", table.Signature);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("""{"results":[]}""")]
    public async Task ScoreAsync_ServiceThatFails_LeavesEveryRowUnusable(string answer)
    {
        await using var server = Server(_ => answer);
        using var http = new HttpClient();
        var (metric, fault) = await new HttpScorer(http, "mine", new Uri(server.Urls.Single()), "1").ScoreAsync(Rows, TestContext.Current.CancellationToken);
        Assert.NotNull(fault);
        Assert.Equal((3, 0.0), (metric.Measure(Rows).Unusable, metric.Measure(Rows).Value()));
    }

    private static WebApplication Server(Func<JsonNode, string> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context => await context.Response.WriteAsync(answer((await JsonNode.ParseAsync(context.Request.Body))!)));
        app.Start();
        return app;
    }
}
