namespace Lauter.Evaluation.Statistics;

/// <summary>Student's test of a mean of differences, plain or by cluster.</summary>
public static class StudentTests
{
    /// <summary>
    /// Mean, its standard error, two-sided p of "the mean is 0" and the interval. With clusters the error is the sandwich (CR1) and the
    /// degrees of freedom are clusters - 1. NaN below two clusters.
    /// </summary>
    public static (double Mean, double Error, double P, Interval Interval) Paired(ReadOnlySpan<double> differences, double confidence, ClusterIndex? clusters = null)
    {
        var mean = ClusteredErrors.Mean(differences);
        var error = clusters is { IsClustered: true } ? ClusteredErrors.Sandwich(differences, clusters) : ClusteredErrors.Independent(differences);
        var degrees = (clusters is { IsClustered: true } ? clusters.Count : differences.Length) - 1;
        if (degrees < 1)
        {
            return (mean, double.NaN, double.NaN, new Interval(double.NaN, double.NaN));
        }

        var t = BetaFunction.StudentQuantile(0.5 + (confidence / 2), degrees);
        var p = error > 0 ? Math.Min(1, 2 * BetaFunction.StudentUpperTail(Math.Abs(mean / error), degrees)) : mean == 0 ? 1 : 0;
        return (mean, error, p, new Interval(mean - (t * error), mean + (t * error)));
    }
}
