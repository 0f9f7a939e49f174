namespace Lauter.Evaluation.Metrics.Rankings;

/// <summary>Scores of answers that rest on retrieved passages. Claims and verdicts come from people or a judge; the arithmetic is here.</summary>
public static class ContextScores
{
    /// <summary>Share of the answer's claims that a passage supports; null without a claim: nothing was said, so nothing was faithful.</summary>
    public static double? Faithfulness(IReadOnlyCollection<bool> claimSupported) => Share(claimSupported);

    /// <summary>Share of the reference's claims that the passages support; null without a claim.</summary>
    public static double? ContextRecall(IReadOnlyCollection<bool> claimSupported) => Share(claimSupported);

    /// <summary>Mean over relevant passages of the precision where each stands (average precision of what was retrieved); 0 when none is relevant.</summary>
    public static double ContextPrecision(IReadOnlyList<bool> passageRelevant)
    {
        double sum = 0;
        var hits = 0;
        for (var i = 0; i < passageRelevant.Count; i++)
        {
            if (passageRelevant[i])
            {
                sum += ++hits / (double)(i + 1);
            }
        }

        return hits == 0 ? 0 : sum / hits;
    }

    /// <summary>Mean cosine between a question and the questions that would ask for its answer; null without one.</summary>
    public static double? AnswerRelevancy(ReadOnlySpan<float> question, IReadOnlyCollection<float[]> asked)
    {
        double sum = 0;
        foreach (var other in asked)
        {
            sum += Cosine(question, other);
        }

        return asked.Count == 0 ? null : sum / asked.Count;
    }

    /// <summary>
    /// Citations of an answer: precision is the share of cited passages that support it, recall the share of supporting passages
    /// that were cited, F1 their harmonic mean. An answer without a citation where some support exists scores 0; without either, 1.
    /// </summary>
    public static Texts.PrecisionRecall CitationCorrectness(IReadOnlySet<string> cited, IReadOnlySet<string> supporting)
    {
        if (cited.Count == 0 && supporting.Count == 0)
        {
            return new Texts.PrecisionRecall(1, 1, 1);
        }

        return Texts.PrecisionRecall.Of(cited.Count(supporting.Contains), cited.Count, supporting.Count);
    }

    private static double? Share(IReadOnlyCollection<bool> verdicts) => verdicts.Count == 0 ? null : verdicts.Count(v => v) / (double)verdicts.Count;

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double dot = 0, aa = 0, bb = 0;
        for (var i = 0; i < a.Length; i++)
        {
            dot += (double)a[i] * b[i];
            aa += (double)a[i] * a[i];
            bb += (double)b[i] * b[i];
        }

        return dot / Math.Sqrt(aa * bb);
    }
}
