using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lauter.Gateway.Api;

internal static class JsonText
{
    /// <summary>Han text as it is: half the bytes of escapes, and readable.</summary>
    public static JsonSerializerOptions Options { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
