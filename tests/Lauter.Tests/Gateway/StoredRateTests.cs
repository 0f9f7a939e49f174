using System.Net;
using Lauter.Gateway.Settlement;
using Lauter.Ledger.Budgets;
using Microsoft.Extensions.DependencyInjection;

namespace Lauter.Tests.Gateway;

/// <summary>Rates that a person set by hand while the gateway runs.</summary>
public sealed class StoredRateTests
{
    [Fact]
    public async Task Rates_SetAndRemovedByHand_HoldFromTheNextPassOnAndNameTheAccount()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var host = await GatewayHost.StartAsync();
        host.Registry.Set(GatewayHost.Provider("chat", upstream));
        var pump = host.Services.GetRequiredService<JournalPump>();
        using var stored = new StoredBudgets(Path.Combine(host.StateDirectory, "ledger.db"));
        stored.Set(new RateLimit("user:*") { RequestsPerMinute = 2 });
        pump.Pump();

        Assert.Equal(HttpStatusCode.OK, await AskAsync("ann"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("ann"));
        var (status, body, response) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "hi", ",\"user\":\"ann\""));
        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        Assert.Contains("/ann may ask 2 times a minute", body["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Equal(HttpStatusCode.OK, await AskAsync("bob")); // every user has a limit of its own

        Assert.Equal(1, stored.RemoveAll("user:*"));
        pump.Pump();
        Assert.Equal(HttpStatusCode.OK, await AskAsync("ann"));

        async Task<HttpStatusCode> AskAsync(string user) => (await host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "hi", $",\"user\":\"{user}\""))).Status;
    }

    [Fact]
    public async Task Concurrency_PlaceIsFreeAgainWhenARequestEndsHoweverItEnds()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var host = await GatewayHost.StartAsync();
        host.Registry.Set(GatewayHost.Provider("chat", upstream));
        using var stored = new StoredBudgets(Path.Combine(host.StateDirectory, "ledger.db"));
        stored.Set(new RateLimit("application:chat") { Concurrent = 1 });
        host.Services.GetRequiredService<JournalPump>().Pump();
        upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, """{"error":{"message":"no"}}""", 400);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "hi"))).Status);
        }

        upstream.Answer = (context, _) => FakeUpstream.JsonAsync(context, FakeUpstream.Whole("hello", 10, 5));
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("v1/chat/completions", GatewayHost.Chat("chat", "hi"))).Status);
    }
}
