using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>The measures that a recipe's rules read, and where each of their numbers stands in a row of numbers. Immutable.</summary>
internal sealed class MeasurePlan
{
    /// <summary>Every measure there is.</summary>
    public static MeasurePlan All { get; } = new(Measure.All().SelectMany(m => m.Columns));

    private readonly Dictionary<string, int> _columns = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];

    /// <param name="columns">Columns that are read; their measures are taken whole.</param>
    public MeasurePlan(IEnumerable<string> columns)
    {
        var wanted = columns.ToHashSet(StringComparer.Ordinal);
        foreach (var measure in Measure.All())
        {
            if (!measure.Columns.Any(wanted.Contains))
            {
                continue;
            }

            Measures.Add((measure.Name, measure.Version, _names.Count, measure.Columns.Count));
            foreach (var column in measure.Columns)
            {
                _columns[column] = _names.Count;
                _names.Add(column);
            }
        }
    }

    /// <summary>Name, version, first column and number of columns of each measure.</summary>
    public List<(string Name, int Version, int First, int Count)> Measures { get; } = [];

    /// <summary>All columns in order.</summary>
    public IReadOnlyList<string> Columns => _names;

    /// <summary>Position of a column.</summary>
    public int this[string column] => _columns[column];

    /// <summary>Instances for one worker, in the order of <see cref="Measures"/>.</summary>
    public Measure[] Open() => [.. Measure.All().Where(m => Measures.Exists(x => x.Name == m.Name))];
}
