using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Lauter.Catalog.Objects;
using Lauter.Releases.Evidence;
using Lauter.Releases.Gates;

namespace Lauter.Releases.Rollout;

/// <summary>
/// Releases and which of them is live. A release is a manifest in the object store plus <c>releases/APPLICATION/N.json</c>; what is live
/// is <c>releases/APPLICATION/live.json</c>, replaced as a whole. Every change is first written to the audit log, so a process that
/// dies between the two is finished by the next one.
/// </summary>
/// <remarks>Safe for concurrent use by threads and processes: changes take a file lock, and a promotion states the live version it knows.</remarks>
public sealed class ReleaseStore
{
    private const string Created = "release.created";
    private const string Promoted = "release.promoted";
    private const string RolledBack = "release.rolled_back";
    private const string Approved = "release.approved";
    private readonly string _root;
    private readonly ObjectStore _objects;
    private readonly TimeProvider _time;

    /// <param name="stateDirectory">The project's <c>.lauter</c>.</param>
    /// <param name="objects">Its object store.</param>
    /// <param name="time">Where the times of releases come from.</param>
    public ReleaseStore(string stateDirectory, ObjectStore objects, TimeProvider time)
    {
        _root = Path.Combine(Path.GetFullPath(stateDirectory), "releases");
        _objects = objects;
        _time = time;
        Audit = new AuditLog(Path.Combine(stateDirectory, "audit.jsonl"), time);
    }

    /// <summary>The project's audit log.</summary>
    public AuditLog Audit { get; }

    /// <summary>
    /// Records a release. One with the same content as an earlier release of the application is that release: nothing new is made.
    /// It does not serve before <see cref="PromoteAsync"/>.
    /// </summary>
    public async Task<Release> CreateAsync(ReleaseDraft draft, string by, CancellationToken cancellationToken)
    {
        var manifest = ManifestOf(draft).WriteTo(_objects);
        using (await LockAsync(draft.Application, cancellationToken))
        {
            var earlier = List(draft.Application);
            if (earlier.FirstOrDefault(r => r.Manifest == manifest) is { } same)
            {
                return same;
            }

            var number = earlier.Count == 0 ? 1 : earlier[^1].Number + 1;
            var release = new Release
            {
                Id = $"{draft.Application}-{number}",
                Number = number,
                Application = draft.Application,
                Manifest = manifest,
                CandidateKind = draft.CandidateKind,
                CandidateName = draft.CandidateName,
                Gate = draft.Verdict?.Decision,
                Inputs = draft.Inputs,
                Approvals = draft.Approvals,
                Created = _time.GetUtcNow(),
                By = by,
            };
            await Audit.AppendAsync(
                by, Created, release.Id,
                new JsonObject { ["application"] = release.Application, ["manifest"] = manifest, ["gate"] = release.Gate?.Word() },
                cancellationToken);
            AtomicFile.WriteJson(Path.Combine(Folder(draft.Application), $"{number}.json"), release, ReleaseJson.Default.Release);
            return release;
        }
    }

    /// <summary>
    /// Makes <paramref name="releaseId"/> live, if its gate passed (or the application has none) and the live version is still
    /// <paramref name="expectedVersion"/>.
    /// </summary>
    /// <param name="application">The application.</param>
    /// <param name="releaseId">A release of it.</param>
    /// <param name="expectedVersion"><see cref="LivePointer.Version"/> as the caller saw it when it decided; 0 when nothing was live.</param>
    /// <param name="by">Who.</param>
    /// <param name="why">Why.</param>
    /// <param name="cancellationToken">Cancels the wait for the lock; what has begun is finished.</param>
    public async Task<PromotionResult> PromoteAsync(
        string application, string releaseId, long expectedVersion, string by, string why, CancellationToken cancellationToken)
    {
        using (await LockAsync(application, cancellationToken))
        {
            var live = Live(application);
            if (Find(application, releaseId) is not { } release)
            {
                return Refuse(live, PromotionRefusal.UnknownRelease, $"'{application}' has no release '{releaseId}'; it has {Known(application)}.");
            }

            if (release.Gate is { } gate && gate != GateDecision.Pass)
            {
                return Refuse(live, PromotionRefusal.GateNotPassed, $"The gate of '{releaseId}' said {gate.Word()}; only a release whose gate said pass can serve.");
            }

            if (MissingApprovals(release) is { Count: > 0 } missing)
            {
                return Refuse(live, PromotionRefusal.ApprovalMissing, WaitsFor(release, missing));
            }

            if ((live?.Version ?? 0) != expectedVersion)
            {
                return Refuse(
                    live, PromotionRefusal.LiveChanged,
                    $"Meanwhile {live!.By} made '{live.ReleaseId}' live (version {live.Version}, decided on {expectedVersion}). Compare against it and decide again.");
            }

            return live?.ReleaseId == releaseId ? new PromotionResult(live, null, "") : await PointAsync(release, live, Promoted, by, why, cancellationToken);
        }
    }

