namespace Lauter.Console;

/// <summary>What the page of a dataset version asks for.</summary>
public interface IDataVersions
{
    /// <summary>A version; null when the project has no dataset that was built.</summary>
    DataVersion? Version(DataQuery query);
}

/// <summary>Which version, and which row of it.</summary>
/// <param name="Dataset">Name in the project file; null = the first.</param>
/// <param name="Row">Id of a row whose history is asked for; null = none.</param>
public sealed record DataQuery(string? Dataset, string? Row);

/// <summary>What became of the rows of a dataset version, or of a run over plain files.</summary>
public sealed record DataVersion
{
    /// <summary>Name of the dataset, or of the run's directory.</summary>
    public required string Name { get; init; }

    /// <summary>Datasets to choose from; empty in a report.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary><c>documents</c>, <c>examples</c> …; null for a run.</summary>
    public string? Kind { get; init; }

    /// <summary>SHA-256 of the version's manifest; null for a run.</summary>
    public string? Hash { get; init; }

    /// <summary>Rows read.</summary>
    public required long Read { get; init; }

    /// <summary>Rows kept.</summary>
    public required long Kept { get; init; }

    /// <summary>What dropped how many, in order.</summary>
    public required IReadOnlyList<FunnelView> Funnel { get; init; }

    /// <summary>Texts that each edit changed.</summary>
    public required IReadOnlyList<CountView> Changed { get; init; }

    /// <summary>Masked personal data by kind.</summary>
    public required IReadOnlyList<CountView> Masked { get; init; }

    /// <summary>Kept rows by language.</summary>
    public required IReadOnlyList<CountView> Languages { get; init; }

    /// <summary>Measured numbers.</summary>
    public required IReadOnlyList<HistogramView> Histograms { get; init; }

    /// <summary>Dropped rows by reason, the most frequent first.</summary>
    public required IReadOnlyList<RejectView> Rejects { get; init; }

    /// <summary>The history of the row that was asked for; null when none was.</summary>
    public RowHistory? Row { get; init; }
}

/// <summary>One stage of the funnel.</summary>
/// <param name="Stage">Operator or reader.</param>
/// <param name="Dropped">Rows that it dropped.</param>
/// <param name="Left">Rows left after it.</param>
public sealed record FunnelView(string Stage, long Dropped, long Left);

/// <summary>One measured number as bars.</summary>
/// <param name="Measure">What was measured.</param>
/// <param name="Language">Of the texts.</param>
/// <param name="IsCount">Bars are powers of two; otherwise equal parts of 0 to 1.</param>
/// <param name="Bars">Rows in each.</param>
public sealed record HistogramView(string Measure, string Language, bool IsCount, IReadOnlyList<long> Bars);

/// <summary>Dropped rows of one reason.</summary>
/// <param name="Reason">Stable code.</param>
/// <param name="Count">How many.</param>
/// <param name="Samples">Some of them.</param>
public sealed record RejectView(string Reason, long Count, IReadOnlyList<RejectedRow> Samples);

/// <summary>One dropped row.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Source">Its file, with line or page when there is one.</param>
/// <param name="Stage">What dropped it.</param>
/// <param name="Detail">The value seen and the limit, or what it copies.</param>
/// <param name="Text">Its beginning, personal data masked.</param>
public sealed record RejectedRow(string Id, string Source, string Stage, string Detail, string Text);

/// <summary>What happened to one row.</summary>
/// <param name="Id">The id that was asked for.</param>
/// <param name="Kept">True: it is in the version; false: it was dropped; null: there is no such row.</param>
/// <param name="Source">Its file.</param>
/// <param name="Events">What happened, in order.</param>
/// <param name="Text">Its text, or the beginning of it.</param>
/// <param name="Members">Language, cluster, part and so on.</param>
/// <param name="Models">Models that were trained on it.</param>
public sealed record RowHistory(string Id, bool? Kept, string Source, IReadOnlyList<RejectedRow> Events, string Text, IReadOnlyList<(string Name, string Value)> Members, IReadOnlyList<string> Models);
