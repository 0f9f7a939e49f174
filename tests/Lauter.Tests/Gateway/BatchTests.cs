using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Lauter.Tests.Gateway;

public sealed class BatchTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-batches-").FullName;
    private FakeUpstream _upstream = null!;
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _host = await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Batch_Lines_AreAnsweredPaidAndSplitByOutcome()
    {
        var file = await UploadAsync(Line("a", "chat"), Line("b", "no-such-model"), Line("c", "chat"));
        var batch = await EndAsync(await CreateAsync(file));

        Assert.Equal("completed", batch["status"]!.GetValue<string>());
        Assert.Equal((3, 2, 1), (Count(batch, "total"), Count(batch, "completed"), Count(batch, "failed")));
        var output = await ReadAsync(batch["output_file_id"]!.GetValue<string>());
        Assert.Equal(["a", "c"], output.Select(l => l["custom_id"]!.GetValue<string>()).Order());
        Assert.All(output, l => Assert.Equal("hello", l["response"]!["body"]!["choices"]![0]!["message"]!["content"]!.GetValue<string>()));
        Assert.Equal(403, Assert.Single(await ReadAsync(batch["error_file_id"]!.GetValue<string>()))["response"]!["status_code"]!.GetValue<int>());
        Assert.Equal(2, _host.Traces().Count);
    }

    [Fact]
    public async Task Batch_HostStopsInTheMiddle_GoesOnAfterTheStartAndRepeatsNothingThatWasDone()
    {
        var hold = new TaskCompletionSource();
        _upstream.Answer = async (context, _) =>
        {
            if (_upstream.Bodies.Count > 5)
            {
                await hold.Task.WaitAsync(context.RequestAborted);
            }

            await FakeUpstream.JsonAsync(context, FakeUpstream.Whole("hello", 1, 1));
        };
        var file = await UploadAsync([.. Enumerable.Range(0, 20).Select(i => Line($"l{i}", "chat"))]);
        var id = await CreateAsync(file);
        await UntilAsync(() => Task.FromResult(_upstream.Bodies.Count > 5));
        await _host.DisposeAsync();
        var askedBefore = _upstream.Bodies.Count;
        hold.SetResult();
        _host = await StartAsync();
        var batch = await EndAsync(id);

        Assert.Equal(("completed", 20), (batch["status"]!.GetValue<string>(), Count(batch, "completed")));
        Assert.Equal(20, (await ReadAsync(batch["output_file_id"]!.GetValue<string>())).Select(l => l["custom_id"]!.GetValue<string>()).Distinct(StringComparer.Ordinal).Count());
        Assert.InRange(_upstream.Bodies.Count, 20, 20 + 5); // only the lines on their way were sent again
        Assert.True(askedBefore > 5);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("""{"custom_id":"a","body":[]}""")]
    [InlineData("""{"custom_id":"a","method":"GET","url":"/v1/chat/completions","body":{}}""")]
    public async Task Batch_WrongLine_FailsNamingIt(string line)
    {
        var batch = await EndAsync(await CreateAsync(await UploadAsync(Line("x", "chat"), line)));

        Assert.Equal("failed", batch["status"]!.GetValue<string>());
        Assert.StartsWith("Line 2", batch["errors"]!["data"]![0]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Empty(_upstream.Bodies);
    }

    [Fact]
    public async Task Files_OtherTenant_SeesNone()
    {
        var file = await UploadAsync(Line("a", "chat"));
        var (other, _) = _host.Keys.Create("other", "other");
        foreach (var path in (string[])[$"v1/files/{file}", $"v1/files/{file}/content", $"v1/files/..%2F{file}", $"v1/files/{file}.json"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = new("Bearer", other);
            Assert.Equal(HttpStatusCode.NotFound, (await _host.Client.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode);
        }

        Assert.Equal(HttpStatusCode.NotFound, (await _host.PostAsync("v1/batches", $$"""{"input_file_id":"{{file}}","endpoint":"/v1/chat/completions","completion_window":"24h"}""", other)).Status);
    }

    private static string Line(string id, string model) => $$$"""{"custom_id":"{{{id}}}","method":"POST","url":"/v1/chat/completions","body":{{{GatewayHost.Chat(model, "x")}}}}""";

    private static int Count(JsonObject batch, string name) => batch["request_counts"]![name]!.GetValue<int>();

    private Task<GatewayHost> StartAsync() =>
        GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices }, _directory, registry => registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _upstream))));

    private async Task<string> UploadAsync(params string[] lines)
    {
        using var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { new ByteArrayContent(Encoding.UTF8.GetBytes(string.Join('\n', lines))), "file", "lines.jsonl" } };
        using var response = await _host.Client.PostAsync("v1/files", form, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!["id"]!.GetValue<string>();
    }

    private async Task<string> CreateAsync(string file)
    {
        var (code, body, _) = await _host.PostAsync("v1/batches", $$"""{"input_file_id":"{{file}}","endpoint":"/v1/chat/completions","completion_window":"24h"}""");
        Assert.True(code == HttpStatusCode.OK, body.ToJsonString());
        return body["id"]!.GetValue<string>();
    }

    private async Task<JsonObject> EndAsync(string id)
    {
        JsonObject batch = [];
        await UntilAsync(async () =>
        {
            batch = JsonNode.Parse(await _host.Client.GetStringAsync($"v1/batches/{id}", TestContext.Current.CancellationToken))!.AsObject();
            return batch["status"]!.GetValue<string>() is "completed" or "failed" or "cancelled" or "expired";
        });
        return batch;
    }

    private async Task<List<JsonNode>> ReadAsync(string file) =>
        [.. (await _host.Client.GetStringAsync($"v1/files/{file}/content", TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!)];

    private static async Task UntilAsync(Func<Task<bool>> seen)
    {
        for (var i = 0; i < 600 && !await seen(); i++)
        {
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
    }
}
