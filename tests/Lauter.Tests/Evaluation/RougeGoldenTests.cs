using Lauter.Evaluation.Metrics.Texts;

namespace Lauter.Tests.Evaluation;

/// <summary>ROUGE and its stemmer against rouge_score 0.1.2 and NLTK.</summary>
public sealed class RougeGoldenTests
{
    private const double Tolerance = 1e-12;

    [Fact]
    public void Rouge_RecordedPairs_GivesRecordedScores()
    {
        foreach (var c in Golden.Shared("rouge.json").Items("cases"))
        {
            var rouge = new Rouge(c.Flag("stemmer") ? RougeTokens.EnglishStemmed : RougeTokens.English);
            string hypothesis = c.Text("hypothesis"), reference = c.Text("reference");
            Same(c.Numbers("rouge1"), rouge.N(1, hypothesis, reference), hypothesis);
            Same(c.Numbers("rouge2"), rouge.N(2, hypothesis, reference), hypothesis);
            Same(c.Numbers("rougeL"), rouge.L(hypothesis, reference), hypothesis);
            Same(c.Numbers("rougeLsum"), rouge.Lsum(hypothesis, reference), hypothesis);
        }

        var characters = new Rouge(RougeTokens.Characters);
        foreach (var c in Golden.Shared("rouge.json").Items("cases_chinese"))
        {
            string hypothesis = c.Text("hypothesis"), reference = c.Text("reference");
            Same(c.Numbers("rouge1"), characters.N(1, hypothesis, reference), hypothesis);
            Same(c.Numbers("rouge2"), characters.N(2, hypothesis, reference), hypothesis);
            Same(c.Numbers("rougeL"), characters.L(hypothesis, reference), hypothesis);
        }

        foreach (var c in Golden.Shared("rouge-more.json").Items("cases_rouge_pypi"))
        {
            var package = c.GetProperty("rouge_score_package");
            string hypothesis = c.Text("hypothesis"), reference = c.Text("reference");
            Same(package.Numbers("rouge1"), new Rouge().N(1, hypothesis, reference), hypothesis);
            Same(package.Numbers("rouge2"), new Rouge().N(2, hypothesis, reference), hypothesis);
            Same(package.Numbers("rougeL"), new Rouge().L(hypothesis, reference), hypothesis);
        }
    }

    [Fact]
    public void Tokenize_RecordedTexts_GivesRecordedTokensAndStems()
    {
        var file = Golden.Shared("rouge-more.json");
        foreach (var c in file.Items("cases_tokens"))
        {
            Assert.Equal(c.Texts("tokens"), new Rouge().Tokenize(c.Text("text")));
            Assert.Equal(c.Texts("tokens_stemmed"), new Rouge(RougeTokens.EnglishStemmed).Tokenize(c.Text("text")));
        }

        foreach (var c in file.Items("cases_stems"))
        {
            Assert.Equal(c[1].GetString(), PorterStemmer.Stem(c[0].GetString()!));
        }

        foreach (var c in file.Items("stem_modes"))
        {
            Assert.Equal(c[1].GetString(), PorterStemmer.Stem(c[0].GetString()!));
        }
    }

    [Fact]
    public void Rouge_ResearchVectors_GivesTheirValues()
    {
        var rouge = new Rouge();
        Same([1, 1.0 / 3, 0.5], rouge.N(1, "testing", "testing one two"), "R1");
        Assert.Equal(2.0 / 3, rouge.N(2, "testing one", "testing one two").F1, 12);
        Assert.Equal(0.8, rouge.L("testing one", "testing one two").F1, 12);
        Assert.Equal(0.8, rouge.L("testing two", "testing one two").F1, 12);
        Assert.Equal(0, rouge.N(1, "今天寄出", "今天寄出").F1);
        Assert.Equal(1, new Rouge(RougeTokens.Characters).N(1, "今天寄出", "今天寄出").F1);
    }

    private static void Same(double[] expected, PrecisionRecall actual, string what)
    {
        Golden.Close(expected[0], actual.Precision, Tolerance, $"precision: {what}");
        Golden.Close(expected[1], actual.Recall, Tolerance, $"recall: {what}");
        Golden.Close(expected[2], actual.F1, Tolerance, $"F1: {what}");
    }
}