    /// <summary>
    /// Goes back to <paramref name="releaseId"/>, or to the release that was live before when it is null. Needs no gate: the release
    /// served before.
    /// </summary>
    public async Task<PromotionResult> RollbackAsync(string application, string? releaseId, string by, string why, CancellationToken cancellationToken)
    {
        using (await LockAsync(application, cancellationToken))
        {
            var live = Live(application);
            var served = History(application).Where(e => e.Version is not null).ToArray();
            var target = releaseId ?? Before(served, live);
            if (target is null)
            {
                return Refuse(live, PromotionRefusal.NothingBefore, $"'{application}' has no earlier release to go back to.");
            }

            if (Find(application, target) is not { } release || served.All(e => e.ReleaseId != target))
            {
                return Refuse(
                    live, PromotionRefusal.UnknownRelease,
                    $"'{target}' never served '{application}'; these did: {string.Join(", ", served.Select(e => e.ReleaseId).Distinct(StringComparer.Ordinal))}.");
            }

            return live?.ReleaseId == target ? new PromotionResult(live, null, "") : await PointAsync(release, live, RolledBack, by, why, cancellationToken);
        }
    }

    /// <summary>
    /// Records that <paramref name="by"/> agrees, in <paramref name="role"/>, that <paramref name="release"/> may serve. It speaks about exactly this release: its manifest is
    /// part of the entry. Agreeing twice in a role changes nothing.
    /// </summary>
    /// <param name="release">A release that demands it.</param>
    /// <param name="role">One of the roles that it demands.</param>
    /// <param name="by">Who agrees.</param>
    /// <param name="recordedBy">Whose account of the machine wrote it.</param>
    /// <param name="why">Their remark, or empty.</param>
    /// <param name="cancellationToken">Cancels the wait for the lock.</param>
    /// <returns>What is still missing.</returns>
    /// <exception cref="ArgumentException">The release does not demand that role, or the name is empty.</exception>
    public async Task<IReadOnlyList<MissingApproval>> ApproveAsync(Release release, string role, string by, string recordedBy, string why, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(by);
        if (release.Approvals?.Any(a => a.Role == role) != true)
        {
            throw new ArgumentException($"'{release.Id}' demands no approval in the role '{role}'.", nameof(role));
        }

        using (await LockAsync(release.Application, cancellationToken))
        {
            if (!ApprovalsOf(release).Contains(new Approval(role, by)))
            {
                await Audit.AppendAsync(
                    by, Approved, release.Id,
                    new JsonObject { ["application"] = release.Application, ["manifest"] = release.Manifest, ["role"] = role, ["recordedBy"] = recordedBy, ["why"] = why },
                    cancellationToken);
            }

            return MissingApprovals(release);
        }
    }

    /// <summary>The agreements to exactly this release, oldest first.</summary>
    public IReadOnlyList<Approval> ApprovalsOf(Release release) =>
    [
        .. Audit.Read().Where(e => e.Action == Approved && e.Subject == release.Id && Text(e.Details, "manifest") == release.Manifest)
            .Select(e => new Approval(Text(e.Details, "role") ?? "", e.Actor)),
    ];

