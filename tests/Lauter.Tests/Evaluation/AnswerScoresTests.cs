using Lauter.Evaluation.Metrics;

namespace Lauter.Tests.Evaluation;

public sealed class AnswerScoresTests
{
    [Theory]
    [InlineData("cases", "f1", false)]
    [InlineData("cases_chinese", "f1_characters", true)]
    public void F1_ReferenceAnswers_GivesReferenceScores(string member, string f1, bool chinese)
    {
        foreach (var c in Golden.Cases("qa.json", member))
        {
            var prediction = c.GetProperty("prediction").GetString()!;
            string[] references = [.. c.GetProperty("references").EnumerateArray().Select(r => r.GetString()!)];
            Assert.Equal(c.GetProperty("normalised").GetString(), chinese ? AnswerScores.NormaliseChinese(prediction) : AnswerScores.NormaliseEnglish(prediction));
            Golden.Close(c.Number("exact"), AnswerScores.Exact(prediction, references, chinese), 0, prediction);
            Golden.Close(c.Number(f1), AnswerScores.F1(prediction, references, chinese), 1e-12, prediction);
        }
    }

    [Fact]
    public void F1_RepeatedArticle_IsNothingAfterNormalising() =>
        Assert.Equal(0, AnswerScores.F1("the the the the the the the", ["the cat is on the mat"], chinese: false));
}
