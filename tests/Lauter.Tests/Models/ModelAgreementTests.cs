using Lauter.Models.Comparison;
using Lauter.Models.Conversion;
using Lauter.Models.Gguf;
using Lauter.Models.Inspection;
using Lauter.Models.Natives;

namespace Lauter.Tests.Models;

public sealed class ModelAgreementTests
{
    private static readonly (string, int[])[] Texts = [("one", [.. Enumerable.Range(0, 40).Select(i => (i * 37) % 320)]), ("two", [5, 6, 7])];

    [Fact]
    public void Of_KnownDistributions_GivesTheNumbersOfTheFormulas()
    {
        float[] half = [MathF.Log(0.5f), MathF.Log(0.5f)], tenth = [MathF.Log(0.9f), MathF.Log(0.1f)];

        var agreement = ModelAgreement.Of(_ => [half, half, half], _ => [half, tenth, tenth], [("t", [0, 1, 0])]);

        Assert.Equal((1, 2), (agreement.Texts, agreement.Tokens));
        Assert.Equal(Math.Log(0.9 / 0.5) / 2, agreement.MeanDifference, 1e-6);
        Assert.Equal(((0.5 * Math.Log(0.5 / 0.9)) + (0.5 * Math.Log(0.5 / 0.1))) / 2, agreement.MeanDivergence, 1e-6);
        Assert.Equal(2, agreement.ReferencePerplexity, 1e-6);
        Assert.Equal(Math.Exp(-(Math.Log(0.5) + Math.Log(0.9)) / 2), agreement.CandidatePerplexity, 1e-6);
        Assert.Equal(1, agreement.TopAgreement);
    }

    [Fact]
    public void Broken_NotANumber_NeverPasses()
    {
        var agreement = ModelAgreement.Of(_ => [[-1, -1], [-1, -1]], _ => [[float.NaN, float.NaN], [-1, -1]], [("t", [0, 1])]);

        Assert.NotEmpty(AgreementLimits.Of(Quantisation.Named("Q4_0")).Broken(agreement));
    }

    /// <summary>The same weights in half the bits pass; another model does not.</summary>
    [Fact]
    public void Broken_ConvertedModels_TellSameFromWrong()
    {
        using var folder = new TemporaryFolder();
        string reference = GoldenModel.Convert("llama-gqa", folder), half = GoldenModel.Convert("llama-gqa", folder, GgufTensorType.F16), other = GoldenModel.Convert("mistral", folder);

        Assert.Empty(Broken(reference, half, "F16"));
        Assert.NotEmpty(Broken(reference, other, "Q8_0"));
        Assert.False(ModelDifference.Between(reference, other, TestContext.Current.CancellationToken).SameWeights);
        var difference = ModelDifference.Between(reference, half, TestContext.Current.CancellationToken);
        Assert.InRange(difference.Weights[0].Relative, 1e-6, 1e-3);
        Assert.True(ModelDifference.Between(reference, reference, TestContext.Current.CancellationToken).SameWeights);
    }

    private static IEnumerable<string> Broken(string reference, string candidate, string storage)
    {
        using ServedModel one = ServedModel.Open(reference, contextLength: 64, threads: 1), two = ServedModel.Open(candidate, contextLength: 64, threads: 1);
        return AgreementLimits.Of(Quantisation.Named(storage)).Broken(ModelAgreement.Of(ids => one.LogProbabilities(ids), ids => two.LogProbabilities(ids), Texts)).ToArray();
    }
}
