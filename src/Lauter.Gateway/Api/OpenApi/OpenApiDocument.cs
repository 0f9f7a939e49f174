using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Api.OpenApi;

/// <summary>
/// <c>GET /v1/openapi.json</c>: every route with its request, answer and errors. Written by hand; a test holds it against the route table and against
/// what the routes really answer, so that neither can change alone.
/// </summary>
internal static class OpenApiDocument
{
    private static readonly byte[] Bytes = Read();

    public static async Task<OpenAiError?> WriteAsync(EdgeRequest request)
    {
        var response = request.Context.Response;
        response.ContentType = "application/json";
        response.ContentLength = Bytes.Length;
        await response.Body.WriteAsync(Bytes, request.Context.RequestAborted);
        return null;
    }

    private static byte[] Read()
    {
        using var stream = typeof(OpenApiDocument).Assembly.GetManifestResourceStream("openapi.json")!;
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
