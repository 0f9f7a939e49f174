using Lauter.Data.Operators;
using Lauter.Data.Splits;

namespace Lauter.Data.Examples;

/// <summary>What to make of labelled rows.</summary>
public sealed record ExampleOptions
{
    /// <summary>Fields that the model gets. Texts among them are cleaned; the first text is the main text.</summary>
    public required IReadOnlyList<string> InputFields { get; init; }

    /// <summary>Fields that the model is to give: the labels, left as they are.</summary>
    public required IReadOnlyList<string> OutputFields { get; init; }

    /// <summary>Shares of the parts.</summary>
    public SplitOptions Split { get; init; } = new();

    /// <summary>Operators; null runs none.</summary>
    public Recipe? Recipe { get; init; }

    /// <summary>Field with the row's own id; a row without it gets one derived from source and line.</summary>
    public string IdField { get; init; } = "id";

    /// <summary>Field with <c>en</c> or <c>zh</c>; a row without it, or with another value, is detected.</summary>
    public string LanguageField { get; init; } = "language";

    /// <summary>Boolean field that marks rows whose labels a person has checked: <c>resolve_labels</c> trusts them first.</summary>
    public string ReviewedField { get; init; } = "reviewed";

    /// <summary>
    /// Field that holds the row's part itself (<c>train</c>, <c>validation</c>, <c>test</c>); null: the shares of <see cref="Split"/> decide. A row whose
    /// near-copy stands in a later part is dropped as <c>leaks_into_test</c> or <c>leaks_into_validation</c>.
    /// </summary>
    public string? SplitField { get; init; }

    /// <summary>Parts of clusters in an earlier version of this dataset (<see cref="ExampleDataset.SplitsOf"/>); they are kept.</summary>
    public IReadOnlyDictionary<string, string>? EarlierSplits { get; init; }
}

/// <summary>What was done. Everything but the time is also in <c>report.json</c>.</summary>
public sealed record ExampleReport
{
    /// <summary>Source rows.</summary>
    public required int RowsIn { get; init; }

    /// <summary>Kept rows.</summary>
    public required int RowsOut { get; init; }

    /// <summary>Near-duplicate clusters among the kept rows.</summary>
    public required int Clusters { get; init; }

    /// <summary>Dropped rows by reason.</summary>
    public required IReadOnlyDictionary<string, int> Dropped { get; init; }

    /// <summary>Kept rows by language.</summary>
    public required IReadOnlyDictionary<string, int> ByLanguage { get; init; }

    /// <summary>Kept rows by part.</summary>
    public required IReadOnlyDictionary<string, int> BySplit { get; init; }

    /// <summary>Masked personal data by kind.</summary>
    public required IReadOnlyDictionary<string, int> Redactions { get; init; }

    /// <summary>Wall time; not stored.</summary>
    public required TimeSpan Elapsed { get; init; }
}
