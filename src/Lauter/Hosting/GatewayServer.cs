using Lauter.Catalog.Plan;
using Lauter.Gateway;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Configuration;
using Lauter.Gateway.FineTuning;
using Lauter.Gateway.Keys;
using Lauter.Ledger.Budgets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lauter.Hosting;

/// <summary>The gateway alone in one process, from its file. A changed file is taken over within a second; a faulty one is reported and passed over.</summary>
internal static class GatewayServer
{
    private static readonly TimeSpan ShutdownLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>Serves until cancelled, and returns then; requests in flight get ten seconds to end.</summary>
    public static async Task RunAsync(string path, GatewayDefinition definition, string? listen, Action<string> tell, TimeProvider time, CancellationToken cancellationToken)
    {
        var address = listen ?? definition.Listen;
        using var hold = ProjectLock.Take(definition.Options.StateDirectory, "gateway");
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address);
        builder.WebHost.UseSetting(WebHostDefaults.PreventHostingStartupKey, "true");
        builder.Services.AddSingleton(time);
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(o => o.ShutdownTimeout = ShutdownLimit);
        builder.Services.AddGateway(definition.Options);
        var tuner = FineTuner.Of(definition.FineTuning);
        if (tuner is not null)
        {
            builder.Services.AddFineTuning(tuner);
        }

        await using var app = builder.Build();
        app.MapGateway();
        if (tuner is not null)
        {
            app.MapFineTuning();
        }

        var registry = app.Services.GetRequiredService<ApplicationRegistry>();
        Serve(registry, definition);
        var written = File.GetLastWriteTimeUtc(path);
        await app.StartAsync(cancellationToken);
        Greet(definition, string.Join(", ", app.Urls), app.Services.GetRequiredService<ApiKeyStore>(), tell);
        using var timer = new PeriodicTimer(Look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                if (File.Exists(path) && File.GetLastWriteTimeUtc(path) is var changed && changed != written)
                {
                    written = changed;
                    TakeOver(path, app.Services, registry, tell);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The usual way to end: the caller asked for it.
        }

        using var limit = new CancellationTokenSource(ShutdownLimit);
        await app.StopAsync(limit.Token);
        tell("stopped");
    }

    private static void TakeOver(string path, IServiceProvider services, ApplicationRegistry registry, Action<string> tell)
    {
        try
        {
            var definition = GatewayFile.Load(path);
            Serve(registry, definition);
            services.GetRequiredService<BudgetLeases>().Set(definition.Options.Budgets);
            tell($"{path} was taken over: applications, routes, guards and budgets; prices, limits, tenants and state need a restart");
        }
        catch (Exception e) when (e is GatewayFileException or IOException)
        {
            tell($"{path} is not taken over, what serves goes on: {e.Message}");
        }
    }

    private static void Serve(ApplicationRegistry registry, GatewayDefinition definition)
    {
        foreach (var application in definition.Applications)
        {
            registry.Set(application);
        }

        foreach (var gone in registry.Applications.Select(a => a.Name).Except(definition.Applications.Select(a => a.Name), StringComparer.Ordinal).ToList())
        {
            registry.Remove(gone);
        }
    }

    private static void Greet(GatewayDefinition definition, string address, ApiKeyStore keys, Action<string> tell)
    {
        tell($"{definition.Name}: {address}/v1 serves {string.Join(", ", definition.Applications.Select(a => a.Name))}");
        if (keys.Keys.Count == 0)
        {
            var (key, _) = keys.Create("first run", more: k => k with { Admin = true });
            tell($"API key (shown once, stored as a hash): {key}");
        }

        tell("press Ctrl+C to stop");
    }
}
