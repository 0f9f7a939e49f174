using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>
/// A scorer: reads a text once and writes numbers; rules compare them with thresholds later, so another threshold reads no text. Instances hold
/// buffers and serve one worker.
/// </summary>
internal abstract class Measure
{
    /// <summary>Stable name; part of cache keys.</summary>
    public abstract string Name { get; }

    /// <summary>Raised when the same text gives other numbers.</summary>
    public abstract int Version { get; }

    /// <summary>Names of the numbers, in the order in which <see cref="Take"/> writes them.</summary>
    public abstract IReadOnlyList<string> Columns { get; }

    /// <summary>Measures.</summary>
    /// <param name="text">Cut already.</param>
    /// <param name="values">As many as there are columns.</param>
    public abstract void Take(TextView text, Span<double> values);

    /// <summary>Makers of every measure that needs nothing but the text; their columns have different names.</summary>
    public static IReadOnlyList<Func<Measure>> Plain { get; } =
    [
        () => new ShapeMeasure(), () => new WordMeasure(), () => new RepetitionMeasure(), () => new LineMeasure(), () => new CharacterRepetitionMeasure(), () => new EncodingMeasure(),
        () => new StopWordMeasure(),
    ];

    protected static double Ratio(double part, double whole) => whole == 0 ? 0 : part / whole;
}
