namespace Lauter.Evaluation.Metrics;

/// <summary>Per-label counts of a classification; labels are small integers, -1 a prediction that names no label.</summary>
public sealed class ConfusionCounts
{
    private readonly int[] _truePositives;
    private readonly int[] _predicted;
    private readonly int[] _actual;

    /// <param name="labels">How many labels there are; label ids are 0 … <paramref name="labels"/> - 1.</param>
    public ConfusionCounts(int labels)
    {
        _truePositives = new int[labels];
        _predicted = new int[labels];
        _actual = new int[labels];
    }

    /// <summary>Counts one item.</summary>
    public void Add(int actual, int predicted)
    {
        _actual[actual]++;
        if (predicted < 0)
        {
            return;
        }

        _predicted[predicted]++;
        if (predicted == actual)
        {
            _truePositives[actual]++;
        }
    }

    /// <summary>Forgets all items.</summary>
    public void Clear()
    {
        Array.Clear(_truePositives);
        Array.Clear(_predicted);
        Array.Clear(_actual);
    }

    /// <summary>Precision of <paramref name="label"/>, 0 when it was never predicted.</summary>
    public double Precision(int label) => Ratio(_truePositives[label], _predicted[label]);

    /// <summary>Recall of <paramref name="label"/>, 0 when it never occurs.</summary>
    public double Recall(int label) => Ratio(_truePositives[label], _actual[label]);

    /// <summary>F1 of <paramref name="label"/>: 2·TP / (predicted + actual), 0 when it never occurs.</summary>
    public double F1(int label) => Ratio(2 * _truePositives[label], _predicted[label] + _actual[label]);

    /// <summary>How often <paramref name="label"/> is the right answer.</summary>
    public int Support(int label) => _actual[label];

    /// <summary>Mean precision over the labels that occur on either side; NaN when none does.</summary>
    public double MacroPrecision() => MeanOverSeen(Precision);

    /// <summary>Mean recall over the labels that occur on either side; NaN when none does.</summary>
    public double MacroRecall() => MeanOverSeen(Recall);

    /// <summary>Mean F1 over the labels that occur on either side (scikit-learn's macro average); NaN when none does.</summary>
    public double MacroF1() => MeanOverSeen(F1);

    /// <summary>F1 weighted by support; NaN when nothing was counted.</summary>
    public double WeightedF1()
    {
        double sum = 0;
        long items = 0;
        for (var label = 0; label < _actual.Length; label++)
        {
            sum += F1(label) * _actual[label];
            items += _actual[label];
        }

        return items == 0 ? double.NaN : sum / items;
    }

    private double MeanOverSeen(Func<int, double> value)
    {
        double sum = 0;
        var seen = 0;
        for (var label = 0; label < _actual.Length; label++)
        {
            if (_actual[label] + _predicted[label] > 0)
            {
                sum += value(label);
                seen++;
            }
        }

        return seen == 0 ? double.NaN : sum / seen;
    }

    private static double Ratio(int part, int whole) => whole == 0 ? 0 : (double)part / whole;
}
