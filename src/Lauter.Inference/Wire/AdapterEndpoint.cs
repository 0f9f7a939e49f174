using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lauter.Inference.Adapters;
using Microsoft.AspNetCore.Http;

namespace Lauter.Inference.Wire;

/// <summary>
/// <c>GET /v1/adapters</c>, <c>POST /v1/adapters</c> with a name and a file, <c>DELETE /v1/adapters/NAME</c>. Files are only taken from the
/// directory that the engine was started with, so that a caller cannot make it read any other.
/// </summary>
internal static partial class AdapterEndpoint
{
    public static Task ListAsync(HttpContext http, EngineContext engine) => WireWriter.WriteAsync(http, 200, new JsonObject
    {
        ["object"] = "list",
        ["data"] = new JsonArray([.. (engine.Generation?.Adapters.All ?? []).Select(adapter => (JsonNode)Describe(adapter))]),
    });

    public static async Task LoadAsync(HttpContext http, EngineContext engine, JsonElement root)
    {
        var shelf = Shelf(engine);
        var body = new WireReader(root);
        var name = body.Text("name", 128) ?? "";
        if (!Names().IsMatch(name) || name == engine.ModelId)
        {
            throw WireException.Invalid("name", "'name' must be 1 to 128 letters, digits, '.', '_', ':' or '-', and not the model's own.");
        }

        var path = Place(engine, body.Text("file", 1_024) ?? throw WireException.Invalid("file", "'file' is missing.", "missing_required_parameter"));
        try
        {
            var adapter = await shelf.LoadAsync(name, path, body.Number("scale", -16, 16) ?? 1);
            await WireWriter.WriteAsync(http, 200, Describe(adapter));
        }
        catch (AdapterException error)
        {
            throw new WireException(400, "invalid_adapter", error.Message, "file");
        }
    }

    public static async Task DropAsync(HttpContext http, EngineContext engine, string name)
    {
        if (engine.AdapterDirectory is null || !await Shelf(engine).DropAsync(name))
        {
            throw new WireException(404, "not_found", $"There is no adapter '{name}' that could be dropped.");
        }

        await WireWriter.WriteAsync(http, 200, new JsonObject { ["id"] = name, ["object"] = "adapter", ["deleted"] = true });
    }

    private static AdapterShelf Shelf(EngineContext engine) => engine.Generation?.Adapters
        ?? throw new WireException(400, "unsupported_model", $"The model '{engine.ModelId}' is an encoder; it takes no adapters.");

    private static string Place(EngineContext engine, string file)
    {
        if (engine.AdapterDirectory is not { } directory)
        {
            throw new WireException(403, "adapters_fixed", "This engine was started without a directory of adapters; start it with one to load them while it runs.");
        }

        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)) + Path.DirectorySeparatorChar;
        var path = Path.GetFullPath(file, root);
        return path.StartsWith(root, StringComparison.Ordinal)
            ? path
            : throw WireException.Invalid("file", "'file' lies outside of the engine's directory of adapters.");
    }

    private static JsonObject Describe(LoadedAdapter adapter) => new()
    {
        ["id"] = adapter.Name,
        ["object"] = "adapter",
        ["file"] = Path.GetFileName(adapter.Path),
        ["scale"] = adapter.Scale,
        ["effect"] = adapter.Effect,
    };

    [GeneratedRegex("^[a-zA-Z0-9._:-]{1,128}$", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Names();
}
