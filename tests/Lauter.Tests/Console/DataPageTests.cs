using System.Net;
using System.Text.RegularExpressions;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Lauter.Console;
using Lauter.Console.Reports;
using Lauter.Console.SignIn;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lauter.Tests.Console;

/// <summary>The page of a dataset version, through its address, and the same as a file.</summary>
public sealed partial class DataPageTests : IAsyncLifetime
{
    private static readonly DataVersion Sample = new()
    {
        Name = "tickets", Names = ["tickets", "handbook"], Kind = "examples", Hash = new string('a', 64), Read = 1_000, Kept = 700,
        Funnel = [new("read", 100, 900), new("drop_short", 50, 850), new("drop_near_duplicates", 150, 700)],
        Changed = [new("normalise", 420)], Masked = [new("phone", 12)], Languages = [new("en", 400), new("zh", 300)],
        Histograms = [new("words", "en", true, [0, 1, 5, 20, 3]), new("digits", "zh", false, [20, 3, 0, 1, 0])],
        Rejects =
        [
            new("duplicate_of", 150, [new("r7", "in.jsonl:8", "drop_near_duplicates", "duplicate_of:r1 (similarity 0.912, one of 3 alike)", "<b>水泵</b> [PHONE]")]),
            new("unreadable", 100, []), new("too_short", 50, [new("r9", "in.jsonl:10", "drop_short", "3 < 10", "short")]),
        ],
    };

    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("lauter-pages-");
    private readonly ScriptedVersions _versions = new();
    private WebApplication _app = null!;
    private HttpClient _client = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var password = ConsolePassword.OpenOrCreate(_state.FullName, TimeProvider.System, out var created);
        builder.AddConsole(new ConsoleOptions { StateDirectory = _state.FullName, Project = "helpdesk", Password = password });
        builder.Services.AddSingleton<IDataVersions>(_versions);
        _app = builder.Build();
        _app.MapConsole();
        await _app.StartAsync();
        _client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = new Uri(_app.Urls.Single()) };
        var token = Token().Match(await _client.GetStringAsync("/sign-in")).Groups[1].Value;
        using var form = new FormUrlEncodedContent([new("password", created!), new("back", "/"), new("__RequestVerificationToken", token)]);
        using var signed = await _client.PostAsync("/console/sign-in", form);
        Assert.Equal(HttpStatusCode.Found, signed.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
        _state.Delete(recursive: true);
    }

    [Fact]
    public async Task Version_Page_ShowsFunnelHistogramsAndRejectsWithReasons()
    {
        var page = await GetAsync("/data?dataset=tickets");
        Assert.Equal(new DataQuery("tickets", null), _versions.Asked);
        Assert.Equal(["read", "drop_short", "drop_near_duplicates"], page.QuerySelectorAll(".funnel code").Select(c => c.TextContent));
        Assert.Equal(["1,000", "900", "−100", "850", "−50", "700", "−150"], page.QuerySelectorAll(".funnel .value").Select(c => c.TextContent));
        Assert.Equal(2, page.QuerySelectorAll(".hist").Length);
        Assert.Contains(page.QuerySelectorAll(".hist i"), i => i.GetAttribute("title") == "4 … 7: 20");
        Assert.Equal(3, page.QuerySelectorAll(".rejects").Length);
        Assert.Contains("<b>水泵</b>", page.QuerySelector(".rejects td.text:last-child")!.TextContent, StringComparison.Ordinal);
        Assert.Equal("/data?dataset=tickets&row=r7", page.QuerySelector(".rejects a")!.GetAttribute("href"));
    }

    [Fact]
    public async Task Version_Row_ShowsItsHistoryAndTheModelsThatSawIt()
    {
        var page = await GetAsync("/data?row=r1");
        Assert.Equal(new DataQuery(null, "r1"), _versions.Asked);
        Assert.Contains("triage-sft", page.QuerySelector(".history")!.TextContent, StringComparison.Ordinal);
        Assert.Equal("kept", page.QuerySelector(".history .stamp")!.TextContent);
        Assert.Contains("no such row", (await GetAsync("/data?row=nobody")).QuerySelector(".history")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_Chinese_HasNoBareKeys()
    {
        var page = await GetAsync("/data?lang=zh-CN&row=r1");
        Assert.Equal("数据", page.QuerySelector(".pages a[aria-current]")!.TextContent);
        Assert.DoesNotContain(page.QuerySelectorAll("main *").Where(e => e.Children.Length == 0), e => KeyLike().IsMatch(e.TextContent.Trim()));
    }

    [Fact]
    public async Task Report_File_StandsAloneInBothLanguages()
    {
        var html = await DataReport.RenderAsync(Sample, "zh");
        var page = await new HtmlParser().ParseDocumentAsync(html, Cancel);
        Assert.Equal(2, page.QuerySelectorAll("article").Length);
        Assert.Empty(page.QuerySelectorAll("script, link, img"));
        Assert.Contains("数据漏斗", page.QuerySelector("article[lang=zh-CN]")!.TextContent, StringComparison.Ordinal);
        Assert.True(page.QuerySelector("#show-zh-CN")!.HasAttribute("checked"));
        Assert.Empty(page.QuerySelectorAll(".rejects a"));
    }

    private async Task<IHtmlDocument> GetAsync(string path)
    {
        using var answer = await _client.GetAsync(path, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await new HtmlParser().ParseDocumentAsync(await answer.Content.ReadAsStringAsync(Cancel), Cancel);
    }

    [GeneratedRegex("__RequestVerificationToken\" value=\"([^\"]+)", RegexOptions.None, 1000)]
    private static partial Regex Token();

    [GeneratedRegex("^(data|filter|page|kind|member)\\.[a-z_.]+$", RegexOptions.None, 1000)]
    private static partial Regex KeyLike();

    private sealed class ScriptedVersions : IDataVersions
    {
        public DataQuery? Asked { get; private set; }

        public DataVersion? Version(DataQuery query)
        {
            Asked = query;
            return Sample with
            {
                Row = query.Row is null ? null : query.Row == "r1"
                    ? new RowHistory("r1", true, "in.jsonl:2", [], "The pump is loud.", [("split", "train"), ("language", "en")], ["triage-sft"])
                    : new RowHistory(query.Row, null, "", [], "", [], []),
            };
        }
    }
}
