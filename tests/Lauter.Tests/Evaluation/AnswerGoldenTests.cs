using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Metrics.Likelihoods;
using Lauter.Evaluation.Metrics.Structures;
using System.Text.Json.Nodes;

namespace Lauter.Tests.Evaluation;

/// <summary>Short answers, likelihoods and structures against reference files and the published vectors.</summary>
public sealed class AnswerGoldenTests
{
    private const double Tolerance = 1e-12;

    [Fact]
    public void Answers_RecordedEnglish_GivesSquadScores()
    {
        foreach (var c in Golden.Shared("qa-reference.json").Items("cases_english"))
        {
            var (prediction, references) = (c.Text("prediction"), c.Texts("references"));
            Assert.Equal(c.Text("normalised"), AnswerScores.NormaliseEnglish(prediction));
            Assert.Equal(c.Texts("normalised_references"), references.Select(AnswerScores.NormaliseEnglish));
            Golden.Close(c.Number("exact"), AnswerScores.Exact(prediction, references, chinese: false), 0, prediction);
            Golden.Close(c.Number("f1_squad_v1"), AnswerScores.F1(prediction, references, chinese: false), Tolerance, prediction);
            Golden.Close(c.Number("f1_squad_v2"), AnswerScores.F1(prediction, references, chinese: false, EmptyAnswers.Match), Tolerance, prediction);
        }
    }

    [Fact]
    public void Answers_RecordedChinese_GivesReferenceScores()
    {
        foreach (var c in Golden.Shared("qa-reference.json").Items("cases_chinese"))
        {
            var (prediction, references) = (c.Text("prediction"), c.Texts("references"));
            Assert.Equal(c.Text("normalised"), AnswerScores.NormaliseChinese(prediction));
            Golden.Close(c.Number("exact_normalised"), AnswerScores.Exact(prediction, references, chinese: true), 0, prediction);
            Golden.Close(c.Number("f1_characters"), AnswerScores.F1(prediction, references, chinese: true), Tolerance, prediction);

            // Words of the reference's own segmenter: normalised one by one, the empty ones dropped.
            var said = Words(c.Texts("jieba_tokens"));
            var best = c.Items("jieba_tokens_references").Max(r => AnswerScores.F1(said, Words([.. r.EnumerateArray().Select(t => t.GetString()!)])));
            Golden.Close(c.Number("f1_jieba"), best, Tolerance, prediction);
            var segments = c.Texts("cmrc_segments");
            var run = c.Items("cmrc_segments_references").Max(r => AnswerScores.LongestRunF1(segments, [.. r.EnumerateArray().Select(t => t.GetString()!)]));
            Golden.Close(c.Number("cmrc_f1"), run, Tolerance, prediction);
        }

        static List<string> Words(string[] tokens) => [.. tokens.Select(AnswerScores.NormaliseChinese).Where(t => t.Length > 0)];
    }

    [Theory]
    [InlineData(10, 3, 1, 0.3)]
    [InlineData(10, 3, 5, 0.9166666667)]
    [InlineData(20, 1, 10, 0.5)]
    [InlineData(200, 20, 100, 0.9999996678)]
    [InlineData(5, 0, 1, 0)]
    public void PassAtK_PublishedVectors_GivesTheirValues(int samples, int correct, int k, double expected) =>
        Assert.Equal(expected, Likelihood.PassAtK(samples, correct, k), 1e-10);

    [Fact]
    public void Pick_ChineseAgainstLatin_DependsOnTheRule()
    {
        ScoredChoice[] choices = [new("正确", -4), new("true", -5)];
        Assert.Equal(0, Likelihood.Pick(choices, ChoiceRule.Sum));
        Assert.Equal(1, Likelihood.Pick(choices, ChoiceRule.PerCharacter));
        Assert.Equal(0, Likelihood.Pick(choices, ChoiceRule.PerByte));
        ScoredChoice[] mutual = [new("a", -1, -0.5), new("b", -2, -2), new("c", -3, -3)];
        Assert.Equal(0, Likelihood.Pick(mutual, ChoiceRule.Sum));
        Assert.Equal(1, Likelihood.Pick(mutual, ChoiceRule.MutualInformation));
        Assert.Equal(-1, Likelihood.Pick([new("a", double.NaN), new("b", -2)], ChoiceRule.Sum));
    }

    [Fact]
    public void Likelihoods_PublishedVectors_GiveTheirValues()
    {
        Assert.Equal(2.885390, Likelihood.BitsPerByte(-100, 50), 1e-6);
        Assert.Equal(3, Likelihood.UpperMedian([1, 2, 3, 4]));
        Assert.Equal(Math.Exp(2), Likelihood.Perplexity(-100, 50), 12);
        Assert.Null(Likelihood.WeightedScore([("great", 0.9), ("5", 0.005)]));
        Assert.Equal(4.25, Likelihood.WeightedScore([("4", 0.6), ("5", 0.2), ("x", 0.2)])!.Value, 12);
    }

    [Fact]
    public void Exact_CaseAndPunctuation_CountOnlyWithoutNormalising()
    {
        Assert.NotEqual("yes.", "Yes");
        Assert.Equal(1, AnswerScores.Exact("yes.", ["Yes"], chinese: false));
    }

    [Fact]
    public void Structures_FieldsAndCalls_AreMatchedByContent()
    {
        var fields = StructureScores.Fields(JsonNode.Parse("""{"a":1.0,"b":{"c":"x"},"d":[1,2]}"""), JsonNode.Parse("""{"d":[1,3],"a":1,"b":{"c":"x"}}"""));
        Assert.Equal((0.75, 0.75, 0.75), (fields.Precision, fields.Recall, fields.F1));
        Assert.Equal(0, StructureScores.Fields(null, JsonNode.Parse("""{"a":1}""")).F1);
        var calls = StructureScores.ToolCalls(
            JsonNode.Parse("""[{"name":"find","arguments":{"id":1}},{"function":{"name":"mail","arguments":"{\"to\":\"x\"}"}},{"name":"find","arguments":{"id":1}}]""")!.AsArray(),
            JsonNode.Parse("""[{"name":"mail","arguments":{"to":"x"}},{"name":"find","arguments":{"id":1}}]""")!.AsArray());
        Assert.Equal((2.0 / 3, 1.0, 0.8), (calls.Precision, calls.Recall, Math.Round(calls.F1, 12)));
        Assert.Equal(1, StructureScores.ToolCalls([], []).F1);
    }

    [Theory]
    [InlineData("I’m unable to help with that request.", true)]
    [InlineData("很抱歉，我无法提供这方面的信息。", true)]
    [InlineData("Your refund of 12 euro was sent on Monday.", false)]
    [InlineData("退款已于周一寄出。", false)]
    [InlineData("", false)]
    public void IsRefusal_Openings_AreToldApart(string answer, bool refusal) => Assert.Equal(refusal, Refusals.IsRefusal(answer));
}
