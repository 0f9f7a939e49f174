namespace Lauter.Data.Documents;

/// <summary>What reading gave. Everything but the time is also in <c>report.json</c>.</summary>
public sealed record ReadReport
{
    /// <summary>Source files.</summary>
    public required int FilesIn { get; init; }

    /// <summary>Documents; containers give several.</summary>
    public required int DocumentsOut { get; init; }

    /// <summary>Files and parts that could not be read, by reason.</summary>
    public required IReadOnlyDictionary<string, int> Rejected { get; init; }

    /// <summary>Documents by format.</summary>
    public required IReadOnlyDictionary<string, int> ByFormat { get; init; }

    /// <summary>Characters of all documents.</summary>
    public required long Characters { get; init; }

    /// <summary>Wall time; not stored.</summary>
    public required TimeSpan Elapsed { get; init; }
}

/// <summary>What cleaning did. Everything but time and reuse is also in <c>report.json</c>.</summary>
public sealed record CleanReport
{
    /// <summary>Documents before.</summary>
    public required int DocumentsIn { get; init; }

    /// <summary>Documents after.</summary>
    public required int DocumentsOut { get; init; }

    /// <summary>Dropped documents by reason, those that could not be read included.</summary>
    public required IReadOnlyDictionary<string, int> Dropped { get; init; }

    /// <summary>Dropped documents by the operator or reader that dropped them.</summary>
    public required IReadOnlyDictionary<string, int> DroppedBy { get; init; }

    /// <summary>Kept documents by language.</summary>
    public required IReadOnlyDictionary<string, int> ByLanguage { get; init; }

    /// <summary>Kept documents by format.</summary>
    public required IReadOnlyDictionary<string, int> ByFormat { get; init; }

    /// <summary>Masked personal data by kind.</summary>
    public required IReadOnlyDictionary<string, int> Redactions { get; init; }

    /// <summary>Documents whose encoding was repaired.</summary>
    public required int Repaired { get; init; }

    /// <summary>Navigation blocks left out.</summary>
    public required int NavigationBlocks { get; init; }

    /// <summary>Boilerplate lines left out.</summary>
    public required int BoilerplateLines { get; init; }

    /// <summary>True when stored scores served and no text was edited or measured.</summary>
    public required bool ScoresReused { get; init; }

    /// <summary>Wall time; not stored.</summary>
    public required TimeSpan Elapsed { get; init; }
}