    /// <summary>What <paramref name="release"/> still waits for; empty when everybody who must has agreed.</summary>
    public IReadOnlyList<MissingApproval> MissingApprovals(Release release)
    {
        if (release.Approvals is not { Count: > 0 } rules)
        {
            return [];
        }

        var given = ApprovalsOf(release);
        return
        [
            .. rules.Select(r => new MissingApproval(r.Role, given.Where(a => a.Role == r.Role).Select(a => a.By).Distinct(StringComparer.Ordinal).Count(), r.Count))
                .Where(m => m.Given < m.Needed),
        ];
    }

    internal static string WaitsFor(Release release, IReadOnlyList<MissingApproval> missing) =>
        $"'{release.Id}' waits for the approval of {string.Join(" and ", missing)}: lauter approve {release.Id} --role {missing[0].Role} --as NAME.";

    /// <summary>What serves <paramref name="application"/>, or null.</summary>
    public LivePointer? Live(string application) => Read(Path.Combine(Folder(application), "live.json"), ReleaseJson.Default.LivePointer);

    /// <summary>The release <paramref name="releaseId"/> (<c>triage-2</c>) of any application, or null.</summary>
    public Release? Find(string releaseId)
    {
        var dash = releaseId.LastIndexOf('-');
        return dash > 0 && IsApplication(releaseId[..dash]) ? Find(releaseId[..dash], releaseId) : null;
    }

    /// <summary>All releases of <paramref name="application"/>, oldest first.</summary>
    public IReadOnlyList<Release> List(string application) => Directory.Exists(Folder(application))
        ? [.. Directory.EnumerateFiles(Folder(application), "*.json")
            .Where(f => int.TryParse(Path.GetFileNameWithoutExtension(f), out _))
            .Select(f => Read(f, ReleaseJson.Default.Release)!)
            .OrderBy(r => r.Number)]
        : [];

