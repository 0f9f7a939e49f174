using System.Diagnostics;
using System.Net.Sockets;
using System.Net;
using System.Text.Json.Nodes;
using System.Text;
using Lauter.Gateway;
using Lauter.Traces;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Lauter.Tests.Gateway;

/// <summary>Callers and providers that do not behave: what they get, and that everybody else is served meanwhile.</summary>
public sealed class RobustnessTests : IAsyncLifetime
{
    private const string Good = """{"model":"chat","messages":[{"role":"user","content":"Where is my 订单 4711?"}],"temperature":0.5,"max_tokens":20,"stream":false,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"metadata":{"a":"b"},"x_big":9007199254740993}""";
    private FakeUpstream _upstream = null!;
    private GatewayHost _host = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Uri Address => _host.Client.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices });
        _host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _upstream)));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Theory]
    [InlineData("v1/chat/completions", Good)]
    [InlineData("v1/completions", """{"model":"chat","prompt":"Where is 订单?","max_tokens":5,"n":1,"echo":false}""")]
    [InlineData("v1/embeddings", """{"model":"chat","input":["a","订单"],"encoding_format":"float"}""")]
    [InlineData("v1/rerank", """{"model":"chat","query":"q","documents":["a","b"],"top_n":1}""")]
    [InlineData("v1/responses", """{"model":"chat","input":[{"role":"user","content":[{"type":"input_text","text":"订单"}]}],"instructions":"x","max_output_tokens":20,"text":{"format":{"type":"text"}}}""")]
    [InlineData("v1/messages", """{"model":"chat","max_tokens":20,"system":"x","messages":[{"role":"user","content":[{"type":"text","text":"订单"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}""")]
    [InlineData("v1/feedback", """{"id":"0198a000000070008000000000000000","rating":"down","comment":"no","correction":{"a":1}}""")]
    [InlineData("v1/batches", """{"input_file_id":"file-00000000000000000000000000000000","endpoint":"/v1/chat/completions","completion_window":"24h"}""")]
    public async Task AnyRoute_MutatedBodies_NeverGetA500(string path, string good)
    {
        var seed = path.Length * 7919;
        var random = new Random(seed);
        var valid = Encoding.UTF8.GetBytes(good);
        for (var i = 0; i < 300; i++)
        {
            var body = i % 3 == 2 ? Encoding.UTF8.GetBytes(Reshape(JsonNode.Parse(valid)!, random).ToJsonString()) : Flip(valid, random);
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new("application/json");
            using var response = await _host.Client.PostAsync(path, content, Token);
            var text = await response.Content.ReadAsStringAsync(Token);
            Assert.True((int)response.StatusCode is not (500 or 501) and < 502, $"mutation {i} of seed {seed} got {(int)response.StatusCode}: {text}\n{Encoding.UTF8.GetString(body)}");
        }
    }

    [Fact]
    public async Task Provider_MutatedAnswers_AreForwardedOrA502AndAlwaysSettled()
    {
        var random = new Random(4242);
        var valid = Encoding.UTF8.GetBytes(FakeUpstream.Whole("hello 订单", 10, 5));
        _upstream.Answer = (context, _) =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.Body.WriteAsync(Flip(valid, random)).AsTask();
        };
        for (var i = 0; i < 300; i++)
        {
            using var content = new StringContent(Good, Encoding.UTF8, "application/json");
            using var response = await _host.Client.PostAsync("v1/chat/completions", content, Token);
            Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadGateway, $"answer {i} of seed 4242 became {response.StatusCode}");
        }

        Assert.Equal(300, _host.Traces().Count(t => t.Outcome is TraceOutcome.Answered or TraceOutcome.Failed));
    }

    [Fact]
    public async Task Body_NumbersUnknownMembersAndOrder_ArriveAsTheyWereWritten()
    {
        const string Odd = """{ "z_last":1.10,  "big":9007199254740993, "huge":123456789012345678901234567890, "model" : "chat" ,"x_vendor":{"b":[1e2,-0.0,"\u0041\ud83d\ude00"],"a":null},"messages":[{"content":"x","role":"user","extra":true}],"max_tokens":7 }""";
        await _host.PostAsync("v1/chat/completions", Odd);

        Assert.Equal(Odd.Replace("\"chat\"", "\"upstream-model\"", StringComparison.Ordinal), Assert.Single(_upstream.Bodies));
    }

    [Fact]
    public async Task Stream_CutInTheMiddleOfCharacters_ArrivesWhole()
    {
        const string Text = "订单😀 – é𝕏";
        _upstream.Answer = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            foreach (var value in Encoding.UTF8.GetBytes($"data: {FakeUpstream.Delta(Text)}\r\n\r\ndata: {FakeUpstream.Delta("", "\"stop\"")}\n\ndata: [DONE]\n\n"))
            {
                await context.Response.Body.WriteAsync(new[] { value });
                await context.Response.Body.FlushAsync();
            }
        };
        var events = await _host.StreamAsync("""{"model":"chat","stream":true,"messages":[{"role":"user","content":"x"}]}""");

        Assert.Equal(Text, JsonNode.Parse(events[0])!["choices"]![0]!["delta"]!["content"]!.GetValue<string>());
        Assert.Equal("[DONE]", events[^1]);
    }

    [Fact]
    public async Task HangUp_DuringAStream_IsSeenUpstreamWithin100Milliseconds()
    {
        List<double> seen = [];
        for (var i = 0; i < 9; i++)
        {
            var left = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            _upstream.Answer = async (context, _) =>
            {
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync($"data: {FakeUpstream.Delta("one")}\n\n", Token);
                await context.Response.Body.FlushAsync(Token);
                using var gone = context.RequestAborted.Register(() => left.TrySetResult(Stopwatch.GetTimestamp()));
                await left.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);
            };
            using var socket = await SendAsync("POST", """{"model":"chat","stream":true,"messages":[{"role":"user","content":"x"}]}""");
            await ReadUntilAsync(socket, "one");
            var hungUp = Stopwatch.GetTimestamp();
            socket.Close(0);
            seen.Add(Stopwatch.GetElapsedTime(hungUp, await left.Task.WaitAsync(TimeSpan.FromSeconds(20), Token)).TotalMilliseconds);
        }

        // The median: on a busy machine a single run may wait for a core.
        Assert.True(seen.Order().ElementAt(4) <= 100, $"seen after {string.Join(", ", seen.Select(s => s.ToString("0.0")))} ms");
        for (var clock = Stopwatch.StartNew(); _host.Traces().Count(t => t.Outcome == TraceOutcome.Cancelled) < 9;)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), "nine requests that were left must be settled as cancelled");
            await Task.Yield();
        }
    }

    [Fact]
    public async Task HeaderFlood_IsRefusedAndOthersAreServed()
    {
        using var many = await ConnectAsync();
        await many.SendAsync(Encoding.ASCII.GetBytes("GET /v1/models HTTP/1.1\r\nHost: x\r\n" + string.Concat(Enumerable.Range(0, 500).Select(i => $"x-{i}: y\r\n")) + "\r\n"), Token);
        Assert.StartsWith("HTTP/1.1 431", await ReadUntilAsync(many, "\r\n"), StringComparison.Ordinal);
        using var large = await ConnectAsync();
        await large.SendAsync(Encoding.ASCII.GetBytes($"GET /v1/models HTTP/1.1\r\nHost: x\r\nx-long: {new string('y', 60_000)}\r\n\r\n"), Token);
        Assert.StartsWith("HTTP/1.1 431", await ReadUntilAsync(large, "\r\n"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await _host.PostAsync("v1/chat/completions", Good)).Status);
    }

    [Fact]
    public async Task SlowBodies_HoldNoPlaceOfOthersAndSpendNothing()
    {
        List<Socket> slow = [];
        for (var i = 0; i < 100; i++)
        {
            var socket = await ConnectAsync();
            await socket.SendAsync(Encoding.ASCII.GetBytes($"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {_host.Key}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"mo"), Token);
            slow.Add(socket);
        }

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await _host.PostAsync("v1/chat/completions", Good)).Status);
        }

        slow.ForEach(s => s.Close(0));
        Assert.Equal(20, _upstream.Bodies.Count);
        Assert.All(_host.Traces(), t => Assert.Equal(TraceOutcome.Answered, t.Outcome)); // whoever left before asking anything left no trace
    }

    [Fact]
    public async Task IdleStreams_Many_CostLittleAndHoldNobodyUp()
    {
        const int Count = 1_000;
        await using var host = await GatewayHost.StartAsync(o => o with { Prices = GatewayHost.Prices, MaximumConcurrentRequests = Count + 10 });
        host.Registry.Set(GatewayHost.Routed("chat", GatewayHost.Target("a", _upstream)));
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _upstream.Answer = async (context, body) =>
        {
            if (!body.Contains("\"stream\":true", StringComparison.Ordinal))
            {
                await FakeUpstream.JsonAsync(context, FakeUpstream.Whole("hello", 10, 5));
                return;
            }

            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync($"data: {FakeUpstream.Delta("one")}\n\n");
            await context.Response.Body.FlushAsync();
            await end.Task;
            await context.Response.WriteAsync($"data: {FakeUpstream.Delta("", "\"stop\"")}\n\ndata: {FakeUpstream.Usage(3, 1)}\n\ndata: [DONE]\n\n");
        };
        List<Socket> open = [];
        foreach (var batch in Enumerable.Range(0, Count).Chunk(50))
        {
            open.AddRange(await Task.WhenAll(batch.Select(_ => SendAsync("POST", """{"model":"chat","stream":true,"messages":[{"role":"user","content":"x"}]}""", host))));
        }

        await Task.WhenAll(open.Select(s => ReadUntilAsync(s, "one")));
        Assert.Equal(Count, host.Services.GetRequiredService<GatewayMetrics>().InFlight);
        var (status, _, _) = await host.PostAsync("v1/chat/completions", Good);
        Assert.Equal(HttpStatusCode.OK, status);

        end.SetResult();
        var ends = await Task.WhenAll(open.Select(s => ReadUntilAsync(s, "[DONE]")));
        Assert.Equal(Count, ends.Length);
        open.ForEach(s => s.Close());
        Assert.Equal(Count + 1, host.Traces().Count(t => t.Outcome == TraceOutcome.Answered));
    }

    private static byte[] Flip(byte[] valid, Random random)
    {
        var body = valid.ToArray();
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            body[random.Next(body.Length)] = (byte)random.Next(256);
        }

        return random.Next(3) == 0 ? body[..random.Next(body.Length)] : body;
    }

    /// <summary>Valid JSON of another form: a value somewhere becomes another type, goes away, or is repeated deeper.</summary>
    private static JsonNode Reshape(JsonNode root, Random random)
    {
        List<(JsonNode Parent, object Key)> places = [];
        Collect(root);
        var (parent, key) = places[random.Next(places.Count)];
        JsonNode? value = random.Next(9) switch
        {
            0 => null, 1 => JsonValue.Create(-1), 2 => JsonValue.Create(1e300), 3 => JsonValue.Create(""), 4 => JsonValue.Create(true), 5 => new JsonArray(), 6 => new JsonObject(),
            7 => new JsonArray(root.DeepClone()), _ => JsonValue.Create(new string('x', 5_000)),
        };
        if (parent is JsonObject o)
        {
            o[(string)key] = value;
        }
        else
        {
            parent.AsArray()[(int)key] = value;
        }

        return root;

        void Collect(JsonNode node)
        {
            if (node is JsonObject members)
            {
                foreach (var (name, child) in members)
                {
                    places.Add((node, name));
                    if (child is JsonObject or JsonArray)
                    {
                        Collect(child);
                    }
                }
            }
            else if (node is JsonArray items)
            {
                for (var i = 0; i < items.Count; i++)
                {
                    places.Add((node, i));
                    if (items[i] is JsonObject or JsonArray)
                    {
                        Collect(items[i]!);
                    }
                }
            }
        }
    }

    private async Task<Socket> ConnectAsync(GatewayHost? host = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, (host?.Client.BaseAddress ?? Address).Port, Token);
        return socket;
    }

    private async Task<Socket> SendAsync(string method, string body, GatewayHost? host = null)
    {
        var socket = await ConnectAsync(host);
        var bytes = Encoding.UTF8.GetBytes(body);
        await socket.SendAsync(
            (byte[])[.. Encoding.ASCII.GetBytes($"{method} /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {(host ?? _host).Key}\r\nContent-Type: application/json\r\nContent-Length: {bytes.Length}\r\n\r\n"), .. bytes], Token);
        return socket;
    }

    private static async Task<string> ReadUntilAsync(Socket socket, string text)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var all = new StringBuilder();
        var buffer = new byte[8 * 1024];
        while (!all.ToString().Contains(text, StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer, limit.Token);
            Assert.True(read > 0, $"the connection ended before '{text}': {all}");
            all.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }

        return all.ToString();
    }
}
