using AngleSharp.Html.Parser;
using Lauter.Console;
using Lauter.Console.Reports;

namespace Lauter.Tests.Console;

public sealed class ReleaseReportTests
{
    [Fact]
    public async Task RenderAsync_WholeRelease_IsOneFileInBothLanguagesWithoutScriptOrNetwork()
    {
        var html = await ReleaseReport.RenderAsync(Report(), "zh-CN");
        var page = await new HtmlParser().ParseDocumentAsync(html, TestContext.Current.CancellationToken);
        Assert.Equal(["en", "zh-CN"], page.QuerySelectorAll("article").Select(a => a.GetAttribute("lang")));
        Assert.Equal("show-zh-CN", page.QuerySelector("input[checked]")!.Id);
        Assert.Empty(page.QuerySelectorAll("script, link, img, iframe"));
        Assert.DoesNotContain("http", html.Replace("http-equiv", "", StringComparison.Ordinal), StringComparison.Ordinal);
        var chinese = page.QuerySelector("article[lang=zh-CN]")!;
        Assert.Equal("应用 triage 的 triage-2", chinese.QuerySelector("h1")!.TextContent);
        Assert.Equal("通过", chinese.QuerySelector(".verdict .stamp")!.TextContent);
        foreach (var article in page.QuerySelectorAll("article"))
        {
            Assert.NotEmpty(article.QuerySelectorAll("svg.loss path"));
            Assert.NotNull(article.QuerySelector(".gatetrack .whisker"));
            Assert.Equal(9, article.QuerySelectorAll(".score").Length);
            Assert.Contains("lauter verify triage-2", article.TextContent, StringComparison.Ordinal);
            Assert.Contains("tickets & more.jsonl", article.TextContent, StringComparison.Ordinal); // encoded, not broken
        }

        var keys = page.QuerySelectorAll("article *").Where(e => e.Children.Length == 0).Select(e => e.TextContent.Trim())
            .Where(t => t.StartsWith("report.", StringComparison.Ordinal) || t.StartsWith("event.", StringComparison.Ordinal) || t.StartsWith("rollout.", StringComparison.Ordinal));
        Assert.Empty(keys); // every text has its words
    }

    [Fact]
    public async Task RenderAsync_BrokenChain_SaysSoFirstAndNamesTheFault()
    {
        var broken = Report() with { Verification = new ReportVerification(9, 20, 3, 1_000, ["file model.gguf of model triage-sft: changed"], 12, AuditIntact: false) };
        var page = await new HtmlParser().ParseDocumentAsync(await ReleaseReport.RenderAsync(broken, "en"), TestContext.Current.CancellationToken);
        var header = page.QuerySelector("article[lang=en] header")!;
        Assert.Contains("2 fault(s). This report must not be relied on.", header.TextContent, StringComparison.Ordinal);
        Assert.Contains("model.gguf", header.TextContent, StringComparison.Ordinal);
        Assert.Contains("BROKEN", page.QuerySelector("article[lang=en]")!.TextContent, StringComparison.Ordinal);
    }

    private static ReleaseReportData Report()
    {
        var full = SampleSnapshot.Full;
        return new ReleaseReportData
        {
            Project = "helpdesk", Application = "triage", Release = "triage-2", Candidate = "model triage-sft", Manifest = new string('a', 64), Created = SampleSnapshot.At.AddHours(-1),
            By = "kim", Made = SampleSnapshot.At, Data = full.Data, Index = full.Index, Training = full.Training, Scorecard = full.Scorecard, Gate = full.Gate, Rollout = full.Rollout,
            Events =
            [
                new(SampleSnapshot.At.AddHours(-1), "release.created", "kim", "pass"), new(SampleSnapshot.At.AddMinutes(-50), "rollout.started", "lauter", "iteration 2"),
                new(SampleSnapshot.At.AddMinutes(-8), "release.promoted", "lauter", "rollout: not worse by 2 points"),
            ],
            Verification = new ReportVerification(9, 20, 3, 12_345_678, [], 12, AuditIntact: true),
            Evidence = full.Releases!.Evidence,
            Sources = [new("tickets & more.jsonl", new string('b', 64), 812_345)],
            Bill = full.Bill!, Use = new ReportUse(1_279, 5, 31, 9),
        };
    }
}
