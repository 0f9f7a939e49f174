namespace Lauter.Evaluation.Statistics;

/// <summary>Incomplete gamma functions, and with them chi-squared tails.</summary>
public static class GammaFunction
{
    /// <summary>Q(a, x): P(X > x) for X ~ Gamma(a, 1), a > 0.</summary>
    public static double UpperRegularised(double a, double x)
    {
        if (x <= 0)
        {
            return 1;
        }

        var front = Math.Exp((a * Math.Log(x)) - x - BetaFunction.LogGamma(a));
        return x < a + 1 ? 1 - (front * Series(a, x)) : front * Fraction(a, x);
    }

    /// <summary>P(X > <paramref name="x"/>) of the chi-squared distribution.</summary>
    public static double ChiSquaredUpperTail(double x, double degrees) => degrees <= 0 ? 1 : UpperRegularised(degrees / 2, x / 2);

    /// <summary>The x with P(X ≤ x) = <paramref name="probability"/> of the chi-squared distribution.</summary>
    public static double ChiSquaredQuantile(double probability, double degrees)
    {
        if (degrees <= 0)
        {
            return 0;
        }

        double low = 0, high = degrees + 10;
        while (ChiSquaredUpperTail(high, degrees) > 1 - probability)
        {
            high *= 2;
        }

        for (var i = 0; i < 200; i++)
        {
            var middle = (low + high) / 2;
            if (middle <= low || middle >= high)
            {
                break;
            }

            (low, high) = ChiSquaredUpperTail(middle, degrees) > 1 - probability ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }

    private static double Series(double a, double x)
    {
        double term = 1 / a, sum = term;
        for (var n = 1; n < 100_000 && term > sum * 1e-17; n++)
        {
            term *= x / (a + n);
            sum += term;
        }

        return sum;
    }

    /// <summary>Continued fraction (Lentz).</summary>
    private static double Fraction(double a, double x)
    {
        double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
        for (var i = 1; i < 100_000; i++)
        {
            var step = -i * (i - a);
            b += 2;
            d = 1 / NotZero((step * d) + b);
            c = NotZero(b + (step / c));
            h *= d * c;
            if (Math.Abs((d * c) - 1) < 1e-16)
            {
                break;
            }
        }

        return h;

        static double NotZero(double value) => Math.Abs(value) < 1e-300 ? 1e-300 : value;
    }
}
