using CsCheck;
using Lauter.Console;
using Lauter.Console.SignIn;
using Lauter.Console.Texts;
using Lauter.Console.Views;

namespace Lauter.Tests.Console;

public sealed class ViewTests
{
    private static readonly Numbers English = new(ConsoleTexts.For("en"));

    [Fact]
    public void Scale_AnyValues_HoldsThemWithFewRoundMarks() =>
        Gen.Double[-1e6, 1e6].Array[1, 20].Sample(values =>
        {
            var scale = LinearScale.Around(values);
            Assert.All(values, value => Assert.InRange(value, scale.From - 1e-6, scale.To + 1e-6));
            Assert.InRange(scale.Marks.Count(), 2, 9);
            Assert.All(values, value => Assert.InRange(scale.Position(value), 0, 1));
        });

    [Fact]
    public void Scale_NothingFinite_IsZeroToOne()
    {
        var scale = LinearScale.Around([double.NaN, double.PositiveInfinity]);
        Assert.Equal((0, 1), (scale.From, scale.To));
    }

    [Fact]
    public void LossChart_ThousandsOfPoints_FewPathPointsInsideTheBox()
    {
        var chart = LossChart.Of(SampleSnapshot.Full.Training! with { Losses = [.. Enumerable.Range(1, 5000).Select(i => new LossPoint(i, 5.0 / i, i % 1000 == 0 ? 6.0 / i : null))], Steps = 5000 })!;
        Assert.Equal(300, chart.TrainingPath.Count(c => c is 'M' or 'L'));
        Assert.Equal(5, chart.ValidationPoints.Count);
        Assert.All(chart.ValidationPoints, p => Assert.True(p.X is >= LossChart.Left and <= LossChart.Width && p.Y is >= LossChart.Top and <= LossChart.Height - LossChart.Bottom));
    }

    [Fact]
    public void LossChart_NoFiniteLoss_NothingToDraw() =>
        Assert.Null(LossChart.Of(SampleSnapshot.Full.Training! with { Losses = [new LossPoint(1, double.NaN), new LossPoint(2, null)] }));

    [Theory]
    [InlineData(true, 0.02, -0.02)]
    [InlineData(false, 0, 0)]
    public void GatePicture_Line_LeavesRoomOnBothSides(bool nonInferiority, double margin, double line)
    {
        var picture = GatePicture.Of(SampleSnapshot.Full.Gate! with { NonInferiority = nonInferiority, Margin = margin });
        Assert.Equal(line, picture.Line);
        Assert.InRange(picture.Scale.Position(line), 0.05, 0.95);
    }

    [Fact]
    public void GatePicture_Minimum_LineIsTheMinimumAndMarksAreShares()
    {
        var picture = GatePicture.Of(SampleSnapshot.Full.Gate! with { Minimum = 0.6, Effect = 0.9, Low = 0.8, High = 0.96 });
        Assert.Equal((0.6, "gate.question.minimum", "gate.explain.pass.minimum", "80 %"), (picture.Line, picture.QuestionKey, picture.ExplanationKey, picture.Mark(0.8, English)));
        Assert.True(picture.Scale.Position(0.8) > picture.Scale.Position(picture.Line));
    }

    [Fact]
    public void GatePicture_NoInterval_IsNotDrawn() =>
        Assert.False(GatePicture.Of(SampleSnapshot.Full.Gate! with { Low = double.NaN, High = null, Effect = null }).HasInterval);

    [Fact]
    public void ScoreRows_Languages_AllFirstThenEnglishThenChinese() =>
        Assert.Equal(["all", "en", "zh"], ScoreRows.Of(SampleSnapshot.Full.Scorecard!).Groups.Select(group => group.Language));

    [Fact]
    public void Stations_EmptyProject_NothingYetEverywhere() =>
        Assert.All(FlowStations.Of(SampleSnapshot.Empty, ConsoleTexts.For("en")), station => Assert.Equal((StationState.Empty, "Not yet"), (station.State, station.Headline)));

    [Fact]
    public void Stations_Running_MarksOnlyTheRunningParts() =>
        Assert.Equal([FlowPart.Training, FlowPart.Scorecard], FlowStations.Of(SampleSnapshot.Running, ConsoleTexts.For("en")).Where(s => s.State == StationState.Running).Select(s => s.Part));

    [Fact]
    public void Stations_IncompleteBill_SaysAtLeast() =>
        Assert.Equal("at least 0.0841 CNY", FlowStations.Of(SampleSnapshot.Full, ConsoleTexts.For("en"))[(int)FlowPart.Bill].Headline);

    [Theory]
    [InlineData("0", "0.00 CNY")]
    [InlineData("1234.5", "1,234.50 CNY")]
    [InlineData("0.0841", "0.0841 CNY")]
    [InlineData("0.0000131", "0.000013 CNY")]
    [InlineData("0.000000004", "0.000000004 CNY")]
    public void Money_SmallOrLarge_NeverRoundedToNothing(string amount, string expected) =>
        Assert.Equal(expected, English.Money(decimal.Parse(amount), "CNY"));

    [Fact]
    public void Numbers_Missing_SayUnknown()
    {
        Assert.Equal("unknown", English.Money(null, "CNY"));
        Assert.Equal("unknown", English.Percent(double.NaN));
        Assert.Equal("unknown", English.PointsInterval(null, 0.1));
        Assert.Equal("unknown", English.Duration(null));
    }

    [Fact]
    public void Points_Difference_HasItsSign() => Assert.Equal(("+1.5 pp", "−2.0 pp"), (English.Points(0.0146), English.Points(-0.02)));

    [Theory]
    [InlineData("/", "/")]
    [InlineData("/?lang=zh-CN", "/?lang=zh-CN")]
    [InlineData("//elsewhere.example", "/")]
    [InlineData("/\\elsewhere.example", "/")]
    [InlineData("https://elsewhere.example", "/")]
    [InlineData("/a\nb", "/")]
    [InlineData(null, "/")]
    public void LocalPath_AnyAddress_StaysOnThisServer(string? asked, string expected) => Assert.Equal(expected, SignInEndpoints.LocalPath(asked));
}
