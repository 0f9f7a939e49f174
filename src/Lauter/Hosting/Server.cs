using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Console;
using Lauter.Console.SignIn;
using Lauter.Gateway;
using Lauter.Gateway.Applications;
using Lauter.Gateway.FineTuning;
using Lauter.Gateway.Keys;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Releases.Alerts;
using Lauter.Traces;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lauter.Hosting;

/// <summary>Gateway, console and engines in one process.</summary>
internal static class Server
{
    private static readonly TimeSpan ShutdownLimit = TimeSpan.FromSeconds(3);

    /// <summary>Serves until cancelled, and returns then.</summary>
    /// <param name="workspace">The project.</param>
    /// <param name="listen">The address; null: the project's.</param>
    /// <param name="tell">Lines for the person at the terminal.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Stops the server.</param>
    public static async Task RunAsync(Workspace workspace, string? listen, Action<string> tell, TimeProvider time, CancellationToken cancellationToken)
    {
        using var hold = ProjectLock.Take(workspace.State, "serve");
        var address = listen ?? workspace.Project.Serving.Listen;
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address);
        builder.WebHost.UseSetting(WebHostDefaults.PreventHostingStartupKey, "true");
        builder.Services.AddSingleton(time);
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(o => o.ShutdownTimeout = ShutdownLimit);
        builder.Services.AddGateway(new GatewayOptions
        {
            StateDirectory = workspace.State,
            Prices = ProjectPrices.Of(workspace.Project),
            Budgets = [.. workspace.Project.Applications.Values.Where(a => a.Budget is not null).Select(Budget)],
        });
        var tuner = FineTuner.Of(workspace.Project.Models.Where(m => m.Value.File is not null).ToDictionary(m => m.Key, m => Path.Combine(workspace.Project.Directory, m.Value.File!), StringComparer.Ordinal));
        if (tuner is not null)
        {
            builder.Services.AddFineTuning(tuner);
        }

        var password = ConsolePassword.OpenOrCreate(workspace.State, time, out var created);
        builder.AddConsole(new ConsoleOptions { StateDirectory = workspace.State, Project = workspace.Project.Name, Password = password });
        builder.Services.AddSingleton<IConsoleSource>(new ConsoleSource(workspace, time));
        builder.Services.AddSingleton<IConsoleDetails>(new ConsoleDetails(workspace));
        builder.Services.AddSingleton<IDataVersions>(new DataVersions(workspace));
        await using var app = builder.Build();
        app.MapGateway();
        if (tuner is not null)
        {
            app.MapFineTuning();
        }

        app.MapConsole();
        var alerts = new AlertLog(workspace.StatePath("alerts.jsonl"));
        var rollouts = new RolloutWatch(workspace.Rollouts, app.Services.GetRequiredService<TraceStore>(), time, tell, alerts);
        await using var applications = new ServedApplications(workspace, app.Services.GetRequiredService<ApplicationRegistry>(), rollouts, time, tell);
        using var operations = new Operations(workspace, app.Services.GetRequiredService<TraceStore>(), alerts, time, tell);
        await applications.RefreshAsync(cancellationToken);
        await app.StartAsync(cancellationToken);
        Greet(address, created, app, tell);
        try
        {
            await Task.WhenAll(applications.WatchAsync(cancellationToken), operations.RunAsync(cancellationToken), Schedule(workspace, app, tell, time)?.RunAsync(cancellationToken) ?? Task.CompletedTask);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The usual way to end: the caller asked for it.
        }

        using var limit = new CancellationTokenSource(ShutdownLimit);
        await app.StopAsync(limit.Token);
        tell("stopped");
    }

    private static IterationSchedule? Schedule(Workspace workspace, WebApplication app, Action<string> tell, TimeProvider time) =>
        workspace.Project.Iterations is { } iterations ? new IterationSchedule(workspace, iterations, app.Services.GetRequiredService<TraceStore>(), time, tell) : null;

    private static void Greet(string address, string? password, WebApplication app, Action<string> tell)
    {
        var keys = app.Services.GetRequiredService<ApiKeyStore>();
        tell($"console and gateway: {address}");
        if (keys.Keys.Count == 0)
        {
            var (key, _) = keys.Create("first run");
            tell($"API key (shown once, stored as a hash): {key}");
        }

        if (password is not null)
        {
            tell($"console password (shown once): {password}");
        }

        tell("press Ctrl+C to stop");
    }

    private static Budget Budget(ApplicationDefinition application) => new(
        $"application:{application.Name}",
        Money.FromUnits(application.Budget!.Amount, application.Budget.Currency),
        application.Budget.Window == "day" ? BudgetWindow.Day : BudgetWindow.Month);
}
