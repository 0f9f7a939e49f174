using Lauter.Evaluation.Statistics;
using Lauter.Evaluation.Suites;

namespace Lauter.Tests.Evaluation;

public sealed class ContaminationTests
{
    private const string English = "The customer writes that the parcel with the blue lamp arrived broken and that nobody in the shop wanted to take it back";
    private const string Chinese = "客户来信说蓝色台灯的包裹送到时已经破损而店里没有人愿意办理退货手续";

    [Fact]
    public void Check_CopiesAndExcerpts_AreFoundInBothLanguages()
    {
        var report = Contamination.Check(
            [Item("whole", English.ToUpperInvariant() + "!"), Item("part", $"Dear team, {English[..95]} kind regards"), Item("han", "前言。" + Chinese[..20]), Item("own", "Something quite different was asked here about the invoices of last year and the way to print them twice")],
            [Item("t1", English), Item("t2", "无关的内容"), Item("t3", Chinese)]);
        Assert.Equal((4, 3L, 1, 3), (report.Items, report.TrainingRows, report.Exact, report.Overlapping));
        Assert.Equal([("whole", true, "t1"), ("part", false, "t1"), ("han", false, "t3")], report.Found.OrderBy(f => f.Id switch { "whole" => 0, "part" => 1, _ => 2 }).Select(f => (f.Id, f.Exact, f.Training)));
        Assert.All(report.Found, f => Assert.InRange(f.Covered!.Value, 0.3, 1));
    }

    [Fact]
    public void Check_TraditionalAgainstSimplified_IsACopy() =>
        Assert.Equal(1, Contamination.Check([Item("1", "請問怎麼辦理退貨手續")], [Item("t", "请问怎么办理退货手续")]).Exact);

    [Fact]
    public void Check_SharedPromptAroundEachQuestion_IsATemplateNotALeak()
    {
        const string prompt = "You are the assistant of a shop and answer each question with exactly one of the labels below";
        var suite = Enumerable.Range(0, 50).Select(i => Item($"{i}", $"{prompt}: question {i} {Words(i)}")).ToArray();
        var report = Contamination.Check(suite, [Item("t", $"{prompt}: another question {Words(999)}")]);
        Assert.Equal(0, report.Overlapping);
        Assert.True(report.TemplateNGrams > 0);
    }

    [Fact]
    public void Check_ShortTexts_OnlyWholeCopiesOfThreeWordsCount()
    {
        var report = Contamination.Check([Item("1", "yes"), Item("2", "cancel my order")], [Item("t", "yes"), Item("u", "Cancel my order."), Item("v", "please cancel my order now")]);
        Assert.Equal((1, 1, 2), (report.Exact, report.Overlapping, report.TooShort));
        Assert.Equal("2", report.Found[0].Id);
    }

    [Fact]
    public void Check_RandomTexts_FindsExactlyWhatWasPlanted()
    {
        var planted = Enumerable.Range(0, 300).Where(i => i % 7 == 0).ToArray();
        var report = Contamination.Check(
            [.. Enumerable.Range(0, 300).Select(i => Item($"{i}", Words(i)))],
            Enumerable.Range(1_000, 2_000).Select(i => Item($"t{i}", i - 1_000 < planted.Length ? $"{Words(i)} {Words(planted[i - 1_000])} {Words(i + 5_000)}" : Words(i))));
        Assert.Equal(planted.Select(i => $"{i}").Order(), report.Found.Select(f => f.Id).Order());
        Assert.All(report.Found, f => Assert.Equal(1, f.Covered));
    }

    private static string Words(int seed)
    {
        var random = new SeededRandom((ulong)seed + 1);
        return string.Join(' ', Enumerable.Range(0, 30).Select(_ => $"w{random.NextInt(2_000)}"));
    }

    private static ContaminationSource Item(string id, string text) => new(id, [text]);
}
