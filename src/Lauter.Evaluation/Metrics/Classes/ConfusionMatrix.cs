using Lauter.Evaluation.Metrics.Texts;

namespace Lauter.Evaluation.Metrics.Classes;

/// <summary>How distance between labels counts in a weighted kappa.</summary>
public enum KappaWeights
{
    /// <summary>Every disagreement is the same.</summary>
    None,

    /// <summary>|i - j|.</summary>
    Linear,

    /// <summary>(i - j)².</summary>
    Quadratic,
}

/// <summary>How per-label values become one.</summary>
public enum LabelAverage
{
    /// <summary>Mean over labels.</summary>
    Macro,

    /// <summary>Counts pooled over labels.</summary>
    Micro,

    /// <summary>Mean weighted by how often a label is true.</summary>
    Weighted,
}

/// <summary>
/// A square table of true by predicted labels with the scores that follow from it, as scikit-learn defines them (division by zero
/// gives 0). Averages go over the labels that occur on either side unless all labels are asked for.
/// </summary>
public sealed class ConfusionMatrix
{
    private readonly long[,] _counts;

    /// <param name="labels">Number of labels; ids are 0 … <paramref name="labels"/> - 1.</param>
    public ConfusionMatrix(int labels)
    {
        _counts = new long[labels, labels];
        Labels = labels;
    }

    /// <summary>A matrix of label ids.</summary>
    public static ConfusionMatrix Of(ReadOnlySpan<int> actual, ReadOnlySpan<int> predicted, int labels)
    {
        var matrix = new ConfusionMatrix(labels);
        for (var i = 0; i < actual.Length; i++)
        {
            matrix._counts[actual[i], predicted[i]]++;
        }

        return matrix;
    }

    /// <summary>Counts <paramref name="times"/> items of one cell.</summary>
    public void Add(int actual, int predicted, long times = 1) => _counts[actual, predicted] += times;

    /// <summary>Number of labels.</summary>
    public int Labels { get; }

    /// <summary>Number of items.</summary>
    public long Items => Enumerable.Range(0, Labels).Sum(Actual);

    /// <summary>Items of true label <paramref name="actual"/> that were given <paramref name="predicted"/>.</summary>
    public long this[int actual, int predicted] => _counts[actual, predicted];

    /// <summary>Share of items on the diagonal.</summary>
    public double Accuracy => Enumerable.Range(0, Labels).Sum(i => _counts[i, i]) / (double)Items;

    /// <summary>Mean recall over the labels that are true somewhere.</summary>
    public double BalancedAccuracy => Enumerable.Range(0, Labels).Where(i => Actual(i) > 0).Average(i => _counts[i, i] / (double)Actual(i));

    /// <summary>Matthews' correlation for any number of labels; 0 when either side is constant.</summary>
    public double Mcc
    {
        get
        {
            double n = Items, correct = 0, cross = 0, actualSquares = 0, predictedSquares = 0;
            for (var i = 0; i < Labels; i++)
            {
                double a = Actual(i), p = Predicted(i);
                correct += _counts[i, i];
                cross += a * p;
                actualSquares += a * a;
                predictedSquares += p * p;
            }

            var product = ((n * n) - actualSquares) * ((n * n) - predictedSquares);
            return product <= 0 ? 0 : ((correct * n) - cross) / Math.Sqrt(product);
        }
    }

    /// <summary>Cohen's kappa; NaN when both sides are the same constant. Weights use the rank of a label among those kept.</summary>
    /// <param name="weights">How distance counts.</param>
    /// <param name="allLabels">Ranks labels that never occur, too.</param>
    public double Kappa(KappaWeights weights = KappaWeights.None, bool allLabels = false)
    {
        var kept = Kept(allLabels);
        double n = Items, observed = 0, expected = 0;
        for (var i = 0; i < kept.Length; i++)
        {
            for (var j = 0; j < kept.Length; j++)
            {
                double gap = Math.Abs(i - j);
                var weight = weights switch { KappaWeights.None => i == j ? 0 : 1, KappaWeights.Linear => gap, _ => gap * gap };
                observed += weight * _counts[kept[i], kept[j]];
                expected += weight * Actual(kept[i]) * Predicted(kept[j]) / n;
            }
        }

        return 1 - (observed / expected);
    }

    /// <summary>Precision, recall and F1 of one label.</summary>
    public PrecisionRecall Label(int label) => Of(_counts[label, label], Predicted(label), Actual(label));

    /// <summary>Averages over labels.</summary>
    public PrecisionRecall Average(LabelAverage average, bool allLabels = false)
    {
        var kept = Kept(allLabels);
        if (average == LabelAverage.Micro)
        {
            return Of(kept.Sum(i => _counts[i, i]), kept.Sum(Predicted), kept.Sum(Actual));
        }

        double p = 0, r = 0, f = 0, total = 0;
        foreach (var label in kept)
        {
            double weight = average == LabelAverage.Macro ? 1 : Actual(label);
            var value = Label(label);
            p += weight * value.Precision;
            r += weight * value.Recall;
            f += weight * value.F1;
            total += weight;
        }

        return new PrecisionRecall(p / total, r / total, f / total);
    }

    /// <summary>How often <paramref name="label"/> is true.</summary>
    public long Actual(int label) => Enumerable.Range(0, Labels).Sum(j => _counts[label, j]);

    /// <summary>How often <paramref name="label"/> is predicted.</summary>
    public long Predicted(int label) => Enumerable.Range(0, Labels).Sum(i => _counts[i, label]);

    private int[] Kept(bool allLabels) => [.. Enumerable.Range(0, Labels).Where(i => allLabels || Actual(i) + Predicted(i) > 0)];

    private static PrecisionRecall Of(long hits, long predicted, long actual) => new(
        predicted == 0 ? 0 : hits / (double)predicted,
        actual == 0 ? 0 : hits / (double)actual,
        predicted + actual == 0 ? 0 : 2.0 * hits / (predicted + actual));
}
