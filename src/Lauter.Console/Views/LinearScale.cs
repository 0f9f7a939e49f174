using System.Globalization;

namespace Lauter.Console.Views;

/// <summary>Maps values onto 0 to 1 of a track, with round marks.</summary>
internal sealed class LinearScale
{
    private LinearScale(double from, double to, double step)
    {
        From = from;
        To = to;
        Step = step;
    }

    public double From { get; }

    public double To { get; }

    /// <summary>Distance of two marks: 1, 2 or 5 times a power of ten.</summary>
    public double Step { get; }

    /// <summary>The marks, ends included.</summary>
    public IEnumerable<double> Marks
    {
        get
        {
            var count = (int)Math.Round((To - From) / Step);
            for (var i = 0; i <= count; i++)
            {
                // From rounded values, so that a mark at zero is exactly zero.
                yield return Math.Round((From / Step) + i) * Step;
            }
        }
    }

    /// <summary>The smallest scale with round ends that holds all finite <paramref name="values"/>.</summary>
    public static LinearScale Around(IEnumerable<double> values, int marks = 5, double? lowest = null, double? highest = null)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        foreach (var value in values.Where(double.IsFinite))
        {
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }

        if (low > high)
        {
            (low, high) = (0, 1);
        }

        if (high - low < 1e-9)
        {
            var room = Math.Max(Math.Abs(high) * 0.1, 0.01);
            (low, high) = (low - room, high + room);
        }

        var raw = (high - low) / Math.Max(1, marks);
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var step = (raw / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 } * power;
        var from = Math.Floor((low / step) + 1e-9) * step;
        var to = Math.Ceiling((high / step) - 1e-9) * step;
        if (lowest is { } least && from < least)
        {
            from = least;
        }

        if (highest is { } most && to > most)
        {
            to = most;
        }

        return new LinearScale(from, to, step);
    }

    /// <summary>Position on the track, kept within 0 and 1.</summary>
    public double Position(double value) => Math.Clamp((value - From) / (To - From), 0, 1);

    /// <summary>Position as a CSS percentage.</summary>
    public string Percent(double value) => Css(Position(value));

    /// <summary>A share as a CSS percentage.</summary>
    public static string Css(double share) => (Math.Clamp(double.IsFinite(share) ? share : 0, 0, 1) * 100).ToString("0.###", CultureInfo.InvariantCulture) + "%";
}
