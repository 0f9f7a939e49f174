using System.Text;

namespace Lauter.Evaluation.Metrics.Likelihoods;

/// <summary>One choice of a multiple-choice question as a model scored it.</summary>
/// <param name="Text">The choice.</param>
/// <param name="LogLikelihood">Σ ln p of its tokens after the question, in nats.</param>
/// <param name="Unconditional">Σ ln p of its tokens after nothing; only for mutual information.</param>
public sealed record ScoredChoice(string Text, double LogLikelihood, double Unconditional = double.NaN);

/// <summary>Which score picks the choice. Chinese text changes the winner (its characters have three bytes), so the rule is part of the signature.</summary>
public enum ChoiceRule
{
    /// <summary>acc: the log-likelihood.</summary>
    Sum,

    /// <summary>acc_norm: ÷ characters (code points).</summary>
    PerCharacter,

    /// <summary>acc_bytes: ÷ UTF-8 bytes.</summary>
    PerByte,

    /// <summary>acc_mutual_info: - the unconditional log-likelihood.</summary>
    MutualInformation,
}

/// <summary>Scores made of log-likelihoods, in nats.</summary>
public static class Likelihood
{
    /// <summary>Index of the choice with the highest score, the first of equals; -1 when a score is not a number.</summary>
    public static int Pick(IReadOnlyList<ScoredChoice> choices, ChoiceRule rule)
    {
        var best = -1;
        var highest = double.NegativeInfinity;
        for (var i = 0; i < choices.Count; i++)
        {
            var choice = choices[i];
            var score = rule switch
            {
                ChoiceRule.Sum => choice.LogLikelihood,
                ChoiceRule.PerCharacter => choice.LogLikelihood / choice.Text.EnumerateRunes().Count(),
                ChoiceRule.PerByte => choice.LogLikelihood / Encoding.UTF8.GetByteCount(choice.Text),
                _ => choice.LogLikelihood - choice.Unconditional,
            };
            if (double.IsNaN(score))
            {
                return -1;
            }

            if (best < 0 || score > highest)
            {
                (best, highest) = (i, score);
            }
        }

        return best;
    }

    /// <summary>exp(-Σ log-likelihood / Σ units): per token, word or byte, by what is counted.</summary>
    public static double Perplexity(double logLikelihood, double units) => Math.Exp(-logLikelihood / units);

    /// <summary>-Σ log-likelihood / Σ bytes / ln 2.</summary>
    public static double BitsPerByte(double logLikelihood, double bytes) => -logLikelihood / bytes / Math.Log(2);

    /// <summary>
    /// Chance that one of <paramref name="k"/> drawn samples is right when <paramref name="correct"/> of <paramref name="samples"/> were
    /// (Chen et al. 2021): 1 - C(n-c, k)/C(n, k) as a product, without bias. NaN when k exceeds the samples.
    /// </summary>
    public static double PassAtK(int samples, int correct, int k)
    {
        if (k > samples || k < 1 || correct < 0 || correct > samples)
        {
            return double.NaN;
        }

        if (samples - correct < k)
        {
            return 1;
        }

        double miss = 1;
        for (var i = samples - correct + 1; i <= samples; i++)
        {
            miss *= 1 - ((double)k / i);
        }

        return 1 - miss;
    }

    /// <summary>The element at place n/2 of the sorted values: the upper median, never a mean of two, as lm-eval reports it.</summary>
    public static double UpperMedian(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[sorted.Length / 2];
    }

    /// <summary>
    /// A judge's score as the mean of score tokens weighted by their probabilities: tokens under 1 % and tokens that are not whole numbers
    /// are left out. Null when nothing is left: an outcome of its own, never a score.
    /// </summary>
    public static double? WeightedScore(IEnumerable<(string Token, double Probability)> tokens)
    {
        double sum = 0, weight = 0;
        foreach (var (token, probability) in tokens)
        {
            if (probability >= 0.01 && token.Length > 0 && token.All(char.IsAsciiDigit))
            {
                sum += int.Parse(token) * probability;
                weight += probability;
            }
        }

        return weight > 0 ? sum / weight : null;
    }
}
