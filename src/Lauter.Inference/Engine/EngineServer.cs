using System.Text.Json;
using Lauter.Inference.Adapters;
using Lauter.Inference.Grammars;
using Lauter.Inference.Native;
using Lauter.Inference.Scheduler;
using Lauter.Inference.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lauter.Inference.Engine;

/// <summary>The engine's own program: serves one model on OpenAI's wire until it is told to stop. Runs in a child process.</summary>
public static class EngineServer
{
    /// <summary>Header that names the tenant whose turn a request takes.</summary>
    public const string TenantHeader = "X-Lauter-Tenant";

    /// <summary>The line on standard output that says that requests are taken.</summary>
    public const string ReadyLine = "lauter engine ready";

    /// <summary>Largest request body, bytes.</summary>
    public const int LargestBody = 8 * 1024 * 1024;

    /// <summary>
    /// The child of an <see cref="EngineProcess"/>: reads its options from the first line of standard input, serves, and ends when standard
    /// input does. The program calls this for its hidden engine verb.
    /// </summary>
    public static async Task<int> RunChildAsync(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var input = Console.In;
        var line = await input.ReadLineAsync(cancellationToken);
        EngineOptions? options = null;
        try
        {
            options = line is null ? null : JsonSerializer.Deserialize(line, EngineOptionsJson.Default.EngineOptions);
        }
        catch (JsonException error)
        {
            await Console.Error.WriteLineAsync($"engine: {error.Message}");
        }

        if (options is null)
        {
            await Console.Error.WriteLineAsync("engine: the first line of standard input must be the options as JSON; this verb is started by lauter itself");
            return 2;
        }

        ParentGuard.Watch(input, ending);
        return await RunAsync(options, ending.Token);
    }

    /// <summary>Loads the model, serves it, and returns when <paramref name="cancellationToken"/> is cancelled or SIGTERM comes.</summary>
    /// <returns>0 after an orderly end, 2 when the options or the model file cannot be used (the reason is on standard error).</returns>
    public static async Task<int> RunAsync(EngineOptions options, CancellationToken cancellationToken)
    {
        var faults = options.Faults();
        if (faults.Count == 0)
        {
            faults = ModelFileCheck.Faults(options.ModelPath);
        }

        if (faults.Count > 0)
        {
            await Console.Error.WriteLineAsync(string.Join('\n', faults.Select(fault => $"engine: {fault}")));
            return 2;
        }

        LoadedModel loaded;
        try
        {
            NativeThreads.Prepare();
            loaded = LoadedModel.Load(options.ModelPath);
        }
        catch (Exception error) when (error is LLama.Exceptions.RuntimeError or IOException)
        {
            await Console.Error.WriteLineAsync($"engine: the model '{options.ModelPath}' cannot be loaded: {error.Message}");
            return 2;
        }

        using var model = loaded;
        var metrics = new EngineMetrics();
        using var generation = model.IsEncoder ? null : new GenerationScheduler(model, Limits(options, model), metrics);
        using var embeddings = model.IsEncoder ? new EmbeddingScheduler(model, Threads(options, model), metrics) : null;
        using var grammars = new GrammarCache(model);
        using var chat = ChatFormat.Open(model);
        var context = new EngineContext(
            model,
            options.ModelId ?? Path.GetFileNameWithoutExtension(options.ModelPath),
            generation,
            embeddings,
            grammars,
            chat,
            metrics,
            TimeProvider.System) { AdapterDirectory = options.AdapterDirectory };
        try
        {
            await LoadAdaptersAsync(options, generation);
        }
        catch (AdapterException error)
        {
            await Console.Error.WriteLineAsync($"engine: {error.Message}");
            return 2;
        }

        await using var app = Build(options, context);
        await app.StartAsync(cancellationToken);
        await Console.Out.WriteLineAsync(ReadyLine);
        await Console.Out.FlushAsync(CancellationToken.None);
        await app.WaitForShutdownAsync(cancellationToken);
        return 0;
    }

    private static async Task LoadAdaptersAsync(EngineOptions options, GenerationScheduler? generation)
    {
        foreach (var (name, path) in options.Adapters)
        {
            var adapter = generation is null
                ? throw new AdapterException("An encoder takes no adapters.")
                : await generation.Adapters.LoadAsync(name, path, scale: 1);
            if (adapter.Effect == 0)
            {
                await Console.Error.WriteLineAsync($"engine: the adapter '{name}' changes nothing on a probe");
            }
        }
    }

    private static WebApplication Build(EngineOptions options, EngineContext context)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
            if (options.SocketPath is { } socket)
            {
                File.Delete(socket);
                kestrel.ListenUnixSocket(socket);
            }

            if (options.ListenAddress is { } address)
            {
                kestrel.Listen(EngineOptions.EndPoint(address)!);
            }
        });
        builder.WebHost.UseSockets(sockets => sockets.Backlog = 4_096);
        var app = builder.Build();
        EngineWire.Map(app, context);
        return app;
    }

    private static SchedulerLimits Limits(EngineOptions options, LoadedModel model)
    {
        const long CacheBytes = 256L * 1024 * 1024;
        var affordable = CacheBytes / Math.Max(1, model.CacheBytesPerToken);
        var cells = options.CacheCells ?? (int)Math.Max(Math.Min(8L * model.ContextLength, affordable), Math.Min(model.ContextLength, 4_096));
        var host = options.HostCacheMebibytes is { } mebibytes ? mebibytes * 1024L * 1024 : Math.Min(2 * cells * model.CacheBytesPerToken, CacheBytes);
        return new SchedulerLimits(
            cells, options.Sequences, options.Queue, options.BatchTokens, Threads(options, model), options.Deterministic, options.Reuse, options.TenantShare, host, options.Speculation, options.InterTokenTarget);
    }

    private static int Threads(EngineOptions options, LoadedModel model) =>
        options.Threads ?? (model.Handle.ParameterCount < EngineOptions.SmallModelParameters ? 1 : Environment.ProcessorCount);
}
