using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Releases.Alerts;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Releases;

public sealed class AlertTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero));
    private readonly Receiver _receiver = new();
    private readonly AlertLog _log;
    private readonly HttpClient _client;

    public AlertTests()
    {
        _log = new AlertLog(_directory.File("alerts.jsonl"));
        _client = new HttpClient(_receiver);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _client.Dispose();
        _receiver.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task DeliverAsync_Alert_IsSignedAsTheReceiverCanCheckByItself()
    {
        _log.Raise(Alert("first"));
        Assert.Equal(1, await Webhook().DeliverAsync(Cancel));
        var (timestamp, signature, body) = Assert.Single(_receiver.Seen);
        var expected = Convert.ToHexStringLower(HMACSHA256.HashData("secret"u8, Encoding.UTF8.GetBytes($"{timestamp}.{body}")));
        Assert.Equal("sha256=" + expected, signature);
        Assert.Equal(_time.GetUtcNow().ToUnixTimeSeconds().ToString(), timestamp);
        Assert.Equal("first", JsonNode.Parse(body)!["text"]!.GetValue<string>());
        Assert.NotNull(Assert.Single(_log.Read()).Delivered);
        Assert.Equal(0, await Webhook().DeliverAsync(Cancel)); // once
    }

    [Fact]
    public async Task DeliverAsync_ReceiverIsDown_TriesAgainLaterAndLaterThenGivesUpAfterADay()
    {
        _receiver.Answer = HttpStatusCode.ServiceUnavailable;
        _log.Raise(Alert("late"));
        var webhook = Webhook();
        var attempts = new List<int>();
        for (var minute = 0; minute < 26 * 60; minute++)
        {
            await webhook.DeliverAsync(Cancel);
            attempts.Add(_log.Read()[0].Attempts);
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.InRange(attempts[^1], 20, 30);
        var state = Assert.Single(_log.Read());
        Assert.Contains("not taken for 24 hours; last: status 503", state.GivenUp);
        Assert.Equal(state.Attempts, _receiver.Seen.Count);
    }

    [Fact]
    public async Task DeliverAsync_ProcessStartedAgain_DeliversWhatWasPending()
    {
        _receiver.Answer = HttpStatusCode.BadGateway;
        _log.Raise(Alert("kept"));
        await Webhook().DeliverAsync(Cancel);
        _receiver.Answer = HttpStatusCode.NoContent;
        Assert.Equal(1, await Webhook().DeliverAsync(Cancel));
        var state = Assert.Single(new AlertLog(_directory.File("alerts.jsonl")).Read());
        Assert.Equal((2, false), (state.Attempts, state.Pending));
    }

    [Fact]
    public async Task DeliverAsync_ReceiverIsGone_StopsAtOnce()
    {
        _receiver.Answer = HttpStatusCode.Gone;
        _log.Raise(Alert("unwanted"));
        await Webhook().DeliverAsync(Cancel);
        Assert.Contains("said no", Assert.Single(_log.Read()).GivenUp);
    }

    [Fact]
    public async Task Read_LineTornByACrash_IsLeftOutAndTheNextOneIsWhole()
    {
        _log.Raise(Alert("whole"));
        await File.AppendAllTextAsync(_directory.File("alerts.jsonl"), "{\"raised\":{\"id\":\"0195", Cancel);
        Assert.Equal("whole", Assert.Single(_log.Read()).Alert.Text);
        _log.Raise(Alert("next"));
        Assert.Equal(["whole", "next"], _log.Read().Select(s => s.Alert.Text));
        await File.WriteAllTextAsync(_directory.File("alerts.jsonl"), "rubbish\n{}\n", Cancel);
        Assert.Contains("line 1", Assert.Throws<InvalidDataException>(() => _log.Read()).Message);
    }

    private AlertWebhook Webhook() => new(_log, new Uri("http://receiver.example/hook"), "secret", _client, _time);

    private Alert Alert(string text) => new() { Id = Guid.CreateVersion7(_time.GetUtcNow()), At = _time.GetUtcNow(), Kind = "drift", Application = "triage", Release = "triage-1", Text = text };

    private sealed class Receiver : HttpMessageHandler
    {
        public HttpStatusCode Answer { get; set; } = HttpStatusCode.OK;

        public List<(string Timestamp, string Signature, string Body)> Seen { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Seen.Add((request.Headers.GetValues("X-Lauter-Timestamp").Single(), request.Headers.GetValues("X-Lauter-Signature").Single(), await request.Content!.ReadAsStringAsync(cancellationToken)));
            return new HttpResponseMessage(Answer);
        }
    }
}
