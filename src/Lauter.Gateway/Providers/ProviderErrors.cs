using System.Text.Json;

namespace Lauter.Gateway.Providers;

/// <summary>Reads the error bodies of OpenAI-compatible servers: an object, a bare text (as Ollama's), or something else entirely.</summary>
internal static class ProviderErrors
{
    public static async Task<(string? Message, string? Code, string? Type, string? Param)> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        var length = 0;
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        for (int read; length < buffer.Length && (read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken)) > 0;)
        {
            length += read;
        }

        try
        {
            using var document = JsonDocument.Parse(buffer.AsMemory(0, length));
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("error", out var error))
            {
                return default;
            }

            return error.ValueKind == JsonValueKind.String ? (error.GetString(), null, null, null)
                : error.ValueKind == JsonValueKind.Object ? (Text(error, "message"), Text(error, "code"), Text(error, "type"), Text(error, "param"))
                : default;
        }
        catch (JsonException)
        {
            return default; // an HTML page of some proxy
        }

        static string? Text(JsonElement element, string name) =>
            element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}
