using System.Text.Json;
using Lauter.Evaluation.Metrics.Classes;
using Lauter.Evaluation.Metrics.Texts;

namespace Lauter.Tests.Evaluation;

/// <summary>Classification and calibration against scikit-learn 1.9.1.</summary>
public sealed class ClassesGoldenTests
{
    private const double Tolerance = 1e-9;

    [Fact]
    public void ConfusionMatrix_RecordedLabels_GivesScikitLearnValues()
    {
        foreach (var c in Golden.Shared("classification-edges.json").Items("cases_multiclass"))
        {
            var matrix = ConfusionMatrix.Of(c.Integers("labels"), c.Integers("predictions"), c.GetProperty("n_classes").GetInt32());
            var what = c.Text("note");
            Golden.Close(c.Number("accuracy"), matrix.Accuracy, Tolerance, what);
            Golden.Close(c.Number("balanced_accuracy"), matrix.BalancedAccuracy, Tolerance, what);
            Golden.Close(c.Number("mcc"), matrix.Mcc, Tolerance, what);
            foreach (var (weights, suffix) in new[] { (KappaWeights.None, ""), (KappaWeights.Linear, "_linear"), (KappaWeights.Quadratic, "_quadratic") })
            {
                Golden.Same(c.Real($"kappa{suffix}"), matrix.Kappa(weights), Tolerance, $"{what} kappa{suffix}");
                Golden.Same(c.Real($"kappa_all_labels{suffix}"), matrix.Kappa(weights, allLabels: true), Tolerance, $"{what} kappa all{suffix}");
            }

            foreach (var average in Enum.GetValues<LabelAverage>())
            {
                foreach (var all in new[] { false, true })
                {
                    var key = $"{average}_{(all ? "all" : "present")}".ToLowerInvariant();
                    Same(c.Numbers(key), matrix.Average(average, all), $"{what} {key}");
                }
            }
        }
    }

    [Fact]
    public void Classification_RecordedProbabilities_GivesScikitLearnValues()
    {
        foreach (var c in Golden.Shared("classification.json").Items("cases"))
        {
            int[] labels = c.Integers("labels"), predictions = c.Integers("predictions");
            var probabilities = Probabilities(c);
            var matrix = ConfusionMatrix.Of(labels, predictions, probabilities[0].Length);
            Golden.Close(c.Number("mcc"), matrix.Mcc, Tolerance, "mcc");
            Golden.Close(c.Number("kappa"), matrix.Kappa(), Tolerance, "kappa");
            Golden.Close(c.Number("balanced_accuracy"), matrix.BalancedAccuracy, Tolerance, "balanced accuracy");
            Golden.Close(c.Number("log_loss"), Calibration.LogLoss(probabilities, labels), Tolerance, "log loss");
            Golden.Close(c.Number("brier_sum"), Calibration.Brier(probabilities, labels), Tolerance, "brier");
            double[] top = [.. probabilities.Select(p => p.Max())];
            double[] right = [.. probabilities.Select((p, i) => Array.IndexOf(p, p.Max()) == labels[i] ? 1.0 : 0)];
            var errors = Calibration.Errors(top, right);
            Golden.Close(c.Number("ece15"), errors.Expected, Tolerance, "ece");
            Golden.Close(c.Number("mce15"), errors.Maximum, Tolerance, "mce");
            Golden.Close(c.Number("rmsce15"), errors.RootMeanSquare, Tolerance, "rmsce");
            if (c.TryGetProperty("roc_auc", out var auc) && auc.ValueKind == JsonValueKind.Number)
            {
                double[] scores = [.. probabilities.Select(p => p[1])];
                bool[] positive = [.. labels.Select(l => l == 1)];
                Golden.Close(auc.GetDouble(), ScoreCurves.RocAuc(scores, positive), Tolerance, "roc auc");
                Golden.Close(c.Number("average_precision"), ScoreCurves.AveragePrecision(scores, positive), Tolerance, "average precision");
            }
        }
    }

