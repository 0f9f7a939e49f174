using Lauter.Catalog.Objects;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Settlement;
using Lauter.Gateway.Sources;
using Lauter.Inference.Engine;
using Lauter.Models.Templates;
using Lauter.Releases.Rollout;
using Lauter.Retrieval.Embedding;
using Lauter.Retrieval;
using Lauter.Steps;

namespace Lauter.Hosting;

/// <summary>
/// Keeps the gateway's applications equal to the live releases: looks at the live pointers each second, starts an engine for a new
/// model, swaps the application in one move, and stops an engine some seconds after the last application left it.
/// </summary>
internal sealed class ServedApplications(Workspace workspace, ApplicationRegistry registry, RolloutWatch rollouts, TimeProvider time, Action<string> tell) : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(65);
    private readonly Dictionary<string, string> _served = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Trial> _trials = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ServedEngine> _engines = new(StringComparer.Ordinal);
    private readonly List<Task> _retiring = [];

    // One clock for the machine: two engines on the same cores must not charge them twice.
    private readonly EngineClock _clock = new(Environment.ProcessorCount, time, "engines");
    private readonly CancellationTokenSource _stop = new();
    private MiniLmEmbedder? _embedder;

    /// <summary>Brings everything up to what is live now.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        foreach (var application in workspace.Releases.Applications())
        {
            var rollout = await rollouts.LookAsync(application, cancellationToken);
            if (workspace.Releases.Live(application) is { } live && _served.GetValueOrDefault(application) != live.ReleaseId)
            {
                registry.Set(await OpenAsync(live.Application, live.ReleaseId, live.Manifest, cancellationToken));
                tell(_served.ContainsKey(application) ? $"{application}: {live.ReleaseId} serves now" : $"{application}: serving {live.ReleaseId}");
                _served[application] = live.ReleaseId;
            }

            await FollowAsync(application, rollout is { Active: true } ? rollout : null, cancellationToken);
        }

        foreach (var (model, engine) in _engines.Where(e => !e.Value.Users.Any(Serves)).ToList())
        {
            _engines.Remove(model);
            _retiring.Add(RetireAsync(engine));
        }
    }

    /// <summary>Watches until cancelled.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await RefreshAsync(cancellationToken);
            }
            catch (Exception e) when (e is EngineStartException or ObjectMissingException or IOException or ArgumentException)
            {
                // What serves goes on serving; the reason is told, and the next look tries again.
                tell($"a live release could not be opened: {e.Message}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll([.. _retiring, .. _engines.Values.Select(e => e.Process.DisposeAsync().AsTask())]);
        _embedder?.Dispose();
        _stop.Dispose();
    }

    private bool Serves((string Application, string Release) user) =>
        _served.GetValueOrDefault(user.Application) == user.Release || _trials.GetValueOrDefault(user.Application)?.Standing.Contains(user.Release) == true;

    /// <summary>Gives the candidates of a rollout their share of the requests, or a copy of each, or takes it back.</summary>
    private async Task FollowAsync(string application, Rollout? rollout, CancellationToken cancellationToken)
    {
        if (rollout is null)
        {
            Leave(application);
            return;
        }

        if (_trials.GetValueOrDefault(application) is { } now && now.Share == rollout.Share && now.Standing.SequenceEqual(rollout.Standing))
        {
            return;
        }

        var places = new List<LiveApplication?>();
        foreach (var candidate in rollout.Candidates)
        {
            try
            {
                places.Add(rollout.Standing.Contains(candidate) ? await OpenAsync(application, candidate, cancellationToken) : null);
            }
            catch (Exception e) when (e is EngineStartException or ObjectMissingException or InvalidDataException or IOException or ArgumentException)
            {
                // A candidate that does not even open has lost; what is live was not touched. Of several, the next look gives the others their share.
                await rollouts.RollBackAsync(rollout, candidate, $"The candidate could not be opened: {e.Message}", cancellationToken);
                Leave(application);
                return;
            }
        }

        var (named, rest) = (string.Join(", ", rollout.Standing), rollout.Live);
        if (rollout.Shadowing)
        {
            registry.RemoveCanary(application);
            registry.SetShadows(application, [.. places.OfType<LiveApplication>()]);
            tell($"{application}: {rest} answers everything; {rollout.Policy.Shadow:#,0} requests are mirrored to {named}");
        }
        else
        {
            registry.SetShadows(application, []);
            registry.SetCanaries(application, places, rollout.Steps[^1].Share, $"{rollout.Candidate}@{rollout.LiveVersion}");
            tell(rollout.Candidates.Count == 1
                ? $"{application}: {named} answers {rollout.Share:P0} of the requests, {rest} the rest"
                : $"{application}: {named} answer {rollout.Share:P0} of the requests in equal parts, {rest} the rest");
        }

        _trials[application] = new Trial(rollout.Standing, rollout.Share);
    }

    private void Leave(string application)
    {
        if (_trials.Remove(application))
        {
            registry.RemoveCanary(application);
            registry.SetShadows(application, []);
        }
    }

    private Task<LiveApplication> OpenAsync(string application, string candidate, CancellationToken cancellationToken) =>
        workspace.Releases.Find(candidate) is { } release
            ? OpenAsync(application, release.Id, release.Manifest, cancellationToken)
            : throw new InvalidDataException($"the release '{candidate}' is not in the store.");

    private async Task<LiveApplication> OpenAsync(string application, string releaseId, string manifest, CancellationToken cancellationToken)
    {
        var release = Manifest.Read(workspace.Objects, manifest);
        var files = ApplicationFiles.Read(workspace.Objects, release);
        var record = workspace.Releases.Find(releaseId)!;
        if (release.Inputs.FirstOrDefault(i => i.Role == "model") is { } model)
        {
            var engine = await EngineAsync(model.Sha256, cancellationToken);
            engine.Users.Add((application, releaseId));
            var prompt = files.Prompt is null ? null : PromptTemplate.Parse(files.Prompt);
            return new LiveApplication
            {
                Name = application,
                Kind = ApplicationKind.Model,
                ReleaseId = releaseId,
                Source = new ModelSource(new ChatUpstream(engine.Client, model.Name), prompt is null ? null : prompt.Render, files.Output),
                InputSchema = files.Input,
                OutputSchema = files.Output,
                MaximumOutputTokens = ApplicationFiles.MaximumAnswerTokens,
                Cores = Environment.ProcessorCount,
                Clock = _clock,
                Created = record.Created,
            };
        }

        var indexManifest = release.Inputs.First(i => i.Role == "index");
        _embedder ??= new MiniLmEmbedder(Environment.ProcessorCount);
        var embedder = _embedder;
        registry.Set(new LiveEmbedder(embedder.Name, embedder.Dimensions, (texts, token) => embedder.EmbedAsync(texts, EmbeddingKind.Query, token)));
        var index = RetrievalIndex.Open(
            StoredFiles.Show(workspace.Objects, Manifest.Read(workspace.Objects, indexManifest.Sha256), workspace.StatePath("views", indexManifest.Sha256[..16])), embedder);
        return new LiveApplication
        {
            Name = application,
            Kind = ApplicationKind.Passages,
            ReleaseId = releaseId,
            Source = new PassagesSource(async (_, question, count, token) =>
            [
                .. (await index.SearchAsync(question, count, token)).Select(h => new Passage(
                    h.Path, h.HeadingPath.Length == 0 ? [] : h.HeadingPath.Split(" > "), h.Text, h.Score, h.Start, h.Length, h.Page > 0 ? h.Page : null)),
            ]),
            InputSchema = files.Input,
            MaximumOutputTokens = ApplicationFiles.MaximumAnswerTokens,
            Created = record.Created,
        };
    }

    private async Task<ServedEngine> EngineAsync(string model, CancellationToken cancellationToken)
    {
        if (_engines.TryGetValue(model, out var running))
        {
            return running;
        }

        var path = StoredFiles.PathOf(workspace.Objects, Manifest.Read(workspace.Objects, model), "model.gguf");
        var process = await EngineProcess.StartAsync(Children.Engine, new EngineOptions { ModelPath = path }, Changed, time, cancellationToken);
        var client = process.CreateClient();
        client.BaseAddress = new Uri("http://engine/v1/");
        return _engines[model] = new ServedEngine(process, client, []);
    }

    private void Changed(EngineEvent e)
    {
        if (e.Kind == EngineEventKind.Crashed)
        {
            tell($"the engine (process {e.ProcessId}) ended{(e.Signal is null ? $" with exit code {e.ExitCode}" : $" by {e.Signal}")} and is started again{(e.LastLines.Count > 0 ? $"; its last line: {e.LastLines[^1]}" : "")}");
        }
    }

    /// <summary>Requests that began on the old engine may end on it.</summary>
    private async Task RetireAsync(ServedEngine engine)
    {
        try
        {
            await Task.Delay(Drain, time, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The whole server stops: no reason to wait.
        }

        engine.Client.Dispose();
        await engine.Process.DisposeAsync();
    }

    /// <summary>What a rollout was given last: which candidates, and their share together (0 = copies only).</summary>
    private sealed record Trial(IReadOnlyList<string> Standing, double Share);

    private sealed record ServedEngine(EngineProcess Process, HttpClient Client, List<(string Application, string Release)> Users);
}
