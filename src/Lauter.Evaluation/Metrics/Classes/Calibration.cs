using Lauter.Evaluation.Statistics;

namespace Lauter.Evaluation.Metrics.Classes;

/// <summary>Which bin owns a confidence on an edge. The four rules in use differ by points on round confidences, so the rule is part of the signature.</summary>
public enum BinRule
{
    /// <summary>(low, high], 0 in the first bin. The default here.</summary>
    HighClosed,

    /// <summary>[low, high), 1 in the last bin.</summary>
    LowClosed,

    /// <summary>[low, high), 1 in a bin of its own (torchmetrics).</summary>
    OneAlone,

    /// <summary>The whole part of confidence × bins, 1 in the last bin.</summary>
    Floor,
}

/// <summary>Gap between stated confidence and accuracy over equal-width bins.</summary>
/// <param name="Expected">ECE: mean gap weighted by items.</param>
/// <param name="Maximum">MCE: largest gap.</param>
/// <param name="RootMeanSquare">Root of the weighted mean of squared gaps.</param>
public readonly record struct CalibrationError(double Expected, double Maximum, double RootMeanSquare);

/// <summary>How well stated probabilities agree with what happened.</summary>
public static class Calibration
{
    /// <summary>Errors over <paramref name="bins"/> equal bins of [0, 1] (default 15); NaN without items.</summary>
    /// <param name="confidence">Stated confidence of each item, 0 to 1.</param>
    /// <param name="right">1 where the item came true.</param>
    /// <param name="bins">Number of bins.</param>
    /// <param name="rule">Who owns an edge.</param>
    public static CalibrationError Errors(ReadOnlySpan<double> confidence, ReadOnlySpan<double> right, int bins = 15, BinRule rule = BinRule.HighClosed)
    {
        var sums = new (double Confidence, double Right, int Count)[bins + 1];
        for (var i = 0; i < confidence.Length; i++)
        {
            ref var bin = ref sums[Bin(confidence[i], bins, rule)];
            bin.Confidence += confidence[i];
            bin.Right += right[i];
            bin.Count++;
        }

        double expected = 0, maximum = 0, squares = 0;
        foreach (var (stated, happened, count) in sums)
        {
            if (count == 0)
            {
                continue;
            }

            var gap = Math.Abs((happened / count) - (stated / count));
            var share = count / (double)confidence.Length;
            expected += share * gap;
            squares += share * gap * gap;
            maximum = Math.Max(maximum, gap);
        }

        return confidence.IsEmpty ? new CalibrationError(double.NaN, double.NaN, double.NaN) : new CalibrationError(expected, maximum, Math.Sqrt(squares));
    }

    /// <summary>The bin of one confidence.</summary>
    public static int Bin(double confidence, int bins, BinRule rule = BinRule.HighClosed)
    {
        if (rule == BinRule.Floor)
        {
            return Math.Clamp((int)Math.Floor(confidence * bins), 0, bins - 1);
        }

        // Compared with the edges as k × (1/bins), so that 0.3 of ten bins lies where the reference puts it.
        var width = 1.0 / bins;
        var edges = 0;
        for (var k = 1; k <= bins; k++)
        {
            var edge = k == bins ? 1 : k * width;
            edges += rule == BinRule.HighClosed ? edge < confidence ? 1 : 0 : edge <= confidence ? 1 : 0;
        }

        return rule == BinRule.OneAlone ? edges : Math.Min(edges, bins - 1);
    }

    /// <summary>Brier score in the form summed over classes, 0 to 2: mean of Σ (p - 1[label])². Half of it is the binary form others print.</summary>
    public static double Brier(IReadOnlyList<IReadOnlyList<double>> probabilities, IReadOnlyList<int> labels) =>
        Enumerable.Range(0, labels.Count).Average(i => probabilities[i].Select((p, k) => Square(p - (k == labels[i] ? 1 : 0))).Sum());

