using Bunit;
using Lauter.Console;
using Lauter.Console.Components;
using Lauter.Console.SignIn;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MudBlazor.Services;

namespace Lauter.Tests.Console;

public sealed class FlowViewTests : IDisposable
{
    private readonly BunitContext _context = new();
    private readonly FakeTimeProvider _time = new(SampleSnapshot.At);
    private readonly ScriptedSource _source = new();
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("lauter-console-");

    public FlowViewTests()
    {
        _context.JSInterop.Mode = JSRuntimeMode.Loose;
        BunitContext.DefaultWaitTimeout = TimeSpan.FromSeconds(30);
        _context.Services.AddMudServices();
        _context.Services.AddSingleton<IConsoleSource>(_source);
        _context.Services.AddSingleton<TimeProvider>(_time);
        _context.Services.AddSingleton(new ConsoleOptions
        {
            Project = "helpdesk",
            StateDirectory = _state.FullName,
            Password = ConsolePassword.OpenOrCreate(_state.FullName, _time, out _),
        });
    }

    [Fact]
    public void Page_FullSnapshot_ShowsEveryPartInTheOrderOfTheData()
    {
        var page = Render("en", SampleSnapshot.Full);
        Assert.Equal(Enum.GetNames<FlowPart>().Select(name => name.ToLowerInvariant()), page.FindAll(".part").Select(part => part.Id));
        Assert.Empty(page.FindAll(".notyet"));
        Assert.Contains("2,893 of 3,066 kept", page.Find(".station").TextContent, StringComparison.Ordinal);
        Assert.Equal("Pass", page.Find(".gate .stamp").TextContent);
        Assert.Contains("at least 0.0841 CNY", page.Find("#bill").TextContent, StringComparison.Ordinal);
        Assert.Equal(9, page.FindAll(".score").Count);
        Assert.Equal(2, page.FindAll("svg.loss path").Count);
        Assert.Contains("near copy of a kept one", page.Find("#data").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_Chinese_HasNoEnglishOfOurs()
    {
        var page = Render("zh-CN", SampleSnapshot.Full);
        Assert.Equal("通过", page.Find(".gate .stamp").TextContent);
        Assert.Contains("区间下限高于负界值", page.Find(".gate .reasons").TextContent, StringComparison.Ordinal);
        Assert.Equal(["数据", "向量化", "训练", "评测", "关卡", "发布", "请求", "账单"], page.FindAll(".part h2").Select(heading => heading.TextContent));
    }

    [Fact]
    public void Page_Rollout_ShowsSharesEvidenceAndIterations()
    {
        var page = Render("en", SampleSnapshot.Full);
        Assert.Equal("rolling out", page.Find(".rollout .stamp").TextContent);
        Assert.Equal(["5 %", "25 %", "50 %", "100 %"], page.FindAll(".rollout .steps span").Select(step => step.TextContent));
        Assert.Equal("25 %", page.Find(".rollout .steps .now").TextContent);
        // ln 4.7 / ln 20 of the way to the limit.
        Assert.Contains("width:51.6", page.FindAll(".rollout .evidencebars i.good")[0].OuterHtml, StringComparison.Ordinal);
        Assert.Contains("2 of 9", page.Find(".rollout").TextContent, StringComparison.Ordinal);
        var rows = page.FindAll("#releases table tbody tr");
        Assert.Equal(2, rows.Count);
        Assert.Contains("0.2 % / 10,112", rows[0].TextContent, StringComparison.Ordinal);
        Assert.Contains("Running", rows[1].TextContent, StringComparison.Ordinal);
        var chinese = Render("zh-CN", SampleSnapshot.Full);
        Assert.Equal("灰度发布中", chinese.Find(".rollout .stamp").TextContent);
    }

    [Fact]
    public void Page_EmptyProject_ExplainsEveryPart()
    {
        var page = Render("en", SampleSnapshot.Empty);
        Assert.Equal(8, page.FindAll(".notyet").Count);
        Assert.Contains("lauter run", page.Find("#data .notyet").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_WhileRunning_RefreshesEveryTwoSeconds()
    {
        var page = Render("en", SampleSnapshot.Running);
        Assert.Contains("train triage-sft", page.Find(".status").TextContent, StringComparison.Ordinal);
        _source.Next = SampleSnapshot.Full with { At = SampleSnapshot.At.AddSeconds(2) };
        _time.Advance(TimeSpan.FromSeconds(2));
        page.WaitForAssertion(() => Assert.Contains("Nothing is running", page.Find(".status").TextContent, StringComparison.Ordinal));

        _source.Next = SampleSnapshot.Empty;
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, _source.Reads);
    }

    [Fact]
    public void Page_SourceFails_KeepsTheNumbersAndSaysSo()
    {
        var page = Render("en", SampleSnapshot.Running);
        _source.Failure = "the store is locked";
        _time.Advance(TimeSpan.FromSeconds(2));
        page.WaitForAssertion(() => Assert.Contains("the store is locked", page.Find("[role=alert]").TextContent, StringComparison.Ordinal));
        Assert.Equal(8, page.FindAll(".station").Count);
    }

    [Fact]
    public void Page_HostileNames_AreText()
    {
        const string Attack = "<script>alert(1)</script>";
        var page = Render("en", SampleSnapshot.Full with
        {
            Releases = new ReleaseSection { Application = Attack, Live = Attack, History = [new ReleaseView(Attack, Attack, SampleSnapshot.At, Attack, Attack)] },
            Data = new DataSection([new DatasetView { Name = Attack, Kind = Attack, Files = 1, Read = 1, Kept = 0, Dropped = [new CountView(Attack, 1)] }]),
        });
        Assert.Empty(page.FindAll("script"));
        Assert.Contains(Attack, page.Find("#releases").TextContent, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _context.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _state.Delete(recursive: true);
    }

    private IRenderedComponent<FlowView> Render(string language, ConsoleSnapshot snapshot)
    {
        _source.Next = snapshot;
        return _context.Render<FlowView>(parameters => parameters.Add(view => view.Language, language).Add(view => view.Project, "helpdesk"));
    }

    /// <summary>Gives the snapshot that a test sets.</summary>
    private sealed class ScriptedSource : IConsoleSource
    {
        public ConsoleSnapshot Next { get; set; } = SampleSnapshot.Empty;

        public string? Failure { get; set; }

        public int Reads { get; private set; }

        public ValueTask<ConsoleSnapshot> GetAsync(string project, CancellationToken cancellationToken)
        {
            Reads++;
            Assert.Equal("helpdesk", project);
            return Failure is null ? ValueTask.FromResult(Next) : throw new InvalidOperationException(Failure);
        }
    }
}
