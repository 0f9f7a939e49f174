using Bunit;
using Lauter.Console;
using Lauter.Console.Components.Sections;
using Lauter.Console.Texts;
using Lauter.Console.Views;

namespace Lauter.Tests.Console;

public sealed class EvidenceLayoutTests : BunitContext
{
    private static readonly EvidenceView[] Chain =
    [
        new(0, "release", "triage", "r") { From = ["m", "g"] },
        new(1, "model", "triage-sft", "m") { From = ["d"] },
        new(2, "dataset", "tickets", "d") { Note = "2,841" },
        new(1, "gate", "triage", "g") { From = ["c1", "c2"], Note = "pass" },
        new(2, "scorecard", "triage/model", "c1") { From = ["m", "s"] },
        new(2, "scorecard", "triage/live", "c2") { From = ["s"] },
        new(3, "suite", "triage", "s") { From = ["d"] },
    ];

    [Fact]
    public void Of_Chain_PutsEachNodeRightOfWhatItWasMadeFromAndNoTwoOnOnePlace()
    {
        var layout = EvidenceLayout.Of(Chain);
        Assert.Equal(Chain.Length, layout.Boxes.Count);
        Assert.Equal(Chain.Sum(c => c.From.Count), layout.Edges.Count);
        var places = layout.Boxes.ToDictionary(b => b.View.Sha256);
        Assert.All(Chain, node => Assert.All(node.From, from => Assert.True(places[from].X < places[node.Sha256].X)));
        Assert.Equal(layout.Boxes.Count, layout.Boxes.Select(b => (b.X, b.Y)).Distinct().Count());
        Assert.Equal(layout.Boxes.Max(b => b.X), places["r"].X);
        Assert.Equal("dataset", layout.Boxes.MinBy(b => b.X)!.View.Kind);
    }

    [Fact]
    public void Of_CircleOrUnknownHash_EndsAndLeavesTheEdgeOut()
    {
        var layout = EvidenceLayout.Of([new(0, "a", "a", "1") { From = ["2", "gone"] }, new(1, "b", "b", "2") { From = ["1"] }]);
        Assert.Equal(2, layout.Boxes.Count);
        Assert.Equal(2, layout.Edges.Count);
        Assert.Empty(EvidenceLayout.Of([]).Boxes);
    }

    [Theory]
    [InlineData("en", "gate · pass", "dataset · 2,841")]
    [InlineData("zh-CN", "关卡 · 通过", "数据集 · 2,841")]
    public void Graph_Chain_NamesEveryNodeInTheLanguageOfThePage(string language, string gate, string dataset)
    {
        var graph = Render<EvidenceGraph>(p => p.Add(g => g.Evidence, Chain).Add(g => g.T, ConsoleTexts.For(language)));
        var texts = graph.FindAll("text").Select(t => t.TextContent).ToList();
        Assert.Contains(gate, texts);
        Assert.Contains(dataset, texts);
        Assert.Equal(Chain.Length * 2, texts.Count);
    }

    [Theory]
    [InlineData("en", "mirroring: nobody is answered by it", "Mirrored to triage-2: 120 of 200 requests")]
    [InlineData("zh-CN", "镜像中：不回答任何用户", "镜像到 triage-2：200 次请求中的 120 次")]
    public void Rollout_MirroringSeveral_ShowsWhatWasComparedAndWhoLeft(string language, string state, string mirrored)
    {
        var part = Render<RolloutPart>(p => p.Add(r => r.T, ConsoleTexts.For(language)).Add(r => r.Section, new RolloutSection
        {
            Candidate = "triage-2", Live = "triage-1", State = RolloutState.Running, Share = 0, Shares = [0.1, 0.5], Steps = 0, Started = SampleSnapshot.At, Since = SampleSnapshot.At, Why = "",
            Limit = 80, SafetyLimit = 40, ShadowRequests = 200, Shadowing = true, Signals = [],
            Shadow = [new("triage-2", 120, 110, 118, 1, 0, TimeSpan.FromMilliseconds(40), TimeSpan.FromMilliseconds(30), null, null, 1.2)],
            Rivals = [new("triage-2", null, 1.2, "triage-1", 1), new("triage-3", "it failed", 99, "triage-1", 0.1)],
        }));
        Assert.Contains(state, part.Markup, StringComparison.Ordinal);
        Assert.Contains(mirrored, part.Markup, StringComparison.Ordinal);
        Assert.Contains("93.2", part.Markup, StringComparison.Ordinal);
        Assert.Equal("it failed", part.Find(".chip.fault").GetAttribute("title"));
        Assert.DoesNotContain("triage-3", part.Find(".verdict").TextContent, StringComparison.Ordinal);
    }
}
