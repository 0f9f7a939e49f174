namespace Lauter.Evaluation.Statistics;

/// <summary>The standard normal distribution, to about 15 digits.</summary>
public static class Normal
{
    private static readonly double SqrtTwoPi = Math.Sqrt(2 * Math.PI);

    /// <summary>P(Z ≤ z).</summary>
    public static double Cdf(double z) => 0.5 * Erfc(-z / Math.Sqrt(2));

    /// <summary>P(Z > z), exact far out where 1 - Cdf would be rounding noise.</summary>
    public static double UpperTail(double z) => 0.5 * Erfc(z / Math.Sqrt(2));

    /// <summary>The z with P(Z ≤ z) = <paramref name="probability"/>, for 0 &lt; probability &lt; 1.</summary>
    public static double Quantile(double probability)
    {
        if (!(probability is > 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "A quantile needs a probability between 0 and 1, ends excluded.");
        }

        if (probability > 0.5)
        {
            return -Quantile(1 - probability);
        }

        // Abramowitz & Stegun 26.2.22 to start (|error| < 3e-3), then Halley steps, each of which cubes the error.
        var t = Math.Sqrt(-2 * Math.Log(probability));
        var z = ((2.30753 + (0.27061 * t)) / (1 + (t * (0.99229 + (0.04481 * t))))) - t;
        for (var i = 0; i < 4; i++)
        {
            var u = (Cdf(z) - probability) * SqrtTwoPi * Math.Exp(z * z / 2);
            z -= u / (1 + (z * u / 2));
        }

        return z;
    }

    /// <summary>P(X > x) of the chi-squared distribution with one degree of freedom.</summary>
    public static double ChiSquaredOneUpperTail(double x) => Erfc(Math.Sqrt(x / 2));

    /// <summary>1 - erf(x): the series below 2 (all terms positive), the continued fraction above.</summary>
    internal static double Erfc(double x)
    {
        if (x < 0)
        {
            return 2 - Erfc(-x);
        }

        if (x < 2)
        {
            double term = x, sum = x;
            for (var n = 1; term > sum * 1e-17; n++)
            {
                term *= 2 * x * x / ((2 * n) + 1);
                sum += term;
            }

            return 1 - (2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum);
        }

        // erfc(x) = exp(-x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))), from the inside out.
        var fraction = x;
        for (var k = 120; k >= 1; k--)
        {
            fraction = x + (k / 2.0 / fraction);
        }

        return Math.Exp(-x * x) / (Math.Sqrt(Math.PI) * fraction);
    }
}
