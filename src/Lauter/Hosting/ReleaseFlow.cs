using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Releases.Gates;
using Lauter.Releases.Rollout;

namespace Lauter.Hosting;

/// <summary>How an application came out of a run.</summary>
/// <param name="Application">The application.</param>
/// <param name="Verdict">The gate's verdict; null for an application without a suite.</param>
/// <param name="Live">What serves now; null when nothing may.</param>
/// <param name="IsNew">True when the candidate of this run became the live release just now.</param>
/// <param name="Rollout">The rollout that began, or goes on, instead of a release at once; null without one.</param>
/// <param name="Waiting">The release that passed and waits for people to agree; null without one.</param>
internal sealed record ReleaseOutcome(string Application, GateVerdict? Verdict, LivePointer? Live, bool IsNew, Rollout? Rollout = null, WaitingRelease? Waiting = null);

/// <summary>A release that passed its gate and may not serve yet.</summary>
/// <param name="Id">For example <c>triage-2</c>.</param>
/// <param name="Missing">Whose agreement it waits for.</param>
internal sealed record WaitingRelease(string Id, IReadOnlyList<MissingApproval> Missing);

/// <summary>Turns a finished run into releases: one for each application whose gate said pass.</summary>
internal static class ReleaseFlow
{
    private const string By = "lauter";

    /// <summary>Releases what passed and tells of the rest.</summary>
    public static async Task<IReadOnlyList<ReleaseOutcome>> ReleaseAsync(
        Workspace workspace, IReadOnlyDictionary<string, StepRecord> records, string why, CancellationToken cancellationToken)
    {
        var outcomes = new List<ReleaseOutcome>();
        foreach (var application in workspace.Project.Applications.Values)
        {
            outcomes.Add(await ReleaseAsync(workspace, application, records, why, cancellationToken));
        }

        return outcomes;
    }

    /// <summary>The verdict behind a manifest of kind <c>gate</c>.</summary>
    public static GateVerdict ReadVerdict(ObjectStore objects, string gateManifest) =>
        GateVerdict.FromBytes(objects.ReadAllBytes(Manifest.Read(objects, gateManifest).Object("verdict.json").Sha256));

    private static async Task<ReleaseOutcome> ReleaseAsync(
        Workspace workspace, ApplicationDefinition application, IReadOnlyDictionary<string, StepRecord> records, string why, CancellationToken cancellationToken)
    {
        var store = workspace.Releases;
        var live = store.Live(application.Name);
        var verdict = records.TryGetValue($"gate:{application.Name}", out var gate) ? ReadVerdict(workspace.Objects, gate.Manifest) : null;
        if (verdict is not null && verdict.Decision != GateDecision.Pass)
        {
            return new ReleaseOutcome(application.Name, verdict, live, IsNew: false);
        }

        var release = await store.CreateAsync(Draft(workspace, application, records, verdict), By, cancellationToken);
        if (live?.ReleaseId == release.Id
            || (live is not null && (store.IsWithdrawn(application.Name, release.Id) || workspace.Rollouts.IsWithdrawn(application.Name, release.Id))))
        {
            return new ReleaseOutcome(application.Name, verdict, live, IsNew: false);
        }

        if (store.MissingApprovals(release) is { Count: > 0 } missing)
        {
            return new ReleaseOutcome(application.Name, verdict, live, IsNew: false, Waiting: new WaitingRelease(release.Id, missing));
        }

        return await ServeAsync(workspace, application, release, verdict, why, cancellationToken);
    }

