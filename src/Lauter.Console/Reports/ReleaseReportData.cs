namespace Lauter.Console.Reports;

/// <summary>Everything an acceptance report shows of one release. A part that is null does not belong to the release.</summary>
public sealed record ReleaseReportData
{
    /// <summary>Name of the project.</summary>
    public required string Project { get; init; }

    /// <summary>Name of the application.</summary>
    public required string Application { get; init; }

    /// <summary>For example <c>triage-1</c>.</summary>
    public required string Release { get; init; }

    /// <summary>What serves, for example <c>model triage-sft</c>.</summary>
    public required string Candidate { get; init; }

    /// <summary>Hash of the release's manifest: where the evidence begins.</summary>
    public required string Manifest { get; init; }

    /// <summary>When it was recorded.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Who recorded it.</summary>
    public required string By { get; init; }

    /// <summary>When the report was made.</summary>
    public required DateTimeOffset Made { get; init; }

    /// <summary>The datasets behind the release.</summary>
    public DataSection? Data { get; init; }

    /// <summary>The index that it quotes.</summary>
    public IndexSection? Index { get; init; }

    /// <summary>The training of its model.</summary>
    public TrainingSection? Training { get; init; }

    /// <summary>Its scorecard and those it was compared with.</summary>
    public ScorecardSection? Scorecard { get; init; }

    /// <summary>The gate's decision.</summary>
    public GateSection? Gate { get; init; }

    /// <summary>Its way to become live; null when it went live at once.</summary>
    public RolloutSection? Rollout { get; init; }

    /// <summary>What happened to it, oldest first.</summary>
    public required IReadOnlyList<ReportEvent> Events { get; init; }

    /// <summary>The check of the chain, made for this report.</summary>
    public required ReportVerification Verification { get; init; }

    /// <summary>The chain, parents before children.</summary>
    public required IReadOnlyList<EvidenceView> Evidence { get; init; }

    /// <summary>Every source file in the chain.</summary>
    public required IReadOnlyList<ReportSource> Sources { get; init; }

    /// <summary>Licences and consents behind the release.</summary>
    public IReadOnlyList<ReportRight> Rights { get; init; } = [];

    /// <summary>Whose agreement it needed, and who gave it.</summary>
    public IReadOnlyList<ReportApproval> Approvals { get; init; } = [];

    /// <summary>Whether the suite's items were in the training rows; null without a suite over a dataset.</summary>
    public ReportContamination? Contamination { get; init; }

    /// <summary>What the project cost until the report.</summary>
    public required BillSection Bill { get; init; }

    /// <summary>How its requests went.</summary>
    public required ReportUse Use { get; init; }
}

/// <summary>One event in the life of a release.</summary>
/// <param name="At">When.</param>
/// <param name="Action">Stable code, for example <c>release.promoted</c>.</param>
/// <param name="By">Who.</param>
/// <param name="Why">Why; may be empty.</param>
public sealed record ReportEvent(DateTimeOffset At, string Action, string By, string Why);

/// <summary>How the check of the chain went.</summary>
/// <param name="Manifests">Manifests read.</param>
/// <param name="Files">Files hashed.</param>
/// <param name="Sources">Source files checked.</param>
/// <param name="Bytes">Bytes read.</param>
/// <param name="Faults">What is wrong, one line each; empty when the chain holds.</param>
/// <param name="AuditEntries">Entries of the audit log.</param>
/// <param name="AuditIntact">True when every entry carries the hash of the one before.</param>
public sealed record ReportVerification(long Manifests, long Files, long Sources, long Bytes, IReadOnlyList<string> Faults, long AuditEntries, bool AuditIntact)
{
    /// <summary>True when nothing is wrong.</summary>
    public bool Intact => Faults.Count == 0 && AuditIntact;
}

/// <summary>One source file.</summary>
/// <param name="Path">Relative to the project.</param>
/// <param name="Sha256">Its hash, hexadecimal.</param>
/// <param name="Bytes">Its length.</param>
public sealed record ReportSource(string Path, string Sha256, long Bytes);

/// <summary>How the requests of a release went so far.</summary>
/// <param name="Answered">Answered requests.</param>
/// <param name="Failed">Failed requests.</param>
/// <param name="Corrected">Answers that somebody corrected.</param>
/// <param name="RatedBad">Answers that somebody rated bad and did not correct.</param>
public sealed record ReportUse(long Answered, long Failed, long Corrected, long RatedBad);

/// <summary>On what ground a dataset or a model is used.</summary>
/// <param name="Kind"><c>dataset</c> or <c>model</c>.</param>
/// <param name="Name">Its name in the project.</param>
/// <param name="Licence">The licence; null when nobody stated one.</param>
/// <param name="Consent">The consent or other ground; null when nobody stated one.</param>
public sealed record ReportRight(string Kind, string Name, string? Licence, string? Consent);

/// <summary>An agreement that the release needed.</summary>
/// <param name="Role">In which role.</param>
/// <param name="Needed">How many people.</param>
/// <param name="By">Who agreed.</param>
public sealed record ReportApproval(string Role, int Needed, IReadOnlyList<string> By);

/// <summary>How many items of the suite the model may have seen.</summary>
/// <param name="Items">Items of the suite.</param>
/// <param name="Seen">Items whose text stands in the training rows, folded.</param>
/// <param name="Near">Items that share thirteen words (or Han characters) in a row with a training row or are a near copy of one (the same cluster), these included.</param>
/// <param name="TrainingRows">Training rows compared with.</param>
public sealed record ReportContamination(long Items, long Seen, long Near, long TrainingRows);
