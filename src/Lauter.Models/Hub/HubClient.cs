using Lauter.Models.Conversion;

namespace Lauter.Models.Hub;

/// <summary>
/// Fetches models from Hugging Face or ModelScope style hubs: one listing fixes revision, sizes and hashes; each file then comes from the hub or a mirror, resumed where it
/// was cut, checked, renamed. A complete folder is not fetched again. Thread-safe; dispose it to close connections.
/// </summary>
public sealed class HubClient : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(20);

    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = ConnectTimeout, PooledConnectionLifetime = TimeSpan.FromMinutes(5), UseCookies = false })
    {
        // Large files take hours; stalls are watched read by read instead.
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestHeaders = { { "User-Agent", "lauter" } },
    };

    /// <summary>Fetches a model, or finds it complete.</summary>
    /// <param name="model">Which one.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Stops; what came so far is kept for the next attempt.</param>
    /// <returns>The record and the folder of the files.</returns>
    /// <exception cref="HubException">The model could not be fetched; <see cref="HubException.Fault"/> says why.</exception>
    public async Task<(PulledModel Model, string Folder)> PullAsync(HubReference model, HubOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        IHub hub = options.Kind == HubKind.ModelScope ? new ModelScopeHub() : new HuggingFaceHub();
        var endpoints = Endpoints(options);
        var folder = Path.GetFullPath(options.Folder ?? HubFolder.Default(endpoints[0], model));
        if (options.Offline)
        {
            return (await OfflineAsync(model, folder, options, cancellationToken), folder);
        }

        using var held = HubFolder.Lock(folder);
        var token = options.Token ?? hub.TokenVariables.Select(Environment.GetEnvironmentVariable).FirstOrDefault(value => !string.IsNullOrEmpty(value));
        var transport = new HubTransport(_client, token, hub.TokenVariables[0]);
        var (listing, first) = await ListAsync(hub, transport, endpoints, model, options, cancellationToken);
        var wanted = HubSelection.Of(listing, options.Files, model.Repository);
        RefuseWithoutSpace(folder, wanted);
        var files = new List<HubFile>();
        foreach (var file in wanted)
        {
            var target = Path.Combine(folder, Path.Combine(file.Path.Split('/')));
            var hash = await HubDownload.MatchAsync(target, file, cancellationToken)
                ?? await new HubDownload(transport, [.. endpoints.Skip(first).Concat(endpoints.Take(first)).Select(endpoint => hub.FileAddress(endpoint, model, listing.Commit, file.Path))], file, target, options).RunAsync(cancellationToken);
            files.Add(file with { Sha256 = hash });
        }

        var card = ModelCard.Read(folder);
        var pulled = new PulledModel
        {
            Endpoint = endpoints[first].ToString(), Repository = model.Repository, Revision = model.Revision, Commit = listing.Commit, License = listing.License ?? card.LicenseName ?? card.License,
            Files = files, PulledAt = options.Time.GetUtcNow(),
        };
        HubFolder.Write(folder, pulled);
        return (pulled, folder);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static IReadOnlyList<Uri> Endpoints(HubOptions options)
    {
        var (variable, own) = options.Kind == HubKind.ModelScope ? ("MODELSCOPE_ENDPOINT", "https://www.modelscope.cn") : ("HF_ENDPOINT", "https://huggingface.co");
        var first = options.Endpoint ?? (Uri.TryCreate(Environment.GetEnvironmentVariable(variable), UriKind.Absolute, out var set) ? set : new Uri(own));
        return [.. new[] { first }.Concat(options.Mirrors).Select(endpoint => endpoint.Scheme is "https" or "http"
            ? new Uri(endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/")
            : throw new HubException(HubFault.Unreachable, $"{endpoint} is no http or https address."))];
    }

    private static async Task<(HubListing Listing, int Endpoint)> ListAsync(IHub hub, HubTransport transport, IReadOnlyList<Uri> endpoints, HubReference model, HubOptions options, CancellationToken cancellationToken)
    {
        Exception? last = null;
        for (var round = 0; round <= Math.Min(options.Retries, 2); round++)
        {
            for (var i = 0; i < endpoints.Count; i++)
            {
                using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                stall.CancelAfter(options.Stall);
                try
                {
                    return (await hub.ListAsync(transport, endpoints[i], model, stall.Token), i);
                }
                catch (HubException exception) when (exception.Fault is HubFault.NotFound or HubFault.Refused && i + 1 < endpoints.Count)
                {
                    last = exception;
                }
                catch (Exception exception) when (exception is HttpRequestException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
                {
                    last = exception;
                }
                catch (Exception exception) when (exception is KeyNotFoundException or InvalidOperationException or FormatException)
                {
                    throw new HubException(HubFault.BadAnswer, $"{endpoints[i]}: the listing of {model.Repository} is not in the form of this kind of hub: {exception.Message}", exception);
                }
            }

            await Task.Delay(options.Pause, options.Time, cancellationToken);
        }

        throw new HubException(HubFault.Unreachable, $"{string.Join(", ", endpoints)}: {last?.Message} Without network, use --offline with a model that was fetched before, or --mirror with another address.", last);
    }

    private static async Task<PulledModel> OfflineAsync(HubReference model, string folder, HubOptions options, CancellationToken cancellationToken)
    {
        if (HubFolder.Record(folder) is not { } record || record.Repository != model.Repository)
        {
            throw new HubException(HubFault.Offline, $"{folder}: {model.Repository} was not fetched into this folder before; fetch it once with network.");
        }

        foreach (var file in record.Files.Where(file => HubFile.IsSafe(file.Path)))
        {
            if (await HubDownload.MatchAsync(Path.Combine(folder, file.Path), file, cancellationToken) is null)
            {
                throw new HubException(HubFault.Damaged, $"{Path.Combine(folder, file.Path)}: the file is missing or no longer has the hash {file.Sha256} that was recorded; fetch it again with network.");
            }
        }

        // Names that were asked for now, but not fetched then, are reported like names that the hub does not have.
        _ = options.Files.Count > 0 ? HubSelection.Of(new HubListing(record.Commit, record.License, record.Files), options.Files, model.Repository) : record.Files;
        return record;
    }

    private static void RefuseWithoutSpace(string folder, IReadOnlyList<HubFile> files)
    {
        var missing = files.Sum(file => Math.Max(0, file.Size - Present(Path.Combine(folder, file.Path))));
        var free = new DriveInfo(folder).AvailableFreeSpace;
        if (missing > free)
        {
            throw new HubException(HubFault.Unusable, $"{folder}: {missing:N0} bytes are still to come, but only {free:N0} are free; choose another folder with --out or free some space.");
        }
    }

    private static long Present(string path) => new[] { path, path + HubFolder.PartSuffix }.Where(File.Exists).Select(name => new FileInfo(name).Length).FirstOrDefault();
}