    /// <summary>The applications that have a release.</summary>
    public IReadOnlyList<string> Applications() => Directory.Exists(_root)
        ? [.. Directory.EnumerateDirectories(_root).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>What happened to <paramref name="application"/>, oldest first.</summary>
    public IReadOnlyList<ReleaseEvent> History(string application) =>
        [.. Audit.Read().Where(e => IsOf(e, application)).Select(e => new ReleaseEvent(
            e.At, e.Action, e.Subject, e.Actor, Text(e.Details, "why") ?? "", e.Details["version"]?.GetValue<long>()))];

    /// <summary>Checks the audit log, its end included: each live pointer keeps the hash of the entry that made it.</summary>
    public AuditReport VerifyAudit()
    {
        var report = Audit.Verify();
        if (!report.Intact)
        {
            return report;
        }

        var hashes = Audit.Read().Select(e => e.Hash).ToHashSet(StringComparer.Ordinal);
        return report with
        {
            Faults =
            [
                .. from live in Applications().Select(Live).OfType<LivePointer>()
                   where !hashes.Contains(live.Audit)
                   select $"the entry {live.Audit[..12]} that made '{live.ReleaseId}' live is not in the log: lines were cut off its end.",
            ],
        };
    }

    /// <summary>
    /// True when somebody went back from <paramref name="releaseId"/> and nobody promoted it again: an automatic run must not bring it
    /// back by itself.
    /// </summary>
    public bool IsWithdrawn(string application, string releaseId)
    {
        string? live = null;
        var withdrawn = false;
        foreach (var step in History(application).Where(e => e.Version is not null))
        {
            withdrawn = step.ReleaseId != releaseId && (withdrawn || (step.Action == RolledBack && live == releaseId));
            live = step.ReleaseId;
        }

        return withdrawn;
    }

    private static string? Before(ReleaseEvent[] served, LivePointer? live)
    {
        // The stack of what served: a rollback takes its target off again, so going back twice goes back two.
        var stack = new List<string>();
        foreach (var step in served)
        {
            var at = step.Action == RolledBack ? stack.LastIndexOf(step.ReleaseId) : -1;
            if (at >= 0)
            {
                stack.RemoveRange(at + 1, stack.Count - at - 1);
            }
            else
            {
                stack.Add(step.ReleaseId);
            }
        }

        return stack.LastOrDefault(id => id != live?.ReleaseId);
    }

    private Release? Find(string application, string releaseId) => List(application).FirstOrDefault(r => r.Id == releaseId);

    private async Task<PromotionResult> PointAsync(Release release, LivePointer? live, string action, string by, string why, CancellationToken cancellationToken)
    {
        var version = (live?.Version ?? 0) + 1;
        var details = new JsonObject
        {
            ["application"] = release.Application,
            ["manifest"] = release.Manifest,
            ["version"] = version,
            ["why"] = why,
            ["before"] = live?.ReleaseId,
        };
        var entry = await Audit.AppendAsync(by, action, release.Id, details, cancellationToken);
        return new PromotionResult(WritePointer(entry), null, "");
    }

    private LivePointer WritePointer(AuditEntry entry)
    {
        var pointer = new LivePointer
        {
            Application = Text(entry.Details, "application")!,
            ReleaseId = entry.Subject,
            Manifest = Text(entry.Details, "manifest")!,
            Version = entry.Details["version"]!.GetValue<long>(),
            Since = entry.At,
            By = entry.Actor,
            Why = Text(entry.Details, "why") ?? "",
            Audit = entry.Hash,
        };
        AtomicFile.WriteJson(Path.Combine(Folder(pointer.Application), "live.json"), pointer, ReleaseJson.Default.LivePointer);
        return pointer;
    }

    /// <summary>Takes the application's lock, and finishes what a process that died between audit entry and pointer had begun.</summary>
    private async Task<FileLock> LockAsync(string application, CancellationToken cancellationToken)
    {
        if (!IsApplication(application))
        {
            throw new ArgumentException($"'{application}' is not a name of an application: use letters, digits, '-', '_' and '.'.", nameof(application));
        }

        var taken = await FileLock.AcquireAsync(Path.Combine(Folder(application), "lock"), cancellationToken);
        try
        {
            var last = Audit.Read().LastOrDefault(e => IsOf(e, application) && e.Details["version"] is not null);
            if (last is not null && last.Details["version"]!.GetValue<long>() > (Live(application)?.Version ?? 0))
            {
                WritePointer(last);
            }

            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    private static Manifest Described(ReleaseDraft draft, IReadOnlyList<ManifestObject> objects)
    {
        var facts = new JsonObject
        {
            ["candidate"] = new JsonObject { ["kind"] = draft.CandidateKind, ["name"] = draft.CandidateName, ["settings"] = draft.Settings.DeepClone() },
            ["gate"] = draft.Verdict?.Decision.Word(),
        };

        // Absent, not null: a release without them keeps the name that it had before they were known.
        if (draft.Approvals is { Count: > 0 } approvals)
        {
            facts["approvals"] = new JsonArray([.. approvals.Select(a => (JsonNode)new JsonObject { ["role"] = a.Role, ["count"] = a.Count })]);
        }

        if (draft.Rights is { Count: > 0 } rights)
        {
            facts["rights"] = rights.DeepClone();
        }

        return new Manifest { Kind = "release", Name = draft.Application, Objects = objects, Inputs = draft.Inputs, Sources = draft.Sources, Facts = facts };
    }

    private Manifest ManifestOf(ReleaseDraft draft)
    {
        if (draft.Verdict is null)
        {
            return Described(draft, draft.Objects);
        }

        var bytes = draft.Verdict.ToBytes();
        return Described(draft, [.. draft.Objects, new ManifestObject("gate.json", _objects.Write(bytes), bytes.Length)]);
    }

    private string Folder(string application) => Path.Combine(_root, application);

    private string Known(string application) => List(application) is { Count: > 0 } known ? string.Join(", ", known.Select(r => r.Id)) : "none";

    private static bool IsOf(AuditEntry entry, string application) =>
        entry.Action is Created or Promoted or RolledBack && Text(entry.Details, "application") == application;

    private static string? Text(JsonObject details, string member) => details[member]?.GetValue<string>();

    private static bool IsApplication(string name) =>
        name.Length is > 0 and <= 100 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static PromotionResult Refuse(LivePointer? live, PromotionRefusal refusal, string detail) => new(live, refusal, detail);

    private static T? Read<T>(string path, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is damaged: {e.Message} Restore it from a backup; .lauter/audit.jsonl holds what it said.", e);
        }
    }
}
