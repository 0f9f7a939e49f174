namespace Lauter.Evaluation.Statistics;

/// <summary>Gamma and incomplete beta functions, and what follows from them: binomial and Student tails.</summary>
public static class BetaFunction
{
    /// <summary>ln Γ(x) for x > 0: Stirling's series after shifting the argument above 15.</summary>
    public static double LogGamma(double x)
    {
        double shift = 0;
        while (x < 15)
        {
            shift += Math.Log(x);
            x++;
        }

        var r = 1 / (x * x);
        var series = ((1.0 / 12) - (r * ((1.0 / 360) - (r * ((1.0 / 1260) - (r * ((1.0 / 1680) - (r / 1188)))))))) / x;
        return ((x - 0.5) * Math.Log(x)) - x + (0.5 * Math.Log(2 * Math.PI)) + series - shift;
    }

    /// <summary>ln of the number of ways to choose <paramref name="k"/> of <paramref name="n"/>.</summary>
    public static double LogChoose(double n, double k) => LogGamma(n + 1) - LogGamma(k + 1) - LogGamma(n - k + 1);

    /// <summary>Regularised incomplete beta I_x(a, b): P(X ≤ x) for X ~ Beta(a, b).</summary>
    public static double Regularised(double x, double a, double b)
    {
        if (x <= 0)
        {
            return 0;
        }

        if (x >= 1)
        {
            return 1;
        }

        var front = Math.Exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + (a * Math.Log(x)) + (b * double.LogP1(-x)));
        return x < (a + 1) / (a + b + 2) ? front * Fraction(x, a, b) / a : 1 - (front * Fraction(1 - x, b, a) / b);
    }

    /// <summary>The x with I_x(a, b) = <paramref name="probability"/>, by bisection to the last bit.</summary>
    public static double Quantile(double probability, double a, double b)
    {
        double low = 0, high = 1;
        for (var i = 0; i < 200 && low < high; i++)
        {
            var middle = (low + high) / 2;
            if (middle <= low || middle >= high)
            {
                break;
            }

            if (Regularised(middle, a, b) < probability)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        return (low + high) / 2;
    }

    /// <summary>P(T > t) of Student's distribution with <paramref name="degrees"/> > 0 degrees of freedom.</summary>
    public static double StudentUpperTail(double t, double degrees)
    {
        var tail = 0.5 * Regularised(degrees / (degrees + (t * t)), degrees / 2, 0.5);
        return t >= 0 ? tail : 1 - tail;
    }

    /// <summary>The t with P(T ≤ t) = <paramref name="probability"/>, for 0 &lt; probability &lt; 1.</summary>
    public static double StudentQuantile(double probability, double degrees)
    {
        if (probability < 0.5)
        {
            return -StudentQuantile(1 - probability, degrees);
        }

        var x = Quantile(2 * (1 - probability), degrees / 2, 0.5);
        return Math.Sqrt(degrees * (1 - x) / x);
    }

    /// <summary>Continued fraction of the incomplete beta (Lentz), even and odd steps together.</summary>
    private static double Fraction(double x, double a, double b)
    {
        const double Tiny = 1e-300;
        double c = 1, d = 1 / NotZero(1 - ((a + b) * x / (a + 1))), h = d;
        for (var m = 1; m <= 10_000; m++)
        {
            var even = m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)));
            d = 1 / NotZero(1 + (even * d));
            c = NotZero(1 + (even / c));
            h *= d * c;
            var odd = -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            d = 1 / NotZero(1 + (odd * d));
            c = NotZero(1 + (odd / c));
            h *= d * c;
            if (Math.Abs((d * c) - 1) < 1e-16)
            {
                break;
            }
        }

        return h;

        static double NotZero(double value) => Math.Abs(value) < Tiny ? Tiny : value;
    }
}
