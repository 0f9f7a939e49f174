using System.Text.Json;

namespace Lauter.Models.Hub;

/// <summary>huggingface.co and its mirrors: <c>/api/models/…/revision</c>, <c>…/tree</c>, <c>/…/resolve</c>.</summary>
internal sealed class HuggingFaceHub : IHub
{
    private const int MostPages = 100;

    public IReadOnlyList<string> TokenVariables => ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"];

    public async Task<HubListing> ListAsync(HubTransport transport, Uri endpoint, HubReference model, CancellationToken cancellationToken)
    {
        var revision = Uri.EscapeDataString(model.Revision ?? "main");
        var about = new Uri(endpoint, $"api/models/{model.Repository}/revision/{revision}");
        string? commit, license;
        using (var document = (await transport.JsonAsync(about, cancellationToken)).Document)
        {
            commit = Text(document.RootElement, "sha");
            license = document.RootElement.TryGetProperty("cardData", out var card) && card.ValueKind == JsonValueKind.Object ? Text(card, "license_name") ?? Text(card, "license") : null;
        }

        var files = new List<HubFile>();
        Uri? next = new(endpoint, $"api/models/{model.Repository}/tree/{Uri.EscapeDataString(commit ?? model.Revision ?? "main")}?recursive=true");
        for (var page = 0; next is not null; page++)
        {
            var (document, following) = await transport.JsonAsync(next, cancellationToken);
            using (document)
            {
                files.AddRange(document.RootElement.EnumerateArray().Where(entry => Text(entry, "type") == "file").Select(File));
            }

            next = page < MostPages ? following : throw new HubException(HubFault.BadAnswer, $"{about}: the listing has more than {MostPages} pages.");
        }

        return new HubListing(commit, license, files);
    }

    public Uri FileAddress(Uri endpoint, HubReference model, string? commit, string path) =>
        new(endpoint, $"{model.Repository}/resolve/{Uri.EscapeDataString(commit ?? model.Revision ?? "main")}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}");

    private static HubFile File(JsonElement entry)
    {
        var hasLarge = entry.TryGetProperty("lfs", out var large) && large.ValueKind == JsonValueKind.Object;
        return new HubFile(
            Text(entry, "path") ?? "",
            hasLarge && large.TryGetProperty("size", out var size) ? size.GetInt64() : entry.GetProperty("size").GetInt64(),
            hasLarge ? Text(large, "oid")?.Replace("sha256:", "", StringComparison.Ordinal) : null,
            hasLarge ? null : Text(entry, "oid"));
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
