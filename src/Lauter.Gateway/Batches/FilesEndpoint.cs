using System.Text.Json.Nodes;
using Lauter.Gateway.Api;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Lauter.Gateway.Batches;

/// <summary><c>/v1/files</c>: uploads for batches and fine-tuning, and what these produced. A tenant sees its own files only.</summary>
internal sealed class FilesEndpoint(FileStore files)
{
    public async Task<OpenAiError?> UploadAsync(EdgeRequest request)
    {
        var http = request.Context.Request;
        if (!MediaTypeHeaderValue.TryParse(http.ContentType, out var type) || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 and <= 200 } boundary)
        {
            return new OpenAiError(415, "invalid_request_error", "unsupported_media_type", "Send multipart/form-data with 'purpose' and 'file'.");
        }

        if (files.List(request.Key.Tenant).Count >= FileStore.MaximumFiles)
        {
            return OpenAiError.BadRequest("too_many_files", $"There are {FileStore.MaximumFiles} files already: delete some.");
        }

        if (request.Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = FileStore.MaximumBytes + (1024 * 1024);
        }

        string? purpose = null;
        StoredFile? stored = null;
        try
        {
            var reader = new MultipartReader(boundary, http.Body);
            while (await reader.ReadNextSectionAsync(request.Context.RequestAborted) is { } section)
            {
                if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition))
                {
                    continue;
                }

                switch (HeaderUtilities.RemoveQuotes(disposition.Name).Value)
                {
                    case "purpose":
                        var buffer = new byte[64];
                        purpose = System.Text.Encoding.UTF8.GetString(buffer, 0, await section.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, request.Context.RequestAborted));
                        break;
                    case "file" when stored is null:
                        var name = HeaderUtilities.RemoveQuotes(disposition.FileName).Value ?? "file";
                        stored = await files.AddAsync(request.Key.Tenant, name.Length > 255 ? name[..255] : name, purpose ?? "batch", section.Body, request.Context.RequestAborted);
                        if (stored is null)
                        {
                            return new OpenAiError(413, "invalid_request_error", "file_too_large", $"A file may have at most {FileStore.MaximumBytes} bytes.", "file");
                        }

                        break;
                }
            }
        }
        catch (Exception e) when (e is InvalidDataException or BadHttpRequestException or IOException && !request.Context.RequestAborted.IsCancellationRequested)
        {
            return OpenAiError.BadRequest("invalid_form", "The form could not be read.");
        }

        if (stored is null)
        {
            return OpenAiError.BadRequest("missing_required_parameter", "'file' is missing.", "file");
        }

        if (purpose is not ("batch" or "fine-tune"))
        {
            files.Delete(stored);
            return OpenAiError.BadRequest("invalid_value", "'purpose' must be batch or fine-tune.", "purpose");
        }

        // Clients may send the file before its purpose.
        stored = stored.Purpose == purpose ? stored : files.Rename(stored with { Purpose = purpose });

        await InformationEndpoints.WriteAsync(request.Context, Json(stored));
        return null;
    }

    public async Task<OpenAiError?> ListAsync(EdgeRequest request)
    {
        await InformationEndpoints.WriteAsync(
            request.Context, new JsonObject { ["object"] = "list", ["data"] = new JsonArray([.. files.List(request.Key.Tenant).Select(Json)]), ["has_more"] = false });
        return null;
    }

    public async Task<OpenAiError?> GetAsync(EdgeRequest request)
    {
        if (Find(request) is not { } file)
        {
            return NotFound;
        }

        await InformationEndpoints.WriteAsync(request.Context, Json(file));
        return null;
    }

    public async Task<OpenAiError?> ContentAsync(EdgeRequest request)
    {
        if (Find(request) is not { } file)
        {
            return NotFound;
        }

        request.Context.Response.ContentType = "application/octet-stream";
        await request.Context.Response.SendFileAsync(files.PathOf(file), request.Context.RequestAborted);
        return null;
    }

    public async Task<OpenAiError?> DeleteAsync(EdgeRequest request)
    {
        if (Find(request) is not { } file)
        {
            return NotFound;
        }

        files.Delete(file);
        await InformationEndpoints.WriteAsync(request.Context, new JsonObject { ["id"] = file.Id, ["object"] = "file", ["deleted"] = true });
        return null;
    }

    private static OpenAiError NotFound { get; } = new(404, "invalid_request_error", "file_not_found", "There is no such file.", "file_id");

    private StoredFile? Find(EdgeRequest request) => files.Find(request.Key.Tenant, request.Context.Request.RouteValues["id"] as string);

    private static JsonObject Json(StoredFile file) => new()
    {
        ["id"] = file.Id, ["object"] = "file", ["bytes"] = file.Bytes, ["created_at"] = file.Created.ToUnixTimeSeconds(), ["filename"] = file.Filename, ["purpose"] = file.Purpose, ["status"] = "processed",
    };
}