    /// <summary>Lets a release that passed its gate, and has every approval, take over: at once, or step by step.</summary>
    public static async Task<ReleaseOutcome> ServeAsync(
        Workspace workspace, ApplicationDefinition application, Release release, GateVerdict? verdict, string why, CancellationToken cancellationToken)
    {
        var store = workspace.Releases;
        var live = store.Live(application.Name);

        // The verdict speaks about the release that was live when the plan was made; if that changed since, it says nothing about the present.
        if (live is not null && application.Model is not null && verdict?.Baseline?.Name is { } compared && compared != live.ReleaseId)
        {
            throw new StepFailedException($"'{release.Id}' was compared with '{compared}', but '{live.ReleaseId}' is live. Run again to compare with it.");
        }

        if (live is not null && application.Rollout is { } rollout)
        {
            var begun = await workspace.Rollouts.StartAsync(application.Name, release.Id, Policy(rollout), By, why, cancellationToken);
            return begun.Done
                ? new ReleaseOutcome(application.Name, verdict, live, IsNew: false, begun.Rollout)
                : throw new StepFailedException($"The rollout of '{release.Id}' did not begin: {begun.Refusal}");
        }

        var promotion = await store.PromoteAsync(application.Name, release.Id, live?.Version ?? 0, By, why, cancellationToken);
        return promotion.Done
            ? new ReleaseOutcome(application.Name, verdict, promotion.Live, IsNew: true)
            : throw new StepFailedException($"'{release.Id}' was not released: {promotion.Detail}");
    }

    public static RolloutPolicy Policy(RolloutDefinition definition) => new()
    {
        Shadow = definition.Shadow,
        Shares = definition.Canary,
        Requests = definition.Requests,
        StepTime = definition.StepTime,
        Limit = definition.Limit,
        Margin = definition.Margin,
        Alpha = definition.Alpha,
        Signals = [.. definition.Signals.Select(s => s == "feedback" ? RolloutSignal.Feedback : RolloutSignal.Failures)],
        AtLimit = definition.AtLimit == "abort" ? RolloutEnd.Abort : RolloutEnd.Hold,
    };

    private static ReleaseDraft Draft(Workspace workspace, ApplicationDefinition application, IReadOnlyDictionary<string, StepRecord> records, GateVerdict? verdict)
    {
        var name = application.Name;
        List<ManifestLink> inputs = [];
        if (application.Model is { } model)
        {
            Add("model", $"train:{model}");
            Add("parity", $"parity:{model}");
        }
        else
        {
            Add("index", $"index:{application.Index}");
        }

        Add("suite", $"suite:{name}");
        Add("nearest", $"nearest:{name}");
        Add("scorecard", $"evaluate:{name}/model");
        Add("scorecard", $"evaluate:{name}/passages");
        Add("baseline-scorecard", $"evaluate:{name}/live");
        Add("baseline-scorecard", $"evaluate:{name}/nearest");
        Add("gate", $"gate:{name}");
        if (records.TryGetValue($"evaluate:{name}/live", out var live))
        {
            inputs.AddRange(Manifest.Read(workspace.Objects, live.Manifest).Inputs.Where(i => i.Role == "release").Select(i => i with { Role = "baseline" }));
        }

        return new ReleaseDraft
        {
            Application = name,
            CandidateKind = application.Model is null ? "passages" : "model",
            CandidateName = application.Model ?? application.Index!,
            Settings = new JsonObject { ["temperature"] = 0, ["maximumTokens"] = ApplicationFiles.MaximumAnswerTokens },
            Inputs = inputs,
            Objects = ApplicationFiles.Read(workspace, application).WriteTo(workspace.Objects),
            Sources = ApplicationFiles.Sources(workspace, application),
            Verdict = verdict,
            Approvals = application.Gate?.Approvals is { } roles ? [.. roles.Select(r => new ApprovalRule(r.Key, r.Value)).OrderBy(r => r.Role, StringComparer.Ordinal)] : null,
            Rights = ReleaseRights.Of(workspace, application),
        };

        void Add(string role, string step)
        {
            if (records.TryGetValue(step, out var record))
            {
                var manifest = Manifest.Read(workspace.Objects, record.Manifest);
                inputs.Add(new ManifestLink(role, manifest.Kind, manifest.Name, record.Manifest));
            }
        }
    }
}
