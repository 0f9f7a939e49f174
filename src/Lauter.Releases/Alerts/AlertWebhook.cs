using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Lauter.Releases.Alerts;

/// <summary>
/// Delivers alerts to one HTTP address, signed, and again until they are taken: after 1 s, 5 s, 30 s, 2 min, 10 min, then each hour for a day.
/// Any 2xx is a receipt; 410 ends it at once. The receiver checks <c>X-Lauter-Signature</c>: <c>sha256=</c> and the hexadecimal HMAC-SHA256 of
/// <c>TIMESTAMP.BODY</c> with the shared secret, where TIMESTAMP is <c>X-Lauter-Timestamp</c>, seconds since 1970.
/// </summary>
/// <param name="log">Where alerts and attempts are kept.</param>
/// <param name="address">Where they go.</param>
/// <param name="secret">The shared secret; never empty.</param>
/// <param name="client">Sends; its timeout bounds an attempt.</param>
/// <param name="time">The clock.</param>
public sealed class AlertWebhook(AlertLog log, Uri address, string secret, HttpClient client, TimeProvider time)
{
    private static readonly TimeSpan[] Pauses =
        [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10)];

    private static readonly TimeSpan LastPause = TimeSpan.FromHours(1);
    private static readonly TimeSpan Patience = TimeSpan.FromDays(1);
    private readonly Dictionary<Guid, DateTimeOffset> _next = [];

    /// <summary>Tries what is due now.</summary>
    /// <returns>How many alerts were delivered.</returns>
    public async Task<int> DeliverAsync(CancellationToken cancellationToken)
    {
        var delivered = 0;
        foreach (var state in log.Read().Where(s => s.Pending))
        {
            if (_next.TryGetValue(state.Alert.Id, out var due) && time.GetUtcNow() < due)
            {
                continue;
            }

            var attempt = state.Attempts + 1;
            var (taken, fault, final) = await SendAsync(state.Alert, cancellationToken);
            var now = time.GetUtcNow();
            var pause = attempt <= Pauses.Length ? Pauses[attempt - 1] : LastPause;
            var late = now + pause - state.Alert.At > Patience;
            log.Tried(
                state.Alert.Id, attempt, taken ? now : null, fault,
                taken ? null : final ? $"the receiver said no: {fault}" : late ? $"not taken for {Patience.TotalHours:0} hours; last: {fault}" : null);
            _next[state.Alert.Id] = now + pause;
            delivered += taken ? 1 : 0;
        }

        return delivered;
    }

    /// <summary>The signature of a body.</summary>
    public static string Sign(string secret, string timestamp, ReadOnlySpan<byte> body)
    {
        var signed = new byte[Encoding.UTF8.GetByteCount(timestamp) + 1 + body.Length];
        var length = Encoding.UTF8.GetBytes(timestamp, signed);
        signed[length] = (byte)'.';
        body.CopyTo(signed.AsSpan(length + 1));
        return "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed));
    }

    private async Task<(bool Taken, string? Fault, bool Final)> SendAsync(Alert alert, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(alert, AlertJson.Default.Alert);
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var message = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        message.Headers.Add("X-Lauter-Timestamp", timestamp);
        message.Headers.Add("X-Lauter-Signature", Sign(secret, timestamp, body));
        try
        {
            using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return (response.IsSuccessStatusCode, response.IsSuccessStatusCode ? null : $"status {(int)response.StatusCode}", response.StatusCode == System.Net.HttpStatusCode.Gone);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return (false, e is OperationCanceledException ? "no answer in time" : e.Message, false);
        }
    }
}
