using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway;
using Lauter.Gateway.Applications;
using Lauter.Gateway.FineTuning;
using Lauter.Gateway.Keys;
using Lauter.Gateway.Providers;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lauter.Tests.Gateway;

/// <summary>The gateway on a loopback port over a state directory of its own.</summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly bool _ownsDirectory;

    private GatewayHost(WebApplication app, string directory, bool ownsDirectory, string key)
    {
        _app = app;
        _ownsDirectory = ownsDirectory;
        StateDirectory = directory;
        Key = key;
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.Single() + "/"), Timeout = TimeSpan.FromSeconds(30) };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public string StateDirectory { get; }

    public string Key { get; }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public ApplicationRegistry Registry => Services.GetRequiredService<ApplicationRegistry>();

    public ApiKeyStore Keys => Services.GetRequiredService<ApiKeyStore>();

    public LedgerStore Ledger => Services.GetRequiredService<LedgerStore>();

    public BudgetLeases Leases => Services.GetRequiredService<BudgetLeases>();

    public static async Task<GatewayHost> StartAsync(Func<GatewayOptions, GatewayOptions>? configure = null, string? directory = null, Action<ApplicationRegistry>? serve = null, FineTuningTrainer? trainer = null)
    {
        var state = directory ?? Directory.CreateTempSubdirectory("lauter-gateway-").FullName;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var options = new GatewayOptions { StateDirectory = state, DrainInterval = TimeSpan.FromHours(1) };
        builder.Services.AddGateway(configure?.Invoke(options) ?? options);
        if (trainer is not null)
        {
            builder.Services.AddFineTuning(trainer);
        }

        var app = builder.Build();
        app.MapGateway();
        if (trainer is not null)
        {
            app.MapFineTuning();
        }

        serve?.Invoke(app.Services.GetRequiredService<ApplicationRegistry>());
        await app.StartAsync();
        var (key, _) = app.Services.GetRequiredService<ApiKeyStore>().Create("test");
        return new GatewayHost(app, state, directory is null, key);
    }

    /// <summary>The traces so far, oldest first.</summary>
    public IReadOnlyList<TraceRecord> Traces()
    {
        Services.GetRequiredService<JournalPump>().Pump();
        return [.. Services.GetRequiredService<TraceStore>().Recent(10_000).Reverse()];
    }

    public async Task<(HttpStatusCode Status, JsonObject Body, HttpResponseMessage Response)> PostAsync(string path, string json, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, JsonNode.Parse(text)!.AsObject(), response);
    }

    /// <summary>The data of every event; a broken connection ends the list with <c>(broken)</c>.</summary>
    public async Task<List<string>> StreamAsync(string json, string path = "v1/chat/completions")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        List<string> events = [];
        try
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            while (await reader.ReadLineAsync() is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    events.Add(line[6..]);
                }
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            events.Add("(broken)");
        }

        return events;
    }

    public static string Chat(string model, string text, string members = "") =>
        $$"""{"model":"{{model}}","messages":[{"role":"user","content":{{JsonSerializer.Serialize(text)}}}]{{members}}}""";

    public static LiveApplication Provider(string name, FakeUpstream upstream) => new()
    {
        Name = name,
        Kind = ApplicationKind.Provider,
        ReleaseId = name + "-1",
        MaximumOutputTokens = 100,
        Sku = "mini",
        Provider = new ProviderTarget { Name = "fake", BaseAddress = upstream.BaseAddress, Model = "upstream-model", Client = ProviderTarget.CreateClient(), ApiKey = "sk-secret" },
    };

    public static ProviderTarget Target(string name, FakeUpstream upstream, string model = "upstream-model", ProviderWire wire = ProviderWire.OpenAi) => new()
    {
        Name = name, BaseAddress = upstream.BaseAddress, Model = model, Client = ProviderTarget.CreateClient(), Sku = "mini", ApiKey = "sk-secret", Wire = wire,
    };

    public static LiveApplication Routed(string name, params ReadOnlySpan<ProviderTarget> targets)
    {
        List<Lauter.Gateway.Routing.RouteEntry> entries = [];
        foreach (var target in targets)
        {
            entries.Add(new(target, entries.Count + 1));
        }

        return new LiveApplication { Name = name, Kind = ApplicationKind.Provider, MaximumOutputTokens = 100, Route = new() { Entries = entries } };
    }

    public static PriceBook Prices { get; } = PriceBook.FromJson(JsonNode.Parse("""
        { "machine": { "core_hour": "0.36 CNY" },
          "rows": [ { "sku": "mini", "currency": "CNY", "input": 1, "cache_read": 0.1, "output": 4, "reasoning": 4, "source": "test" } ] }
        """)!.AsObject()).Book!;

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (_ownsDirectory)
        {
            Directory.Delete(StateDirectory, recursive: true);
        }
    }
}

/// <summary>An upstream whose behaviour each test writes by hand.</summary>
internal sealed class FakeUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeUpstream(WebApplication app) => _app = app;

    public Uri BaseAddress => new(_app.Urls.Single() + "/v1/");

    /// <summary>Bodies as they arrived.</summary>
    public List<string> Bodies { get; } = [];

    public string? Authorization { get; private set; }

    public List<string> Paths { get; } = [];

    public Func<Microsoft.AspNetCore.Http.HttpContext, string, Task> Answer { get; set; } = (context, _) => JsonAsync(context, Whole("hello", 10, 5));

    public static async Task<FakeUpstream> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var upstream = new FakeUpstream(app);
        app.MapPost("/v1/{**path}", async (Microsoft.AspNetCore.Http.HttpContext context) =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync();
            lock (upstream.Bodies)
            {
                upstream.Bodies.Add(body);
                upstream.Paths.Add(context.Request.Path + context.Request.QueryString);
            }

            upstream.Authorization = context.Request.Headers.Authorization;
            await upstream.Answer(context, body);
        });
        await app.StartAsync();
        return upstream;
    }

    public static string Whole(string text, int prompt, int completion, int cached = 0) =>
        $$$"""{"id":"up-1","object":"chat.completion","created":1,"model":"upstream-model","choices":[{"index":0,"message":{"role":"assistant","content":"{{{text}}}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{completion}}},"total_tokens":{{{prompt + completion}}},"prompt_tokens_details":{"cached_tokens":{{{cached}}} } },"x_big":9007199254740993}""";

    public static string Delta(string text, string finish = "null", string rest = "") =>
        $$$"""{"id":"up-1","object":"chat.completion.chunk","created":1,"model":"upstream-model","choices":[{"index":0,"delta":{"content":"{{{text}}}"},"finish_reason":{{{finish}}} }]{{{rest}}} }""";

    public static string Usage(int prompt, int completion) =>
        $$$"""{"id":"up-1","object":"chat.completion.chunk","created":1,"model":"upstream-model","choices":[],"usage":{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{completion}}},"total_tokens":{{{prompt + completion}}} } }""";

    public static async Task JsonAsync(Microsoft.AspNetCore.Http.HttpContext context, string json, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(json));
    }

    public static Func<Microsoft.AspNetCore.Http.HttpContext, string, Task> Events(params string[] data) => async (context, _) =>
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var item in data)
        {
            if (item == "(abort)")
            {
                throw new IOException("The fake upstream breaks off."); // after the first byte: the server closes in the middle of the body
            }

            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"data: {item}\n\n"));
            await context.Response.Body.FlushAsync();
        }
    };

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }
}
