using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Lauter.Gateway.Sources;
using Lauter.Gateway.Applications;
using Lauter.Traces;

namespace Lauter.Tests.Gateway;

public sealed class EdgeTests
{
    [Theory]
    [InlineData("POST", "v1/chat/completions")]
    [InlineData("POST", "v1/embeddings")]
    [InlineData("POST", "v1/feedback")]
    [InlineData("GET", "v1/models")]
    [InlineData("GET", "v1/models/triage")]
    [InlineData("GET", "v1/anything/else")]
    [InlineData("GET", "metrics")]
    public async Task AnyRoute_WithoutValidKey_AnswersUnauthorizedAndTellsNothing(string method, string path)
    {
        await using var host = await StartAsync();
        var (expired, _) = host.Keys.Create("expired", expires: DateTimeOffset.UnixEpoch);
        var (revoked, stored) = host.Keys.Create("revoked");
        Assert.True(host.Keys.Revoke(stored.Id));
        foreach (var key in (string?[])[null, "lk-wrong", expired, revoked, new string('x', 5_000)])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
            using var client = new HttpClient { BaseAddress = host.Client.BaseAddress };
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Contains("\"code\":\"invalid_api_key\"", text, StringComparison.Ordinal);
            Assert.DoesNotContain("triage", text, StringComparison.Ordinal);
            Assert.Equal(32, response.Headers.GetValues("x-request-id").Single().Length);
        }
    }

    [Fact]
    public async Task Health_WithoutKey_SaysOnlyThatItServes()
    {
        await using var host = await StartAsync();
        using var client = new HttpClient { BaseAddress = host.Client.BaseAddress };

        Assert.Equal("""{"status":"ok"}""", await client.GetStringAsync("health", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Chat_ForeignOrUnknownApplication_LooksTheSame()
    {
        await using var host = await StartAsync();
        var (scoped, _) = host.Keys.Create("scoped", applications: ["other"]);

        var foreign = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"), scoped);
        var unknown = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("nothing", "x"), scoped);

        Assert.Equal(HttpStatusCode.Forbidden, foreign.Status);
        Assert.Equal(HttpStatusCode.Forbidden, unknown.Status);
        Assert.Equal(foreign.Body.ToJsonString(), unknown.Body.ToJsonString());
    }

    [Fact]
    public async Task Models_ScopedKey_ListsOnlyItsApplications()
    {
        await using var host = await StartAsync();
        host.Registry.Set(host.Registry.Find("triage")! with { Name = "second" });
        var (scoped, _) = host.Keys.Create("scoped", applications: ["second"]);
        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", scoped);

        var list = await host.Client.GetStringAsync("v1/models", TestContext.Current.CancellationToken);

        Assert.Contains("\"id\":\"second\"", list, StringComparison.Ordinal);
        Assert.DoesNotContain("triage", list, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, (await host.Client.GetAsync("v1/models/triage", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await host.Client.GetAsync("metrics", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Theory]
    [InlineData("", 400, "invalid_json")]
    [InlineData("[]", 400, "invalid_json")]
    [InlineData("{\"model\":\"triage\"", 400, "invalid_json")]
    [InlineData("{\"model\":\"triage\",\"model\":\"other\",\"messages\":[]}", 400, "invalid_json")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 400, "missing_required_parameter")]
    [InlineData("{\"model\":\"triage\"}", 400, "invalid_messages")]
    [InlineData("{\"model\":\"triage\",\"messages\":[]}", 400, "invalid_messages")]
    [InlineData("{\"model\":\"triage\",\"messages\":[7]}", 400, "invalid_messages")]
    [InlineData("{\"model\":\"triage\",\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}", 400, "invalid_messages")]
    [InlineData("{\"model\":\"triage\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":0}", 400, "invalid_value")]
    [InlineData("{\"model\":\"triage\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":99999999999999999999}", 400, "invalid_value")]
    [InlineData("{\"model\":\"triage\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5000}", 400, "invalid_value")]
    [InlineData("{\"model\":\"triage\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":3}", 400, "invalid_value")]
    [InlineData("{\"model\":\"triage\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":100}", 400, "invalid_value")]
    [InlineData("{\"model\":\"triage\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":2}", 400, "unsupported_parameter")]
    [InlineData("{\"model\":\"triage\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"chat_template_kwargs\":{}}", 400, "unsupported_parameter")]
    [InlineData("{\"model\":\"triage\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://169.254.169.254/\"}}]}]}", 400, "invalid_messages")]
    public async Task Chat_WrongBody_GetsADocumentedError(string body, int status, string code)
    {
        await using var host = await StartAsync();

        var answer = await host.PostAsync("v1/chat/completions", body);

        Assert.Equal(status, (int)answer.Status);
        Assert.Equal(code, answer.Body["error"]!["code"]!.GetValue<string>());
        Assert.NotNull(answer.Body["error"]!["message"]);
        Assert.Equal("invalid_request_error", answer.Body["error"]!["type"]!.GetValue<string>());
    }

    [Fact]
    public async Task Chat_MutatedBodies_NeverGetA500()
    {
        await using var host = await StartAsync();
        var valid = Encoding.UTF8.GetBytes(GatewayHost.Chat("triage", "Where is my 订单?", ",\"stream\":false,\"max_tokens\":20,\"user\":\"u\""));
        var random = new Random(4711);
        for (var i = 0; i < 300; i++)
        {
            var body = valid.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                body[random.Next(body.Length)] = (byte)random.Next(256);
            }

            using var content = new ByteArrayContent(body, 0, random.Next(2) == 0 ? body.Length : random.Next(body.Length));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await host.Client.PostAsync("v1/chat/completions", content, TestContext.Current.CancellationToken);
            Assert.True((int)response.StatusCode < 500, $"mutation {i} of seed 4711 got {(int)response.StatusCode}");
        }
    }

    [Fact]
    public async Task Chat_TooLargeOrTooDeep_IsRefusedAtTheEdge()
    {
        await using var host = await StartAsync(o => o with { MaximumBodyBytes = 2_000, MaximumDepth = 16 });

        Assert.Equal("body_too_large", Code(await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", new string('x', 3_000)))));
        var deep = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x", $",\"metadata\":{new string('[', 20)}{new string(']', 20)}"));
        Assert.Equal("invalid_json", Code(deep));
        Assert.Contains("deeper than 16", deep.Body["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_RateLimitedKey_GetsRetryAfter()
    {
        await using var host = await StartAsync();
        var (key, _) = host.Keys.Create("slow", requestsPerMinute: 2);

        var first = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"), key);
        await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"), key);
        var third = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"), key);

        Assert.Equal(HttpStatusCode.OK, first.Status);
        Assert.Equal("1", first.Response.Headers.GetValues("x-ratelimit-remaining-requests").Single());
        Assert.Equal(HttpStatusCode.TooManyRequests, third.Status);
        Assert.InRange(third.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
    }

    [Fact]
    public async Task Chat_DiskFull_Answers503BeforeTheSourceIsAsked()
    {
        var asked = 0;
        await using var host = await GatewayHost.StartAsync(o => o with { MinimumFreeBytes = long.MaxValue });
        host.Registry.Set(new LiveApplication { Name = "triage", Kind = ApplicationKind.Nearest, Source = new NearestSource(_ => { asked++; return new("1", "{}", 1); }) });

        var answer = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.Equal("journal_unavailable", Code(answer));
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task Metrics_AfterRequests_CountThem()
    {
        await using var host = await StartAsync();
        await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "x"));

        var text = await host.Client.GetStringAsync("metrics", TestContext.Current.CancellationToken);

        Assert.Contains("lauter_requests_total{application=\"triage\",outcome=\"answered\"} 1", text, StringComparison.Ordinal);
        Assert.Contains("lauter_request_duration_seconds_count{application=\"triage\"} 1", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeyFile_OnDisk_HoldsNoKeyAndIsPrivate()
    {
        await using var host = await StartAsync();
        var path = Path.Combine(host.StateDirectory, "keys.json");

        Assert.DoesNotContain(host.Key, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }

        Assert.Empty(host.Traces());
    }

    private static string Code((HttpStatusCode, System.Text.Json.Nodes.JsonObject Body, HttpResponseMessage) answer) => answer.Body["error"]!["code"]!.GetValue<string>();

    private static async Task<GatewayHost> StartAsync(Func<Lauter.Gateway.GatewayOptions, Lauter.Gateway.GatewayOptions>? configure = null)
    {
        var host = await GatewayHost.StartAsync(configure);
        host.Registry.Set(new LiveApplication
        {
            Name = "triage",
            Kind = ApplicationKind.Nearest,
            Source = new NearestSource(text => new NearestExample("T-1", $$"""{"intent":"{{text.Length}}"}""", 1)),
            OutputSchema = """{"type":"object","properties":{"intent":{"type":"string"}},"required":["intent"]}""",
        });
        return host;
    }
}
