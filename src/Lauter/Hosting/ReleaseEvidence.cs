using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Console.Reports;
using Lauter.Data.Export;
using Lauter.Data.Text;
using Lauter.Evaluation.Suites;
using Lauter.Releases.Evidence;
using Lauter.Releases.Rollout;
using Lauter.Steps;
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
            Rights = Rights(workspace, release, chain.GetValueOrDefault(release.Manifest)),
            Approvals = [.. (release.Approvals ?? []).Select(a => new ReportApproval(
                a.Role, a.Count, [.. workspace.Releases.ApprovalsOf(release).Where(g => g.Role == a.Role).Select(g => g.By).Distinct(StringComparer.Ordinal)]))],
            Contamination = Contamination(workspace, release, chain),
            Bill = new ConsoleSource(workspace, time).Bill(),
            Use = Use(workspace, release.Id),
        };
    }

    /// <summary>As the release's manifest keeps them; for one that was made before the project stated any, as the project names its parts, with nothing stated.</summary>
    private static IReadOnlyList<ReportRight> Rights(Workspace workspace, Release release, Manifest? manifest)
    {
        var rows = manifest?.Facts["rights"] as JsonArray
            ?? (workspace.Project.Applications.TryGetValue(release.Application, out var application) ? ReleaseRights.NotStated(workspace.Project, application) : []);
        return [.. rows.OfType<JsonObject>().Select(r => new ReportRight(r["kind"]!.ToString(), r["name"]!.ToString(), r["licence"]?.ToString(), r["consent"]?.ToString()))];
    }

    /// <summary>Compares the suite with the training rows of the dataset that it was cut from.</summary>
    private static ReportContamination? Contamination(Workspace workspace, Release release, Dictionary<string, Manifest> chain)
    {
        var suite = release.Inputs.FirstOrDefault(i => i.Role == "suite") is { } link && chain.TryGetValue(link.Sha256, out var found) ? found : null;
        var dataset = suite?.Inputs.FirstOrDefault(i => i.Role == "dataset") is { } source && chain.TryGetValue(source.Sha256, out var built) ? built : null;
        if (suite is null || dataset is null)
        {
            return null;
        }

        var items = Suite.FromBytes(workspace.Objects.ReadAllBytes(suite.Object("suite.json").Sha256)).Items;
        var directory = Directory.CreateTempSubdirectory("lauter-report-").FullName;
        try
        {
            var clusters = new HashSet<string>(StringComparer.Ordinal);
            var training = ParquetDataset.ReadExamples(StoredFiles.Show(workspace.Objects, dataset, directory)).Where(r => r.Split != SplitNames.Test).Select(row =>
            {
                clusters.Add(row.Cluster);
                return new ContaminationSource(row.Id, [row.Text]);
            });
            var report = Evaluation.Suites.Contamination.Check([.. items.Select(item => new ContaminationSource(item.Id, [item.Text]))], training);
            var shared = report.Found.Select(item => item.Id).ToHashSet(StringComparer.Ordinal);
            return new ReportContamination(items.Count, report.Exact, items.Count(i => shared.Contains(i.Id) || clusters.Contains(i.Cluster)), report.TrainingRows);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Why(AuditEntry entry) =>
        (entry.Details["role"] is { } role ? $"{role} {entry.Details["why"]}".Trim() : entry.Details["why"]?.GetValue<string>()) ?? entry.Details["rollout"]?["why"]?.GetValue<string>() ?? entry.Details["gate"]?.GetValue<string>() ?? "";

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
