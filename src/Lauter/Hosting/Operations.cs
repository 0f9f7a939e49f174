using Lauter.Catalog.Projects;
using Lauter.Releases.Alerts;
using Lauter.Traces;

namespace Lauter.Hosting;

/// <summary>What a server does beside answering: watches health, delivers alerts.</summary>
internal sealed class Operations : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);
    private readonly HealthWatch _health;
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly AlertWebhook? _webhook;
    private readonly TimeProvider _time;
    private readonly Action<string> _tell;
    private string? _told;

    public Operations(Workspace workspace, TraceStore traces, AlertLog log, TimeProvider time, Action<string> tell)
    {
        _health = new HealthWatch(workspace, traces, log, time, tell);
        _time = time;
        _tell = tell;
        if (workspace.Project.Alerts is { } alerts)
        {
            _webhook = new AlertWebhook(log, alerts.Webhook, Secret(alerts), _client, time);
        }
    }

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Look, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                _health.Look();
                if (_webhook is not null)
                {
                    await _webhook.DeliverAsync(cancellationToken);
                }
            }
            catch (Exception e) when (e is IOException or InvalidDataException or Microsoft.Data.Sqlite.SqliteException)
            {
                // Serving goes on; the reason is told once, and the next look tries again.
                if (_told != e.Message)
                {
                    _told = e.Message;
                    _tell($"health was not judged: {e.Message}");
                }
            }
        }
    }

    public void Dispose() => _client.Dispose();

    private static string Secret(AlertsDefinition alerts) => Environment.GetEnvironmentVariable(alerts.SecretVariable) is { Length: > 0 } secret
        ? secret
        : throw new Commands.CommandException(
            ExitCodes.ProjectInvalid, $"alerts.secret_env names the environment variable '{alerts.SecretVariable}', which is not set. Set it to the secret that the receiver knows.");
}
