namespace Lauter.Evaluation.Statistics;

/// <summary>True pass rate behind a judge that errs: Rogan and Gladen's correction with intervals.</summary>
/// <param name="Rate">(p + q0 - 1)/(q0 + q1 - 1); may lie outside [0, 1].</param>
/// <param name="Error">Standard error by the delta method, the labels' own uncertainty included. It is usually most of it.</param>
public readonly record struct CorrectedRate(double Rate, double Error)
{
    /// <summary>The rate within [0, 1].</summary>
    public double Clipped => Math.Clamp(Rate, 0, 1);

    /// <summary>The plug-in interval rate ± z·error, not clipped.</summary>
    public Interval Plain(double confidence)
    {
        var half = ProportionIntervals.Z(confidence) * Error;
        return new Interval(Rate - half, Rate + half);
    }
}

/// <summary>From a judge's pass rate to the true one.</summary>
public static class JudgeCorrection
{
    /// <summary>The correction; null when sensitivity + specificity is not above 1: such a judge says nothing.</summary>
    /// <param name="passRate">The judge's pass rate p over <paramref name="items"/>.</param>
    /// <param name="items">n: items judged.</param>
    /// <param name="specificity">q0: the judge's fail rate on <paramref name="negatives"/> items that people failed.</param>
    /// <param name="negatives">m0.</param>
    /// <param name="sensitivity">q1: its pass rate on <paramref name="positives"/> items that people passed.</param>
    /// <param name="positives">m1.</param>
    public static CorrectedRate? RoganGladen(double passRate, double items, double specificity, double negatives, double sensitivity, double positives)
    {
        var youden = specificity + sensitivity - 1;
        if (!(youden > 0))
        {
            return null;
        }

        var rate = (passRate + specificity - 1) / youden;
        var variance = (passRate * (1 - passRate) / items)
            + ((1 - rate) * (1 - rate) * specificity * (1 - specificity) / negatives)
            + (rate * rate * sensitivity * (1 - sensitivity) / positives);
        return new CorrectedRate(rate, Math.Sqrt(variance) / youden);
    }

    /// <summary>
    /// Lang and Reiczigel's interval (2014), within [0, 1]: the plug-in interval is too short when a rate is near 0 or 1, where
    /// q(1 - q)/m vanishes. Judged counts get z² half-items, calibration counts one item on either side. Null as above.
    /// </summary>
    public static Interval? LangReiczigel(double passes, double items, double rightFails, double negatives, double rightPasses, double positives, double confidence)
    {
        var z = ProportionIntervals.Z(confidence);
        double n = items + (z * z), m0 = negatives + 2, m1 = positives + 2;
        double p = (passes + (z * z / 2)) / n, q0 = (rightFails + 1) / m0, q1 = (rightPasses + 1) / m1;
        if (RoganGladen(p, n, q0, m0, q1, m1) is not { } corrected)
        {
            return null;
        }

        var shift = 2 * z * z * ((corrected.Rate * q1 * (1 - q1) / m1) - ((1 - corrected.Rate) * q0 * (1 - q0) / m0));
        var half = z * corrected.Error;
        return new Interval(Math.Clamp(corrected.Rate + shift - half, 0, 1), Math.Clamp(corrected.Rate + shift + half, 0, 1));
    }
}
