using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Evaluation.Metrics.Classes;

namespace Lauter.Evaluation.Metrics;

/// <summary>The mean of a score of each item. An item without a usable answer (null) has the worst score.</summary>
internal sealed class ItemMetric(string name, string signature, Func<MetricRow, double?> score, bool higherIsBetter = true, double worst = 0) : IMetric
{
    public string Name => name;

    public MetricTable Measure(IReadOnlyList<MetricRow> rows)
    {
        var scores = new double[rows.Count];
        var flat = new double[rows.Count * 2];
        var unusable = 0;
        for (var i = 0; i < scores.Length; i++)
        {
            var value = rows[i].Failure is null ? score(rows[i]) : null;
            unusable += value is null ? 1 : 0;
            flat[2 * i] = scores[i] = value ?? worst;
            flat[(2 * i) + 1] = 1;
        }

        return new MetricTable(name, signature, 2, flat, sums => sums[0] / sums[1], unusable) { ItemScores = scores, HigherIsBetter = higherIsBetter };
    }
}

/// <summary>A metric of summed counts.</summary>
internal sealed class SumMetric(
    string name, Func<IReadOnlyList<MetricRow>, string> signature, int width, SumMetric.Count count, ValueOfSums value, bool higherIsBetter = true, bool bySentence = true,
    Func<MetricRow, bool>? usable = null) : IMetric
{
    public delegate void Count(MetricRow row, Span<double> sums);

    public string Name => name;

    public MetricTable Measure(IReadOnlyList<MetricRow> rows)
    {
        var flat = new double[rows.Count * width];
        var scores = new double[rows.Count];
        Parallel.For(0, rows.Count, i =>
        {
            count(rows[i], flat.AsSpan(i * width, width));
            scores[i] = value(flat.AsSpan(i * width, width));
        });
        return new MetricTable(name, signature(rows), width, flat, value, rows.Count(r => r.Failure is not null || r.Prediction is null || usable?.Invoke(r) == false))
        {
            ItemScores = bySentence ? scores : null,
            HigherIsBetter = higherIsBetter,
        };
    }
}

/// <summary>A metric of true and predicted labels. An unanswered item is predicted as a label of its own that is never true.</summary>
internal sealed class LabelMetric(string name, string signature, Func<ConfusionMatrix, double> value) : IMetric
{
    /// <summary>A row holds one cell of the table; beyond this many labels a dense row would not be worth its memory.</summary>
    private const int MostLabels = 1_000;

    public string Name => name;

    public MetricTable Measure(IReadOnlyList<MetricRow> rows)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        int[] actual = [.. rows.Select(r => Id(r.References.Count > 0 ? r.References[0] : null))];
        int[] predicted = [.. rows.Select(r => r.Failure is null && r.Prediction is not null ? Id(r.Prediction) : Id(JsonValue.Create("\0unanswered")))];
        if (ids.Count > MostLabels)
        {
            throw new InvalidDataException($"{name}: {ids.Count} different labels; at most {MostLabels} are supported. Is this free text?");
        }

        // Only the indices travel in the rows: the matrix is made of them at the end.
        var labels = ids.Count;
        return new LabelTable(name, signature, actual, predicted, labels, value).Table(rows.Count(r => r.Failure is not null || r.Prediction is null));

        int Id(JsonNode? label)
        {
            var key = Encoding.UTF8.GetString(CanonicalJson.Serialize(label));
            if (!ids.TryGetValue(key, out var id))
            {
                ids[key] = id = ids.Count;
            }

            return id;
        }
    }

    private sealed class LabelTable(string name, string signature, int[] actual, int[] predicted, int labels, Func<ConfusionMatrix, double> value)
    {
        public MetricTable Table(int unusable)
        {
            // Cells that occur, each a column: a resample then sums counts of cells.
            var cells = new Dictionary<(int, int), int>();
            foreach (var cell in actual.Zip(predicted))
            {
                cells.TryAdd(cell, cells.Count);
            }

            var width = Math.Max(1, cells.Count);
            var flat = new double[actual.Length * width];
            for (var i = 0; i < actual.Length; i++)
            {
                flat[(i * width) + cells[(actual[i], predicted[i])]] = 1;
            }

            return new MetricTable(name, signature, width, flat, Value, unusable);

            double Value(ReadOnlySpan<double> sums)
            {
                var matrix = new ConfusionMatrix(labels);
                foreach (var ((a, p), column) in cells)
                {
                    matrix.Add(a, p, (long)sums[column]);
                }

                return value(matrix);
            }
        }
    }
}

/// <summary>Options of a metric's name: <c>name:key=value,key=value</c>.</summary>
internal sealed class MetricOptions(string metric, Dictionary<string, string> given)
{
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public string Choice(string key, string standard, params string[] allowed)
    {
        _asked.Add(key);
        var value = given.GetValueOrDefault(key, standard);
        return allowed.Length == 0 || allowed.Contains(value, StringComparer.Ordinal)
            ? value
            : throw new FormatException($"{metric}: '{key}={value}' is not one of {string.Join(", ", allowed)}.");
    }

    public bool Flag(string key) => Choice(key, "no", "yes", "no") == "yes";

    public double? Number(string key, double low, double high)
    {
        _asked.Add(key);
        return !given.TryGetValue(key, out var text) ? null
            : double.TryParse(text, CultureInfo.InvariantCulture, out var value) && value >= low && value <= high ? value
            : throw new FormatException($"{metric}: '{key}={text}' is not a number from {low} to {high}.");
    }

    /// <summary>Faults an option that nobody asked for.</summary>
    public void Close()
    {
        if (given.Keys.FirstOrDefault(k => !_asked.Contains(k)) is { } stranger)
        {
            throw new FormatException($"{metric} has no option '{stranger}'; it takes {(_asked.Count == 0 ? "none" : string.Join(", ", _asked.Order(StringComparer.Ordinal)))}.");
        }
    }
}
