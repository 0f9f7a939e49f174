using System.Net;
using System.Text.RegularExpressions;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Lauter.Console;
using Lauter.Console.SignIn;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lauter.Tests.Console;

/// <summary>The pages behind the flow, through their addresses.</summary>
public sealed partial class DetailPagesTests : IAsyncLifetime
{
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("lauter-pages-");
    private readonly ScriptedDetails _details = new();
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
        builder.Services.AddSingleton<IConsoleSource>(new EmptySource());
        builder.Services.AddSingleton<IConsoleDetails>(_details);
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

    [Theory]
    [InlineData("/requests")]
    [InlineData("/requests/00000000000000000000000000000001")]
    [InlineData("/scores")]
    [InlineData("/suites")]
    [InlineData("/costs")]
    public async Task Page_WithoutSignIn_LeadsToTheSignIn(string path)
    {
        using var stranger = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = _client.BaseAddress };
        using var answer = await stranger.GetAsync(path, Cancel);
        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.Contains("/sign-in", answer.Headers.Location!.OriginalString, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("en", "Independent groups", "hard 100")]
    [InlineData("zh-CN", "独立分组", "hard 100")]
    public async Task Suites_OneSuite_ShowsStrataScorecardsWithIntervalsAndTheWayToTheDifferences(string language, string groups, string stratum)
    {
        var page = await GetAsync($"/suites?lang={language}");
        var suite = page.QuerySelector("section.suite")!;
        Assert.Contains(groups, suite.TextContent, StringComparison.Ordinal);
        Assert.Contains(stratum, suite.TextContent, StringComparison.Ordinal);
        Assert.Equal(2, suite.QuerySelectorAll(".score .whisker").Length);
        Assert.Contains("95.4", suite.QuerySelector("tbody tr")!.TextContent, StringComparison.Ordinal);
        Assert.Contains("<b>泵</b>有异响", suite.TextContent, StringComparison.Ordinal); // text, not markup
        Assert.Equal("/scores?application=triage", suite.QuerySelectorAll("a").Single().GetAttribute("href"));
        Assert.DoesNotContain("suites.", suite.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_Filter_IsTheAddressAndStaysInTheNextPage()
    {
        var page = await GetAsync("/requests?q=refund%20%26%20more&application=triage&outcome=failed&release=triage-2&before=1770000000000");
        Assert.Equal(new RequestQuery("refund & more", "triage", "failed", "triage-2", DateTimeOffset.FromUnixTimeMilliseconds(1770000000000)), _details.Asked);
        Assert.Equal("refund & more", ((IHtmlInputElement)page.QuerySelector("input[name=q]")!).Value);
        Assert.Equal("failed", ((IHtmlSelectElement)page.QuerySelector("select[name=outcome]")!).Value);
        var next = page.QuerySelectorAll("a").Single(a => a.TextContent.StartsWith("Older", StringComparison.Ordinal)).GetAttribute("href")!;
        Assert.Contains("q=refund%20%26%20more&application=triage&outcome=failed&release=triage-2&before=1760000000000", next, StringComparison.Ordinal);
        Assert.Equal("/requests/0195c0a1", page.QuerySelector("tbody a")!.GetAttribute("href"));
    }

    [Fact]
    public async Task Request_InFull_ShowsTextsAsTextAndUnknownCostsAsUnknown()
    {
        var page = await GetAsync("/requests/0195c0a1");
        Assert.Contains("<script>", page.QuerySelector("pre")!.TextContent, StringComparison.Ordinal);
        Assert.Empty(page.QuerySelectorAll("pre script"));
        Assert.Contains("unknown", page.QuerySelectorAll("tbody tr")[1].TextContent, StringComparison.Ordinal);
        Assert.Contains("应为退款", page.Body!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_Unknown_IsNotFoundAndSaysSo()
    {
        using var answer = await _client.GetAsync("/requests/nothing", Cancel);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("There is no request nothing.", WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync(Cancel)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scores_Flips_AreGroupedWithWhatWasAskedAndSaid()
    {
        var page = await GetAsync("/scores?won=false&language=zh");
        Assert.Equal(new ScoreQuery(null, null, null, "zh", false), _details.AskedScores);
        var group = page.QuerySelector(".flips")!;
        Assert.Equal("lost", group.QuerySelector(".stamp")!.TextContent);
        Assert.Contains("泵一直响", group.QuerySelector("tbody tr")!.TextContent, StringComparison.Ordinal);
        Assert.Contains("19 were won and 11 lost", page.QuerySelector(".lead")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Costs_DrillDown_KeepsWhatIsChosenAndEndsAtTheRequest()
    {
        var page = await GetAsync("/costs?by=application&phase=serving&nonsense=1");
        Assert.Equal("application", _details.AskedCosts!.By);
        Assert.Equal([new("phase", "serving")], _details.AskedCosts.Values);
        Assert.Contains("phase=serving&application=triage", page.QuerySelector(".bars a")!.GetAttribute("href"), StringComparison.Ordinal);
        Assert.Contains("at least", page.QuerySelector(".bars .value")!.TextContent, StringComparison.Ordinal);
        Assert.Equal("/requests/0195c0a1", page.QuerySelector("tbody a")!.GetAttribute("href"));
        Assert.DoesNotContain(page.QuerySelectorAll(".tabs a"), a => a.TextContent == "Phase");
    }

    [Theory]
    [InlineData("/requests", "请求")]
    [InlineData("/scores", "评分")]
    [InlineData("/costs", "成本")]
    public async Task Page_Chinese_HasItsWordsAndKeepsTheQueryWhenTheLanguageChanges(string path, string name)
    {
        var page = await GetAsync($"{path}?lang=zh-CN&by=day");
        Assert.Equal(name, page.QuerySelector(".pages a[aria-current]")!.TextContent);
        Assert.Equal($"{path}?by=day&lang=en", page.QuerySelector("a[hreflang=en]")!.GetAttribute("href"));
        Assert.DoesNotContain(page.QuerySelectorAll("main *").Where(e => e.Children.Length == 0), e => KeyLike().IsMatch(e.TextContent.Trim()));
    }

    private async Task<IHtmlDocument> GetAsync(string path)
    {
        using var answer = await _client.GetAsync(path, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await new HtmlParser().ParseDocumentAsync(await answer.Content.ReadAsStringAsync(Cancel), Cancel);
    }

    [GeneratedRegex("__RequestVerificationToken\" value=\"([^\"]+)", RegexOptions.None, 1000)]
    private static partial Regex Token();

    [GeneratedRegex("^(requests|scores|costs|filter|page|bill|outcome)\\.[a-z_.]+$", RegexOptions.None, 1000)]
    private static partial Regex KeyLike();

    private sealed class EmptySource : IConsoleSource
    {
        public ValueTask<ConsoleSnapshot> GetAsync(string project, CancellationToken cancellationToken) => ValueTask.FromResult(SampleSnapshot.Empty);
    }

    private sealed class ScriptedDetails : IConsoleDetails
    {
        private static readonly TraceView Row = SampleSnapshot.Full.Requests!.Recent[0];

        public RequestQuery? Asked { get; private set; }

        public ScoreQuery? AskedScores { get; private set; }

        public CostQuery? AskedCosts { get; private set; }

        public IReadOnlyList<SuiteView> Suites() =>
        [
            new SuiteView
            {
                Name = "tickets/test", Application = "triage", Hash = new string('a', 64), Frozen = SampleSnapshot.At, Items = 548, Clusters = 531, Metric = "exact_match(intent)",
                Strata = [("language", [new("en", 326), new("zh", 222)]), ("difficulty", [new("hard", 100), new("easy", 448)])],
                Metrics = [("exact_match(intent)", "exact_match|field:intent|v:1")],
                Scores =
                [
                    new("triage-sft", "model", .9544, .9336, .9689, [new("exact_match(intent)", "en", 326, .9571, null, null)], 0),
                    new("nearest-lexical", "nearest", .8741, .8437, .8993, [], 2),
                ],
                Samples = [new("T-000001", "zh", "<b>泵</b>有异响", "pump_noise")],
            },
        ];

        public RequestList Requests(RequestQuery query)
        {
            Asked = query;
            return new RequestList([Row], ["handbook", "triage"], ["answered", "failed"], DateTimeOffset.FromUnixTimeMilliseconds(1760000000000));
        }

        public RequestDetail? Request(string id) => id != Row.Id ? null : new RequestDetail(
            Row, "default", "k-1", "stop", null, false, TimeSpan.FromMilliseconds(12), """{"messages":[{"role":"user","content":"<script>alert(1)</script>"}]}""", "退款", false,
            [new("uncached_input", 96, "local", "machine", 0.0000131m, "CNY", "machine rate"), new("text_output", 21, "missing", "other", null, null, null)],
            [new(SampleSnapshot.At, -1, "应为退款", """{"intent":"refund"}""")]);

        public ScoreDiff? Differences(ScoreQuery query)
        {
            AskedScores = query;
            return new ScoreDiff(
                "triage", ["triage"], ["triage-sft", "triage-1"], "triage-1", "triage-sft", "exact_match(intent)", 548, 19, 11,
                [new("intent: repair → refund", false, [new("T-7", "zh", "泵一直响", "repair", "repair", "refund")], 1)]);
        }

        public CostSplit Costs(CostQuery query)
        {
            AskedCosts = query;
            return new CostSplit
            {
                By = query.By, Values = query.Values, Parts = [new("triage", 0.5m, "CNY", 12, 1)],
                Entries = [new(SampleSnapshot.At, "serving", "triage", "chat.completions of triage", Row.Id, 0.0000131m, "CNY")],
            };
        }
    }
}