    /// <summary>Brier score of the stated probability of one event, 0 to 1: mean of (p - y)².</summary>
    public static double BrierOfEvent(IReadOnlyList<double> probabilities, IReadOnlyList<int> happened) =>
        Enumerable.Range(0, happened.Count).Average(i => Square(probabilities[i] - happened[i]));

    /// <summary>Mean of -ln p(label); probabilities are clipped to [ε, 1 - ε] of a double, as scikit-learn does now.</summary>
    public static double LogLoss(IReadOnlyList<IReadOnlyList<double>> probabilities, IReadOnlyList<int> labels, double clip = 2.220446049250313e-16) =>
        Enumerable.Range(0, labels.Count).Average(i => -Math.Log(Math.Clamp(probabilities[i][labels[i]], clip, 1 - clip)));

    private static double Square(double x) => x * x;
}

/// <summary>Scores that order items by a number: areas under curves.</summary>
public static class ScoreCurves
{
    /// <summary>Chance that a positive item scores above a negative one, ties half. NaN without both kinds.</summary>
    public static double RocAuc(IReadOnlyList<double> scores, IReadOnlyList<bool> positive)
    {
        var ranks = Ranks.Middle([.. scores]);
        double sum = 0, yes = 0;
        for (var i = 0; i < ranks.Length; i++)
        {
            sum += positive[i] ? ranks[i] : 0;
            yes += positive[i] ? 1 : 0;
        }

        var no = ranks.Length - yes;
        return (sum - (yes * (yes + 1) / 2)) / (yes * no);
    }

    /// <summary>Variance of <see cref="RocAuc"/> by DeLong's placements; needs two items of each kind.</summary>
    public static double RocAucVariance(IReadOnlyList<double> scores, IReadOnlyList<bool> positive)
    {
        double[] yes = [.. scores.Where((_, i) => positive[i])], no = [.. scores.Where((_, i) => !positive[i])];
        double[] above = [.. yes.Select(y => no.Average(n => y > n ? 1 : y == n ? 0.5 : 0))];
        double[] below = [.. no.Select(n => yes.Average(y => y > n ? 1 : y == n ? 0.5 : 0))];
        return (Variance(above) / yes.Length) + (Variance(below) / no.Length);

        static double Variance(double[] v)
        {
            var mean = v.Average();
            return v.Sum(x => (x - mean) * (x - mean)) / (v.Length - 1);
        }
    }

    /// <summary>Σ (R_n - R_(n-1)) P_n over distinct scores, highest first: no interpolation.</summary>
    public static double AveragePrecision(IReadOnlyList<double> scores, IReadOnlyList<bool> positive)
    {
        double sum = 0, before = 0;
        foreach (var (precision, recall) in Curve(scores, positive))
        {
            sum += (recall - before) * precision;
            before = recall;
        }

        return sum;
    }

    /// <summary>Area under the precision–recall curve by straight lines: optimistic, for comparison only.</summary>
    public static double PrecisionRecallTrapezoid(IReadOnlyList<double> scores, IReadOnlyList<bool> positive)
    {
        double sum = 0, recallBefore = 0, precisionBefore = 1;
        foreach (var (precision, recall) in Curve(scores, positive))
        {
            sum += (recall - recallBefore) * (precision + precisionBefore) / 2;
            (recallBefore, precisionBefore) = (recall, precision);
        }

        return sum;
    }

    private static IEnumerable<(double Precision, double Recall)> Curve(IReadOnlyList<double> scores, IReadOnlyList<bool> positive)
    {
        double total = positive.Count(p => p), hits = 0, seen = 0;
        foreach (var group in Enumerable.Range(0, scores.Count).GroupBy(i => scores[i]).OrderByDescending(g => g.Key))
        {
            foreach (var i in group)
            {
                hits += positive[i] ? 1 : 0;
                seen++;
            }

            yield return (hits / seen, hits / total);
        }
    }
}
