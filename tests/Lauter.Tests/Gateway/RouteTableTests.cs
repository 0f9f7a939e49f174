using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Lauter.Tests.Gateway;

/// <summary>Deny by default, for every route that exists: whoever adds one without a key is caught here.</summary>
public sealed class RouteTableTests : IAsyncLifetime
{
    private static readonly string[] Open = ["/health"];
    private FakeUpstream _upstream = null!;
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices });
        _host.Registry.Set(GatewayHost.Routed("secret-app", GatewayHost.Target("a", _upstream)));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    private IEnumerable<(string Method, string Path)> Routes() =>
        from endpoint in _host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let methods = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET", "POST", "DELETE"]
        from method in methods
        let path = endpoint.RoutePattern.RawText!.Replace("{id}", "file-" + new string('0', 32), StringComparison.Ordinal).Replace("{**model}", "secret-app", StringComparison.Ordinal).Replace("{**rest}", "anything", StringComparison.Ordinal)
        where !Open.Contains(path)
        select (method, path);

    [Fact]
    public async Task EveryRoute_WithoutAKeyThatIsGoodNow_Answers401AndTellsNothing()
    {
        var (expired, _) = _host.Keys.Create("expired", expires: DateTimeOffset.UnixEpoch);
        var (revoked, stored) = _host.Keys.Create("revoked");
        _host.Keys.Revoke(stored.Id);
        var (old, rotated) = _host.Keys.Create("rotated");
        Assert.NotNull(_host.Keys.Rotate(rotated.Id, TimeSpan.Zero));
        using var client = new HttpClient { BaseAddress = _host.Client.BaseAddress };
        Assert.True(Routes().Count() >= 18);
        foreach (var (method, path) in Routes())
        {
            HashSet<string> answers = new(StringComparer.Ordinal);
            foreach (var key in (string?[])[null, "", "lk-wrong", _host.Key[..^1], _host.Key + "x", expired, revoked, old])
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(GatewayHost.Chat("secret-app", "x"), Encoding.UTF8, "application/json") };
                if (key is not null)
                {
                    request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
                }

                using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
                Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path} with '{key}' answers {response.StatusCode}");
                answers.Add(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            }

            Assert.DoesNotContain("secret-app", Assert.Single(answers), StringComparison.Ordinal); // the same words whatever is wrong with the key
        }

        Assert.Empty(_upstream.Bodies);
    }

    [Theory]
    [InlineData("v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]")]
    [InlineData("v1/completions", "\"prompt\":\"x\"")]
    [InlineData("v1/embeddings", "\"input\":\"x\"")]
    [InlineData("v1/rerank", "\"query\":\"x\",\"documents\":[\"y\"]")]
    [InlineData("v1/responses", "\"input\":\"x\"")]
    [InlineData("v1/messages", "\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]")]
    public async Task ModelRoute_ForeignOrUnknownModel_Answers403InTheSameWords(string path, string members)
    {
        var (scoped, _) = _host.Keys.Create("scoped", "other", ["other-app"]);
        var foreign = await _host.PostAsync(path, $$"""{"model":"secret-app",{{members}}}""", scoped);
        var unknown = await _host.PostAsync(path, $$"""{"model":"no-such-app",{{members}}}""", scoped);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (foreign.Status, unknown.Status));
        Assert.Equal(foreign.Body.ToJsonString(), unknown.Body.ToJsonString());
        Assert.Equal(HttpStatusCode.OK, (await _host.PostAsync(path, $$"""{"model":"secret-app",{{members}}}""")).Status);
    }

    [Fact]
    public async Task Key_InAnthropicsHeader_IsTakenToo()
    {
        using var client = new HttpClient { BaseAddress = _host.Client.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Get, "v1/models");
        request.Headers.Add("x-api-key", _host.Key);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task Admin_OrdinaryKey_IsRefusedAndAnAdministratorsCreatesWhatWorks()
    {
        foreach (var (method, path) in Routes().Where(r => r.Path.StartsWith("/admin", StringComparison.Ordinal)))
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent("""{"name":"x"}""", Encoding.UTF8, "application/json") };
            using var response = await _host.Client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True(response.StatusCode == HttpStatusCode.Forbidden, $"{method} {path} answers {response.StatusCode}");
        }

        var (admin, _) = _host.Keys.Create("admin", more: k => k with { Admin = true });
        var (code, made, _) = await _host.PostAsync("admin/v1/keys", """{"name":"new","tenant":"acme","applications":["secret-app"],"requests_per_minute":5}""", admin);
        Assert.Equal(HttpStatusCode.OK, code);
        Assert.Equal(HttpStatusCode.OK, (await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("secret-app", "x"), made["key"]!.GetValue<string>())).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await _host.PostAsync("admin/v1/keys", """{"name":"new","tennant":"acme"}""", admin)).Status);
        var (_, rotated, _) = await _host.PostAsync($"admin/v1/keys/{made["id"]}/rotate?grace_hours=0", "{}", admin);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("secret-app", "x"), made["key"]!.GetValue<string>())).Status);
        Assert.Equal(HttpStatusCode.OK, (await _host.PostAsync("v1/chat/completions", GatewayHost.Chat("secret-app", "x"), rotated["key"]!.GetValue<string>())).Status);
    }
}
