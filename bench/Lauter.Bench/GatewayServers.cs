using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Lauter.Bench;

/// <summary>The two servers beside the gateway, each a process of its own: an upstream that answers at once, and a bare proxy.</summary>
internal static class GatewayServers
{
    private static readonly byte[] Whole = """
        {"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"fake","choices":[{"index":0,"message":{"role":"assistant","content":"The order was shipped yesterday and should arrive on Thursday; the tracking number is in the message that was sent to you.","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":31,"completion_tokens":27,"total_tokens":58}}
        """u8.ToArray();

    /// <summary>An upstream: whole answers at once; streams of 20 events, the first after <paramref name="firstEventMilliseconds"/>.</summary>
    public static async Task<int> UpstreamAsync(string port, string firstEventMilliseconds)
    {
        var delay = int.Parse(firstEventMilliseconds, CultureInfo.InvariantCulture);
        var events = Enumerable.Range(0, 20).Select(i => System.Text.Encoding.UTF8.GetBytes(
            $$$"""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[{"index":0,"delta":{"content":" word{{{i}}}"},"finish_reason":{{{(i == 19 ? "\"stop\"" : "null")}}}}]}""" + "\n\n")).ToArray();
        var usage = """data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[],"usage":{"prompt_tokens":31,"completion_tokens":20,"total_tokens":51}}"""u8.ToArray().Concat("\n\n"u8.ToArray()).ToArray();
        var app = Build(port);
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            if (!body.GetBuffer().AsSpan(0, (int)body.Length).Contains("\"stream\":true"))
            {
                context.Response.ContentType = "application/json";
                context.Response.ContentLength = Whole.Length;
                await context.Response.Body.WriteAsync(Whole);
                return;
            }

            context.Response.ContentType = "text/event-stream";
            if (delay > 0)
            {
                await Task.Delay(delay);
            }

            foreach (var item in events)
            {
                await context.Response.Body.WriteAsync(item);
                await context.Response.Body.FlushAsync();
            }

            await context.Response.Body.WriteAsync(usage);
            await context.Response.Body.WriteAsync("data: [DONE]\n\n"u8.ToArray());
        });
        await app.RunAsync();
        return 0;
    }

    /// <summary>YARP's forwarder and nothing else: no key, no budget, no record.</summary>
    public static async Task<int> ProxyAsync(string port, string upstream)
    {
        var app = Build(port, services => services.AddHttpForwarder());
        var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
        using var client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null });
        app.Run(async context => await forwarder.SendAsync(context, $"http://127.0.0.1:{upstream}", client, ForwarderRequestConfig.Empty));
        await app.RunAsync();
        return 0;
    }

    private static bool Contains(this Span<byte> bytes, string text) => bytes.IndexOf(System.Text.Encoding.ASCII.GetBytes(text)) >= 0;

    private static WebApplication Build(string port, Action<IServiceCollection>? add = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture)));
        add?.Invoke(builder.Services);
        return builder.Build();
    }
}
