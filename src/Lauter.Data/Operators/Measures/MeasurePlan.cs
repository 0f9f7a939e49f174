using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>The measures that a recipe's rules read, and where each of their numbers stands in a row of numbers. Immutable.</summary>
internal sealed class MeasurePlan
{
    /// <summary>Every measure there is.</summary>
    public static MeasurePlan All { get; } = new(Measure.Plain.SelectMany(m => m().Columns));

    private readonly Dictionary<string, int> _columns = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly List<Func<Measure>> _factories = [];

    /// <param name="columns">Columns that are read; their measures are taken whole.</param>
    /// <param name="configured">Makers of measures that need a file of the recipe.</param>
    public MeasurePlan(IEnumerable<string> columns, IEnumerable<Func<Measure>>? configured = null)
    {
        var wanted = columns.ToHashSet(StringComparer.Ordinal);
        foreach (var factory in Measure.Plain.Concat(configured ?? []))
        {
            var measure = factory();
            if (!measure.Columns.Any(wanted.Contains))
            {
                continue;
            }

            _factories.Add(factory);

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

    /// <summary>Position of a column, null when nothing measures it.</summary>
    public int? Find(string column) => _columns.TryGetValue(column, out var at) ? at : null;

    /// <summary>Instances for one worker, in the order of <see cref="Measures"/>.</summary>
    public Measure[] Open() => [.. _factories.Select(f => f())];
}
