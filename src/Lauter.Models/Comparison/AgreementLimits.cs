using Lauter.Models.Conversion;

namespace Lauter.Models.Comparison;

/// <summary>
/// What a form of a model may differ from its full-precision reference and still be that model: mean divergence in nats, agreement of the most probable token, and growth of
/// the perplexity. F16, BF16 and Q8_0 leave at least three times what was measured on SmolLM2-135M (bench/RESULTS.md), a small model and so a sensitive one; the smaller storages are
/// judgement in the same proportion. A wrong tensor, template or scale is far beyond all.
/// </summary>
/// <param name="MeanDivergence">Largest mean divergence.</param>
/// <param name="TopAgreement">Least agreement, 0–1.</param>
/// <param name="PerplexityRatio">Largest candidate ÷ reference.</param>
public sealed record AgreementLimits(double MeanDivergence, double TopAgreement, double PerplexityRatio)
{
    /// <summary>The limits for a candidate that is stored this way; null = full precision.</summary>
    public static AgreementLimits Of(Quantisation? candidate) => candidate?.Name switch
    {
        null or "F32" or "F16" or "BF16" => new(0.003, 0.97, 1.01),
        "Q8_0" => new(0.02, 0.92, 1.05),
        "Q6_K" => new(0.03, 0.90, 1.07),
        var name when name.Contains('5', StringComparison.Ordinal) => new(0.08, 0.86, 1.12),
        var name when name.Contains('4', StringComparison.Ordinal) => new(0.25, 0.76, 1.30),
        _ => new(1.0, 0.55, 2.5),
    };

    /// <summary>Each limit that is broken, in words with both numbers; empty = the candidate passes.</summary>
    public IEnumerable<string> Broken(ModelAgreement agreement)
    {
        ArgumentNullException.ThrowIfNull(agreement);
        if (!(agreement.MeanDivergence <= MeanDivergence))
        {
            yield return $"mean divergence {agreement.MeanDivergence:0.0000} nats, at most {MeanDivergence:0.0000} passes";
        }

        if (!(agreement.TopAgreement >= TopAgreement))
        {
            yield return $"the most probable token agrees on {agreement.TopAgreement:0.000} of the positions, at least {TopAgreement:0.000} passes";
        }

        if (!(agreement.CandidatePerplexity <= agreement.ReferencePerplexity * PerplexityRatio))
        {
            yield return $"perplexity {agreement.CandidatePerplexity:0.000} against {agreement.ReferencePerplexity:0.000}, at most {PerplexityRatio:0.00} times passes";
        }
    }
}
