using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lauter.Tests.Models;

/// <summary>A hub on a real socket that speaks both protocols and misbehaves on demand.</summary>
internal sealed class LocalHub : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LocalHub(WebApplication app) => _app = app;

    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Requests as "path|Range|Authorization".</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Bytes after which the n-th answer with content is cut; missing = whole.</summary>
    public Queue<int> Cuts { get; } = [];

    public string? RequiredToken { get; set; }

    /// <summary>Where files are redirected to.</summary>
    public string? RedirectTo { get; set; }

    public bool IgnoresRanges { get; set; }

    public bool LiesAboutHash { get; set; }

    /// <summary>Answers of 503 before anything works.</summary>
    public int Overloaded { get; set; }

    public string? ListedPath { get; set; }

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/");

    public static async Task<LocalHub> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var hub = new LocalHub(app);
        app.Run(hub.AnswerAsync);
        await app.StartAsync();
        return hub;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Requests.Enqueue($"{path}|{context.Request.Headers.Range}|{context.Request.Headers.Authorization}");
        if (Overloaded-- > 0)
        {
            context.Response.StatusCode = 503;
        }
        else if (RequiredToken is not null && context.Request.Headers.Authorization != $"Bearer {RequiredToken}")
        {
            context.Response.StatusCode = 401;
        }
        else if (path == "/api/models/org/tiny/revision/main")
        {
            await context.Response.WriteAsJsonAsync(new { sha = "abc123", cardData = new { license = "apache-2.0" } });
        }
        else if (path == "/api/models/org/tiny/tree/abc123")
        {
            await ListAsync(context);
        }
        else if (path == "/api/v1/models/org/tiny")
        {
            await context.Response.WriteAsync(JsonSerializer.Serialize(new { Code = 200, Data = new { License = "mit" } }));
        }
        else if (path == "/api/v1/models/org/tiny/repo/files")
        {
            await context.Response.WriteAsync(JsonSerializer.Serialize(new { Data = new { Files = Files.Select(file => new { Path = file.Key, Size = file.Value.Length, Sha256 = Sha256(file.Value), Type = "blob" }) } }));
        }
        else if (path == "/api/v1/models/org/tiny/repo")
        {
            await FileAsync(context, context.Request.Query["FilePath"]!);
        }
        else if (path.StartsWith("/org/tiny/resolve/abc123/", StringComparison.Ordinal))
        {
            await FileAsync(context, path["/org/tiny/resolve/abc123/".Length..]);
        }
        else
        {
            context.Response.StatusCode = 404;
        }
    }

    /// <summary>Two pages, as large models have.</summary>
    private async Task ListAsync(HttpContext context)
    {
        var second = context.Request.Query.ContainsKey("cursor");
        var all = Files.OrderBy(file => file.Key, StringComparer.Ordinal).ToList();
        if (!second)
        {
            context.Response.Headers.Link = $"<{context.Request.Scheme}://{context.Request.Host}{context.Request.Path}?recursive=true&cursor=2>; rel=\"next\"";
        }

        var page = second ? all.Skip(all.Count / 2) : all.Take(all.Count / 2);
        await context.Response.WriteAsync(JsonSerializer.Serialize(page.Select(file => file.Value.Length > 100
            ? (object)new { type = "file", path = ListedPath ?? file.Key, size = file.Value.Length, oid = "0", lfs = new { oid = Sha256(file.Value), size = file.Value.Length } }
            : new { type = "file", path = ListedPath ?? file.Key, size = file.Value.Length, oid = Blob(file.Value) })));
    }

    private async Task FileAsync(HttpContext context, string name)
    {
        if (!Files.TryGetValue(name, out var content))
        {
            context.Response.StatusCode = 404;
            return;
        }

        if (RedirectTo is { } elsewhere)
        {
            context.Response.Redirect(elsewhere + context.Request.Path + context.Request.QueryString);
            return;
        }

        var from = !IgnoresRanges && context.Request.GetTypedHeaders().Range?.Ranges.First().From is { } start ? (int)start : 0;
        if (from > 0)
        {
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {from}-{content.Length - 1}/{content.Length}";
        }

        context.Response.Headers.ETag = "\"v1\"";
        context.Response.ContentLength = content.Length - from;
        if (Cuts.TryDequeue(out var cut) && cut < content.Length - from)
        {
            await context.Response.Body.WriteAsync(content.AsMemory(from, cut));
            await context.Response.Body.FlushAsync();
            context.Abort();
            return;
        }

        await context.Response.Body.WriteAsync(content.AsMemory(from));
    }

    private string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(LiesAboutHash ? [1, 2, 3] : content));

#pragma warning disable CA5350 // git's own object hash, which hubs list for small files.
    private static string Blob(byte[] content) => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));
#pragma warning restore CA5350
}
