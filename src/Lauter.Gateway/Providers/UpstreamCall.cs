using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using Lauter.Gateway.Api;
using Lauter.Gateway.Providers.Wires;

namespace Lauter.Gateway.Providers;

/// <summary>The request that a provider gets for a caller's request.</summary>
internal static class UpstreamCall
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    public static HttpRequestMessage Message(ProviderTarget target, Surface surface, ReadOnlyMemory<byte> body)
    {
        var path = target.Wire == ProviderWire.Anthropic ? "messages" : surface.Path;
        var message = new HttpRequestMessage(HttpMethod.Post, target.AddressOf(path)) { Content = new ReadOnlyMemoryContent(body) };
        message.Content.Headers.ContentType = Json;
        if (target.Wire == ProviderWire.Anthropic)
        {
            message.Headers.TryAddWithoutValidation("anthropic-version", AnthropicWire.Version);
        }

        if (target.ApiKey is { } key)
        {
            switch (target.Wire)
            {
                case ProviderWire.Anthropic:
                    message.Headers.TryAddWithoutValidation("x-api-key", key);
                    break;
                case ProviderWire.Azure:
                    message.Headers.TryAddWithoutValidation("api-key", key);
                    break;
                default:
                    message.Headers.Authorization = target.Bearer;
                    break;
            }
        }

        return message;
    }

    /// <summary>The caller's bytes with the model's name at the provider, a limit of tokens, and the wish for usage; nothing else is touched.</summary>
    public static ReadOnlyMemory<byte> Body(ChatCall call, ProviderTarget target, int maximumOutputTokens, bool logprobs = false)
    {
        if (target.Wire == ProviderWire.Anthropic)
        {
            return AnthropicWire.Request(call, target.Model, call.MaximumOutputTokens ?? maximumOutputTokens);
        }

        List<(string, byte[])> changes = new(4) { ("model", target.ModelJson) };
        if (call.Surface.Generates && call.MaximumOutputTokens is null)
        {
            changes.Add((call.Surface == Surface.Chat ? target.MaximumTokensMember : "max_tokens", JsonSerializer.SerializeToUtf8Bytes(maximumOutputTokens)));
        }

        if (call.Stream && !call.IncludeUsage && target.SupportsStreamUsage)
        {
            // Without it streams carry no usage and their cost is unknown; the extra event is not passed on.
            var stream = call.Members.Element("stream_options") is { ValueKind: JsonValueKind.Object } element
                ? System.Text.Json.Nodes.JsonObject.Create(element)!
                : [];
            stream["include_usage"] = true;
            changes.Add(("stream_options", System.Text.Encoding.UTF8.GetBytes(stream.ToJsonString())));
        }

        if (logprobs)
        {
            changes.Add(("logprobs", "true"u8.ToArray()));
        }

        return call.Members.With(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(changes), target.Drops);
    }
}
