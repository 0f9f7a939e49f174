using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Console.Reports;
using Lauter.Releases.Evidence;
using Lauter.Releases.Rollout;
using Lauter.Traces;

namespace Lauter.Hosting;

/// <summary>Collects what an acceptance report shows, from the chain of one release.</summary>
internal static class ReleaseEvidence
{
    /// <summary>Verifies the chain and reads its parts.</summary>
    public static ReleaseReportData Of(Workspace workspace, Release release, TimeProvider time, CancellationToken cancellationToken)
    {
        var check = EvidenceChain.Verify(workspace.Objects, release.Manifest, workspace.Project.Directory, cancellationToken);
        var audit = workspace.Releases.VerifyAudit();
        var chain = check.Nodes.Where(n => n.Intact).ToDictionary(n => n.Sha256, n => Manifest.Read(workspace.Objects, n.Sha256), StringComparer.Ordinal);
        var records = workspace.Records.All().Where(r => chain.ContainsKey(r.Manifest)).GroupBy(r => r.Step, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Last(), StringComparer.Ordinal);
        var sections = new FlowSections(workspace, step => records.GetValueOrDefault(step) is { } record ? (record, chain[record.Manifest]) : null);
        return new ReleaseReportData
        {
            Project = workspace.Project.Name,
            Application = release.Application,
            Release = release.Id,
            Candidate = $"{release.CandidateKind} {release.CandidateName}",
            Manifest = release.Manifest,
            Created = release.Created,
            By = release.By,
            Made = time.GetUtcNow(),
            Data = sections.Data(),
            Index = sections.Indexes(),
            Training = sections.Training(),
            Scorecard = sections.Scorecards(release.Application),
            Gate = sections.Gate(release.Application),
            Rollout = ReleaseSections.RolloutOf(workspace, release.Application, release.Id, time),
            Events = [.. workspace.Releases.Audit.Read().Where(e => e.Subject == release.Id).Select(e => new ReportEvent(e.At, e.Action, e.Actor, Why(e)))],
            Verification = new ReportVerification(
                check.Nodes.Count, check.ObjectsChecked, check.SourcesChecked, check.BytesChecked,
                [.. check.Faults.Select(f => $"{f.What}: {f.Detail}"), .. audit.Faults.Select(f => $"audit log, {f}")], audit.Entries, audit.Intact),
            Evidence = sections.Evidence(release.Manifest),
            Sources = [.. chain.Values.SelectMany(m => m.Sources).DistinctBy(s => (s.Path, s.Sha256)).OrderBy(s => s.Path, StringComparer.Ordinal).Select(s => new ReportSource(s.Path, s.Sha256, s.Bytes))],
            Bill = new ConsoleSource(workspace, time).Bill(),
            Use = Use(workspace, release.Id),
        };
    }

    private static string Why(AuditEntry entry) =>
        entry.Details["why"]?.GetValue<string>() ?? entry.Details["rollout"]?["why"]?.GetValue<string>() ?? entry.Details["gate"]?.GetValue<string>() ?? "";

    private static ReportUse Use(Workspace workspace, string release)
    {
        var path = workspace.StatePath("traces.db");
        if (!File.Exists(path))
        {
            return new ReportUse(0, 0, 0, 0);
        }

        using var traces = new TraceStore(path);
        var use = traces.UseOf(release);
        return new ReportUse(use.Answered, use.Failed, use.Corrected, use.RatedBad);
    }
}
