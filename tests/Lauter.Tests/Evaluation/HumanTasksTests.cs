using System.Text.Json.Nodes;
using Lauter.Evaluation.Humans;
using Lauter.Evaluation.Judges;

namespace Lauter.Tests.Evaluation;

public sealed class HumanTasksTests
{
    private static readonly JudgeItem[] Items = [.. Enumerable.Range(0, 101).Select(i => new JudgeItem($"{i:000}", $"question {i}", $"first {i}") { Other = $"second {i}" })];

    [Fact]
    public void Create_Pairs_SwapsHalfAndSaysNothingOfIt()
    {
        var set = HumanTaskSet.Create(Items, pairs: true, 1_000, seed: 7);
        Assert.Equal((101, 51), (set.Tasks.Count, set.Swapped.Count));
        Assert.All(set.Tasks, t => Assert.Equal(set.Swapped.Contains(t.Id), t.Left.StartsWith("second", StringComparison.Ordinal)));
        Assert.NotEqual(set.Tasks.Select(t => t.Id), set.Tasks.Select(t => t.Id).Order());
        Assert.Equal(set.Hash, HumanTaskSet.Create(Items, true, 1_000, 7).Hash);
        Assert.NotEqual(set.Hash, HumanTaskSet.Create(Items, true, 1_000, 8).Hash);
        Assert.DoesNotContain("swapped", HumanSheet.Render(set));
        Assert.DoesNotContain("swapped", set.ToLines());
    }

    [Fact]
    public void Of_RaterWhoPrefersTheFirstCandidate_IsUnblinded()
    {
        var set = HumanTaskSet.Create(Items, true, 1_000, 7);
        var result = HumanResult.Of(set.ToKey(), set.Tasks.Select(t => Answer(set, "li", t.Id, t.Left.StartsWith("first", StringComparison.Ordinal) ? "left" : "right")));
        Assert.Equal((101, 0, 0, 1.0), (result.Good, result.Same, result.Bad, result.Net!.Value));
        Assert.InRange(result.Raters[0].LeftRate!.Value, 0.49, 0.51);
        Assert.True(result.Interval!.Value.Low > 0.9);
    }

    [Fact]
    public void Of_RaterWhoAlwaysTakesTheLeft_FindsNoDifferenceAndShowsIt()
    {
        var set = HumanTaskSet.Create(Items, true, 1_000, 7);
        var result = HumanResult.Of(set.ToKey(), set.Tasks.Select(t => Answer(set, "li", t.Id, "left")));
        Assert.Equal(1, Math.Abs(result.Good - result.Bad));
        Assert.True(result.Interval!.Value.Low < 0 && result.Interval.Value.High > 0);
        Assert.Equal(1, result.Raters[0].LeftRate);
    }

    [Fact]
    public void Of_ThreeRaters_TakesTheMajorityAndMeasuresAgreement()
    {
        var set = HumanTaskSet.Create(Items, pairs: false, 10, 7);
        Assert.False(set.IsPairs);
        var answers = set.Tasks.SelectMany((t, i) => new[] { Answer(set, "a", t.Id, i < 5 ? "pass" : "fail"), Answer(set, "b", t.Id, i < 6 ? "pass" : "fail"), Answer(set, "c", t.Id, i < 5 ? "pass" : "fail") });
        var result = HumanResult.Of(set.ToKey(), answers.Skip(0));
        Assert.Equal((5, 5, 0, 0), (result.Good, result.Bad, result.Same, result.Missing));
        Assert.Equal(28 / 30.0, result.Agreement!.Value, 12);
        Assert.InRange(result.Alpha!.Value, 0.8, 0.95);
        Assert.NotNull(result.Kappa);
    }

    [Fact]
    public void Of_ForeignContradictingAndUnknownAnswers_AreAllNamed()
    {
        var set = HumanTaskSet.Create(Items, true, 10, 7);
        var id = set.Tasks[0].Id;
        var fault = Assert.Throws<InvalidDataException>(() => HumanResult.Of(
            set.ToKey(), [Answer(set, "a", id, "left"), Answer(set, "a", id, "right"), Answer(set, "a", "nobody", "left"), Answer(set, "a", id, "pass"), Answer(set, "", id, "left"), """{"set":"x","rater":"a","id":"1","choice":"left"}"""])).Message;
        Assert.All((string[])["in two ways", "is no item", "'pass' is not one of", "names no rater", "another set"], f => Assert.Contains(f, fault));
    }

    [Fact]
    public void Render_TextsThatLookLikeMarkup_StayText()
    {
        var html = HumanSheet.Render(HumanTaskSet.Create([new("1", "</script><script>alert(1)</script>", "<b>&amp;")], pairs: false, 1, 1));
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(html, "<script>"));
        Assert.DoesNotContain("alert(1)</script>", html);
        Assert.Contains("zh-CN", html);
        Assert.DoesNotContain("http://", html);
        Assert.DoesNotContain("https://", html);
    }

    private static string Answer(HumanTaskSet set, string rater, string id, string choice) => new JsonObject { ["set"] = set.Hash, ["rater"] = rater, ["id"] = id, ["choice"] = choice }.ToJsonString();
}
