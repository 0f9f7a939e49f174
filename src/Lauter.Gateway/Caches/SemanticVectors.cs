using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Api;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Providers;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Traces;

namespace Lauter.Gateway.Caches;

/// <summary>
/// Vectors for the semantic cache: from an embedder of this machine, or over the wire from an application whose provider has embeddings. Each is reserved,
/// settled and traced as a request of its own, on behalf of the one that it helps.
/// </summary>
internal sealed class SemanticVectors(GatewayOptions options, ApplicationRegistry registry, Settler settler)
{
    private const int MaximumBytes = 1024 * 1024;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>A vector of length one for each text; null = there are none, and the cache is passed by.</summary>
    public async ValueTask<float[][]?> EmbedAsync(RequestStart start, string name, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        var embedder = registry.FindEmbedder(name);
        var remote = embedder is null ? registry.Find(name) : null;
        if (embedder is null && remote is not { Kind: ApplicationKind.Provider, Route.Entries.Count: > 0 })
        {
            return null;
        }

        var at = settler.Time.GetUtcNow();
        var (settlement, _) = settler.Begin(start with
        {
            Id = Guid.CreateVersion7(at), At = at, Timestamp = settler.Time.GetTimestamp(), Route = "embeddings", Application = name, Parent = start.Id, Stream = false, Admission = null,
            Live = remote ?? new LiveApplication { Name = name, Kind = ApplicationKind.Nearest }, InputBound = texts.Sum(t => (long)Encoding.UTF8.GetByteCount(t)) + 64, OutputBound = 0,
            RequestText = null, Input = null, GuardNotes = [],
        });
        if (settlement is null)
        {
            return null;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        var end = new RequestEnd(TraceOutcome.Failed, 502) { ErrorCode = "provider_failed", Target = remote?.Route!.Entries[0].Target };
        float[][]? vectors = null;
        try
        {
            if (embedder is not null)
            {
                vectors = await embedder.EmbedAsync(texts, limit.Token);
                var tokens = texts.Sum(t => (long?)embedder.CountTokens?.Invoke(t) ?? (Encoding.UTF8.GetByteCount(t) + 3) / 4);
                end = new RequestEnd(TraceOutcome.Answered, 200) { Readings = [new(Meter.EmbeddingInput, tokens, embedder.CountTokens is null ? MeterSource.Estimated : MeterSource.Local)] };
            }
            else
            {
                (vectors, end) = await AskAsync(remote!.Route!.Entries[0].Target, texts, limit.Token);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or JsonException or InvalidOperationException or FormatException)
        {
            // Without a vector the question is asked like any other; what the provider may have used counts in full.
            end = end with { MayHaveUsedMore = remote is not null, Readings = remote is null ? [] : ProviderUsage.Missing.Readings };
        }

        try
        {
            settlement.End(end);
        }
        catch (JournalUnavailableException)
        {
            return null;
        }

        return vectors is not null && vectors.Length == texts.Count && vectors.All(v => v.Length > 0) ? [.. vectors.Select(UnitVector.Of)] : null;
    }

    private async Task<(float[][]? Vectors, RequestEnd End)> AskAsync(ProviderTarget target, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        var body = new JsonObject { ["model"] = target.Model, ["input"] = new JsonArray([.. texts.Select(t => JsonValue.Create(t))]), ["encoding_format"] = "float" };
        using var message = UpstreamCall.Message(target, Surface.Embeddings, Encoding.UTF8.GetBytes(body.ToJsonString(JsonText.Options)));
        using var response = await target.Client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            return (null, new RequestEnd(TraceOutcome.Failed, (int)response.StatusCode) { ErrorCode = "provider_failed", Target = target });
        }

        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var bytes = new PooledBytes(16 * 1024);
        for (int read; (read = await stream.ReadAsync(bytes.GetMemory(4_096), cancellationToken)) > 0;)
        {
            bytes.Advance(read);
            if (bytes.Length > Math.Min(MaximumBytes, options.MaximumAnswerBytes))
            {
                throw new InvalidOperationException("The provider's vectors are too large.");
            }
        }

        using var document = JsonDocument.Parse(bytes.Memory);
        var usage = document.RootElement.TryGetProperty("usage", out var reported) ? ProviderUsage.From(reported, MeterSource.Provider) : null;
        float[][] vectors = [.. document.RootElement.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle()).ToArray())];
        return (vectors, new RequestEnd(TraceOutcome.Answered, 200)
        {
            Target = target, MayHaveUsedMore = usage is null,
            Readings = usage is null ? ProviderUsage.Missing.Readings : [new MeterReading(Meter.EmbeddingInput, usage.Readings.Sum(r => r.Amount), MeterSource.Provider)],
        });
    }
}