    [Fact]
    public void Calibration_RecordedEdges_GivesEachRulesValues()
    {
        foreach (var c in Golden.Shared("classification-edges.json").Items("cases_binary"))
        {
            var scores = c.Numbers("scores");
            var labels = c.Integers("labels");
            bool[] positive = [.. labels.Select(l => l == 1)];
            var what = c.Text("kind");
            Golden.Same(c.Real("roc_auc"), ScoreCurves.RocAuc(scores, positive), Tolerance, $"{what} roc auc");
            Golden.Close(c.Number("average_precision"), ScoreCurves.AveragePrecision(scores, positive), Tolerance, $"{what} ap");
            Golden.Close(c.Number("pr_auc_trapezoid"), ScoreCurves.PrecisionRecallTrapezoid(scores, positive), Tolerance, $"{what} pr");
            Golden.Close(c.Number("brier_positive_class"), Calibration.BrierOfEvent(scores, labels), Tolerance, $"{what} brier");
            double[][] both = [.. scores.Select(s => new[] { 1 - s, s })];
            Golden.Close(c.Number("brier_sum_over_classes"), Calibration.Brier(both, labels), Tolerance, $"{what} brier sum");
            Golden.Close(c.Number("log_loss"), Calibration.LogLoss(both, labels), Tolerance, $"{what} log loss");
            Golden.Close(c.Number("log_loss_clip_1e-15"), Calibration.LogLoss(both, labels, 1e-15), Tolerance, $"{what} old log loss");
            if (c.TryGetProperty("roc_auc_delong_variance", out var variance) && variance.ValueKind == JsonValueKind.Number)
            {
                Golden.Close(variance.GetDouble(), ScoreCurves.RocAucVariance(scores, positive), Tolerance, $"{what} delong");
            }

            double[] happened = [.. labels.Select(l => (double)l)];
            double[] top = [.. scores.Select(s => Math.Max(s, 1 - s))];
            double[] topRight = [.. scores.Select((s, i) => (s > 0.5 ? 1 : 0) == labels[i] ? 1.0 : 0)];
            foreach (var bins in new[] { 10, 15 })
            {
                foreach (var (rule, name) in new[] { (BinRule.HighClosed, "lo_open_hi_closed"), (BinRule.LowClosed, "lo_closed_hi_open"), (BinRule.OneAlone, "torchmetrics_form"), (BinRule.Floor, "floor") })
                {
                    Same(c.Numbers($"ece{bins}_binary_{name}"), Calibration.Errors(scores, happened, bins, rule), $"{what} {bins} {name}");
                    Same(c.Numbers($"ece{bins}_top_label_{name}"), Calibration.Errors(top, topRight, bins, rule), $"{what} top {bins} {name}");
                }
            }
        }

        static void Same(double[] expected, CalibrationError actual, string what)
        {
            Golden.Close(expected[0], actual.Expected, Tolerance, $"ece {what}");
            Golden.Close(expected[1], actual.Maximum, Tolerance, $"mce {what}");
            Golden.Close(expected[2], actual.RootMeanSquare, Tolerance, $"rmsce {what}");
        }
    }

    [Fact]
    public void Probabilities_RecordedSets_GivesBrier()
    {
        foreach (var c in Golden.Shared("classification-edges.json").Items("cases_probabilities"))
        {
            Golden.Close(c.Number("brier_sum"), Calibration.Brier(Probabilities(c), c.Integers("labels")), Tolerance, c.Text("kind"));
            Golden.Close(c.Number("log_loss_clip_eps_no_renormalising"), Calibration.LogLoss(Probabilities(c), c.Integers("labels")), Tolerance, c.Text("kind"));
        }
    }

    [Fact]
    public void Calibration_ResearchVectors_GiveTheirValues()
    {
        var errors = Calibration.Errors([.25, .25, .55, .75, .75], [0, 0, 1, 1, 1], 2);
        Assert.Equal(0.29, errors.Expected, 12);
        Assert.Equal(0.316667, errors.Maximum, 6);
        Assert.Equal(0.291833, errors.RootMeanSquare, 6);
        Assert.Equal(0.14, Calibration.Brier([[.7, .2, .1]], [0]), 12);
        Assert.Equal(0.4, Kappa(20, 5, 10, 15), 12);
        Assert.Equal(0.130435, Kappa(45, 15, 25, 15), 6);
        Assert.Equal(0.259259, Kappa(25, 35, 5, 35), 6);

        static double Kappa(int a, int b, int c, int d)
        {
            int[] actual = [.. Enumerable.Repeat(0, a + b), .. Enumerable.Repeat(1, c + d)];
            int[] predicted = [.. Enumerable.Repeat(0, a), .. Enumerable.Repeat(1, b), .. Enumerable.Repeat(0, c), .. Enumerable.Repeat(1, d)];
            return ConfusionMatrix.Of(actual, predicted, 2).Kappa();
        }
    }

    private static double[][] Probabilities(JsonElement c) => [.. c.Items("probabilities").Select(r => r.EnumerateArray().Select(v => v.GetDouble()).ToArray())];

    private static void Same(double[] expected, PrecisionRecall actual, string what)
    {
        Golden.Close(expected[0], actual.Precision, Tolerance, $"precision: {what}");
        Golden.Close(expected[1], actual.Recall, Tolerance, $"recall: {what}");
        Golden.Close(expected[2], actual.F1, Tolerance, $"F1: {what}");
    }
}
