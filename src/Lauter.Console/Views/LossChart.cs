using System.Globalization;
using System.Text;

namespace Lauter.Console.Views;

/// <summary>The loss curve as SVG paths in a box of <see cref="Width"/> × <see cref="Height"/>.</summary>
internal sealed class LossChart
{
    public const int Width = 640;
    public const int Height = 240;
    public const int Left = 44;
    public const int Right = 12;
    public const int Top = 12;
    public const int Bottom = 28;

    /// <summary>More points than pixels only cost bytes on the wire.</summary>
    private const int MaximumPoints = 300;

    private LossChart(LinearScale loss, LinearScale step, string training, string validation, IReadOnlyList<(double X, double Y)> validationPoints)
    {
        Loss = loss;
        Step = step;
        TrainingPath = training;
        ValidationPath = validation;
        ValidationPoints = validationPoints;
    }

    public LinearScale Loss { get; }

    public LinearScale Step { get; }

    public string TrainingPath { get; }

    public string ValidationPath { get; }

    public IReadOnlyList<(double X, double Y)> ValidationPoints { get; }

    /// <summary>The chart; null when there is nothing to draw.</summary>
    public static LossChart? Of(TrainingSection training)
    {
        var points = training.Losses.Where(p => p.Loss is { } l && double.IsFinite(l)).Select(p => (p.Step, Value: p.Loss!.Value)).ToList();
        var validation = training.Losses.Where(p => p.ValidationLoss is { } l && double.IsFinite(l)).Select(p => (p.Step, Value: p.ValidationLoss!.Value)).ToList();
        if (points.Count + validation.Count == 0)
        {
            return null;
        }

        var thinned = Thin(points);
        var loss = LinearScale.Around(thinned.Concat(validation).Select(p => p.Value).Append(0));
        var step = LinearScale.Around([0, Math.Max(1, Math.Max(training.Steps, training.Losses[^1].Step))]);
        return new LossChart(loss, step, PathOf(thinned, step, loss), PathOf(validation, step, loss), [.. validation.Select(p => (X(p.Step, step), Y(p.Value, loss)))]);
    }

    public static double X(double step, LinearScale scale) => Left + (scale.Position(step) * (Width - Left - Right));

    public static double Y(double loss, LinearScale scale) => Height - Bottom - (scale.Position(loss) * (Height - Top - Bottom));

    /// <summary>A coordinate for an SVG attribute.</summary>
    public static string At(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>Means of equal stretches: peaks become softer but none is invented.</summary>
    private static List<(long Step, double Value)> Thin(List<(long Step, double Value)> points)
    {
        if (points.Count <= MaximumPoints)
        {
            return points;
        }

        var thinned = new List<(long, double)>(MaximumPoints);
        for (var i = 0; i < MaximumPoints; i++)
        {
            int from = (int)((long)i * points.Count / MaximumPoints), to = (int)((long)(i + 1) * points.Count / MaximumPoints);
            thinned.Add((points[to - 1].Step, points.Skip(from).Take(to - from).Average(p => p.Value)));
        }

        return thinned;
    }

    private static string PathOf(List<(long Step, double Value)> points, LinearScale step, LinearScale loss)
    {
        var path = new StringBuilder();
        foreach (var (at, value) in points)
        {
            path.Append(path.Length == 0 ? 'M' : 'L').Append(At(X(at, step))).Append(' ').Append(At(Y(value, loss)));
        }

        return path.ToString();
    }
}
