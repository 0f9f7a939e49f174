using System.Text.Json;

namespace Lauter.Models.Hub;

/// <summary>modelscope.cn and its like: <c>/api/v1/models/…</c>, <c>…/repo/files</c>, <c>…/repo?FilePath=</c>.</summary>
internal sealed class ModelScopeHub : IHub
{
    public IReadOnlyList<string> TokenVariables => ["MODELSCOPE_API_TOKEN"];

    public async Task<HubListing> ListAsync(HubTransport transport, Uri endpoint, HubReference model, CancellationToken cancellationToken)
    {
        string? license;
        using (var document = (await transport.JsonAsync(new Uri(endpoint, $"api/v1/models/{model.Repository}"), cancellationToken)).Document)
        {
            license = document.RootElement.TryGetProperty("Data", out var about) && about.ValueKind == JsonValueKind.Object && about.TryGetProperty("License", out var text) && text.ValueKind == JsonValueKind.String
                ? text.GetString()
                : null;
        }

        var listing = new Uri(endpoint, $"api/v1/models/{model.Repository}/repo/files?Revision={Uri.EscapeDataString(model.Revision ?? "master")}&Recursive=true");
        using var answer = (await transport.JsonAsync(listing, cancellationToken)).Document;
        var files = answer.RootElement.GetProperty("Data").GetProperty("Files").EnumerateArray()
            .Where(file => file.TryGetProperty("Type", out var type) && type.GetString() == "blob")
            .Select(file => new HubFile(
                file.GetProperty("Path").GetString()!,
                file.GetProperty("Size").GetInt64(),
                file.TryGetProperty("Sha256", out var hash) && hash.ValueKind == JsonValueKind.String && hash.GetString() is { Length: 64 } hex ? hex.ToLowerInvariant() : null,
                GitBlob: null))
            .ToList();

        // The listing has no commit of its own; the revision that was asked for names the files.
        return new HubListing(Commit: null, license, files);
    }

    public Uri FileAddress(Uri endpoint, HubReference model, string? commit, string path) =>
        new(endpoint, $"api/v1/models/{model.Repository}/repo?Revision={Uri.EscapeDataString(model.Revision ?? "master")}&FilePath={Uri.EscapeDataString(path)}");
}
