namespace Lauter.Evaluation.Statistics;

/// <summary>What a sequential test has decided so far.</summary>
public enum SequentialDecision
{
    /// <summary>Go on.</summary>
    Continue,

    /// <summary>The null hypothesis holds well enough.</summary>
    AcceptNull,

    /// <summary>The alternative.</summary>
    RejectNull,
}

/// <summary>
/// Wald's sequential probability ratio test of one rate: p0 against p1. Error rates hold (nearly) when it is looked at after every item;
/// nothing is promised between the two rates. Not thread-safe.
/// </summary>
public sealed class Sprt
{
    private readonly double _success;
    private readonly double _failure;

    /// <param name="p0">Rate under the null hypothesis, 0 to 1.</param>
    /// <param name="p1">Rate under the alternative.</param>
    /// <param name="alpha">Risk of rejecting wrongly.</param>
    /// <param name="beta">Risk of accepting wrongly.</param>
    public Sprt(double p0, double p1, double alpha, double beta)
    {
        _success = Math.Log(p1 / p0);
        _failure = Math.Log((1 - p1) / (1 - p0));
        Upper = Math.Log((1 - beta) / alpha);
        Lower = Math.Log(beta / (1 - alpha));
    }

    /// <summary>Reject at or above this log-likelihood ratio.</summary>
    public double Upper { get; }

    /// <summary>Accept at or below it.</summary>
    public double Lower { get; }

    /// <summary>Log-likelihood ratio so far.</summary>
    public double LogRatio { get; private set; }

    /// <summary>The decision so far; it does not change after the first that is not <see cref="SequentialDecision.Continue"/>.</summary>
    public SequentialDecision Decision { get; private set; }

    /// <summary>Adds one item.</summary>
    public SequentialDecision Add(bool success)
    {
        LogRatio += success ? _success : _failure;
        if (Decision == SequentialDecision.Continue)
        {
            Decision = LogRatio >= Upper ? SequentialDecision.RejectNull : LogRatio <= Lower ? SequentialDecision.AcceptNull : SequentialDecision.Continue;
        }

        return Decision;
    }

    /// <summary>Wald's approximation of the expected number of items, under p0 and under p1.</summary>
    public static (double UnderNull, double UnderAlternative) ExpectedItems(double p0, double p1, double alpha, double beta)
    {
        double success = Math.Log(p1 / p0), failure = Math.Log((1 - p1) / (1 - p0));
        double upper = Math.Log((1 - beta) / alpha), lower = Math.Log(beta / (1 - alpha));
        return (
            ((alpha * upper) + ((1 - alpha) * lower)) / ((p0 * success) + ((1 - p0) * failure)),
            (((1 - beta) * upper) + (beta * lower)) / ((p1 * success) + ((1 - p1) * failure)));
    }
}

/// <summary>Always-valid evidence from running sums: looked at any time, the chance of ever rejecting a true null hypothesis stays below alpha.</summary>
public static class AlwaysValid
{
    /// <summary>
    /// mSPRT with a normal mixture N(0, τ²) over the effect: ln L = ½ ln(s²/(s²+nτ²)) + n²τ²(d̄-d0)²/(2s²(s²+nτ²)). Reject at L ≥ 1/alpha.
    /// </summary>
    public static double MixtureLogRatio(double mean, double variance, double n, double mixtureVariance, double nullMean = 0)
    {
        var gap = mean - nullMean;
        var total = variance + (n * mixtureVariance);
        return (0.5 * Math.Log(variance / total)) + (n * n * mixtureVariance * gap * gap / (2 * variance * total));
    }

    /// <summary>
    /// Log e-value of the beta-binomial mixture against the rate <paramref name="p0"/>: ln B(a+s, b+n-s) - ln B(a, b) - s ln p0 - (n-s) ln(1-p0).
    /// </summary>
    public static double BetaBinomialLogE(double successes, double n, double p0, double a = 1, double b = 1) =>
        LogBeta(a + successes, b + n - successes) - LogBeta(a, b) - (successes * Math.Log(p0)) - ((n - successes) * double.LogP1(-p0));

    /// <summary>The rates whose e-value is below 1/alpha: a confidence sequence of a rate, valid at all times together.</summary>
    public static Interval BetaBinomialSequence(double successes, double n, double alpha, double a = 1, double b = 1)
    {
        var limit = -Math.Log(alpha);
        var best = n > 0 ? successes / n : 0.5;
        return new Interval(
            successes <= 0 ? 0 : Solve(0, best, low: true),
            successes >= n ? 1 : Solve(best, 1, low: false));

        double Solve(double outside, double inside, bool low)
        {
            var (left, right) = (outside, inside);
            for (var i = 0; i < 200; i++)
            {
                var middle = (left + right) / 2;
                if (middle <= left || middle >= right)
                {
                    break;
                }

                var excluded = BetaBinomialLogE(successes, n, middle, a, b) >= limit;
                (left, right) = excluded == low ? (middle, right) : (left, middle);
            }

            return (left + right) / 2;
        }
    }

    /// <summary>
    /// Half width of the asymptotic confidence sequence of a mean (Waudby-Smith et al. 2024) at <paramref name="n"/> items of variance
    /// <paramref name="variance"/>: √((nvr²+1)/(n²r²) · ln((nvr²+1)/alpha²)). Asymptotic: ask for some tens of items first.
    /// </summary>
    /// <param name="n">Items.</param>
    /// <param name="variance">Their variance.</param>
    /// <param name="alpha">Risk over all times together.</param>
    /// <param name="tightAt">r; null for <see cref="DefaultTightness"/>.</param>
    public static double AsymptoticMargin(double n, double variance, double alpha, double? tightAt = null)
    {
        var r = tightAt ?? DefaultTightness(alpha);
        var scaled = (n * variance * r * r) + 1;
        return Math.Sqrt(scaled / (n * n * r * r) * Math.Log(scaled / (alpha * alpha)));
    }

    /// <summary>√(-2 ln alpha + ln(-2 ln alpha) + 1)/10: tightest near a hundred items.</summary>
    public static double DefaultTightness(double alpha) => Math.Sqrt((-2 * Math.Log(alpha)) + Math.Log(-2 * Math.Log(alpha)) + 1) / 10;

    private static double LogBeta(double a, double b) => BetaFunction.LogGamma(a) + BetaFunction.LogGamma(b) - BetaFunction.LogGamma(a + b);
}
