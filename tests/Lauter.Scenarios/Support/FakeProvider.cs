using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Lauter.Scenarios.Support;

/// <summary>An OpenAI-compatible provider on a socket that answers by the text of the last message.</summary>
public sealed class FakeProvider : IDisposable
{
    private readonly HttpListener _listener = new();

    public FakeProvider()
    {
        Port = FreePort();
        _listener.Prefixes.Add($"http://127.0.0.1:{Port}/");
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Streams that ended because nobody listened any more.</summary>
    public int HungUp { get; private set; }

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public void Dispose() => _listener.Close();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                _ = Task.Run(() => AnswerAsync(context));
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var reader = new StreamReader(context.Request.InputStream, Encoding.UTF8);
        var body = JsonNode.Parse(await reader.ReadToEndAsync())!;
        if (context.Request.Url!.AbsolutePath.EndsWith("/embeddings", StringComparison.Ordinal))
        {
            var base64 = body["encoding_format"]?.GetValue<string>() == "base64";
            JsonNode vector = base64 ? JsonValue.Create(Convert.ToBase64String(new byte[4 * 3])) : new JsonArray(1, 2, 3);
            await JsonAsync(context, new JsonObject
            {
                ["object"] = "list", ["model"] = "v", ["data"] = new JsonArray(new JsonObject { ["object"] = "embedding", ["index"] = 0, ["embedding"] = vector }),
                ["usage"] = new JsonObject { ["prompt_tokens"] = 2, ["total_tokens"] = 2 },
            });
            return;
        }

        var last = body["messages"]!.AsArray()[^1]!["content"];
        var text = last is JsonArray parts ? parts[0]!["text"]!.GetValue<string>() : last!.GetValue<string>();
        if (text == "fail")
        {
            await JsonAsync(context, JsonNode.Parse("""{"error":{"message":"no such thing","type":"invalid_request_error","code":"bad_thing"}}""")!.AsObject(), 422);
            return;
        }

        if (body["stream"]?.GetValue<bool>() == true)
        {
            await StreamAsync(context, text);
            return;
        }

        var message = new JsonObject { ["role"] = "assistant", ["content"] = text == "json" ? """{"ok":true}""" : "hello there" };
        if (text == "tool")
        {
            message["content"] = null;
            message["tool_calls"] = JsonNode.Parse("""[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Kunming\"}"}}]""");
        }

        await JsonAsync(context, new JsonObject
        {
            ["id"] = "up", ["object"] = "chat.completion", ["created"] = 1, ["model"] = "m",
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message, ["finish_reason"] = text == "tool" ? "tool_calls" : "eos" }),
            ["usage"] = new JsonObject { ["prompt_tokens"] = 7, ["completion_tokens"] = 3, ["total_tokens"] = 10 },
        });
    }

    private async Task StreamAsync(HttpListenerContext context, string text)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.SendChunked = true;
        var output = context.Response.OutputStream;
        try
        {
            for (var i = 0; text == "slow" ? i < 400 : i < 2; i++)
            {
                await PutAsync(Chunk(i == 0 ? "hello" : " there", i == 1 && text != "slow" && text != "broken" ? "stop" : null));
                if (text == "slow")
                {
                    await Task.Delay(25);
                }
            }

            if (text == "broken")
            {
                context.Response.Abort();
                return;
            }

            var usage = Chunk("", null);
            usage["choices"] = new JsonArray();
            usage["usage"] = new JsonObject { ["prompt_tokens"] = 7, ["completion_tokens"] = 3, ["total_tokens"] = 10 };
            await PutAsync(usage);
            await output.WriteAsync("data: [DONE]\n\n"u8.ToArray());
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException)
        {
            HungUp++;
        }

        async Task PutAsync(JsonObject chunk)
        {
            await output.WriteAsync(Encoding.UTF8.GetBytes($"data: {chunk.ToJsonString()}\n\n"));
            await output.FlushAsync();
        }
    }

    private static JsonObject Chunk(string text, string? finish) => new()
    {
        ["id"] = "up", ["object"] = "chat.completion.chunk", ["created"] = 1, ["model"] = "m",
        ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = new JsonObject { ["content"] = text }, ["finish_reason"] = finish }),
    };

    private static async Task JsonAsync(HttpListenerContext context, JsonObject body, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body.ToJsonString()));
        context.Response.Close();
    }
}
