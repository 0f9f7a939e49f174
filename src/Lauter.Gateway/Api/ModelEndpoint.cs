using Lauter.Gateway.Api.Shapes;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Providers;
using Lauter.Gateway.Settlement;

namespace Lauter.Gateway.Api;

/// <summary>
/// The routes that name a model: <c>chat/completions</c>, <c>completions</c>, <c>embeddings</c>, <c>rerank</c>, and, translated into the first,
/// <c>responses</c> and Anthropic's <c>messages</c>. Finds the application, begins the settlement and hands over to the kind that serves it.
/// </summary>
internal sealed class ModelEndpoint(
    GatewayOptions options, RequestEdge edge, ApplicationRegistry registry, Settler settler, LocalAnswers local, ProviderForwarder forwarder, EmbeddingsEndpoint embeddings)
{
    /// <summary>Tokens that a chat template may add to one message, at most, beyond its bytes.</summary>
    private const int TemplateTokensPerMessage = 32;

    public Task<OpenAiError?> ChatAsync(EdgeRequest request) => HandleAsync(request, Surface.Chat);

    public Task<OpenAiError?> CompletionsAsync(EdgeRequest request) => HandleAsync(request, Surface.Completions);

    public Task<OpenAiError?> RerankAsync(EdgeRequest request) => HandleAsync(request, Surface.Rerank);

    public async Task<OpenAiError?> EmbeddingsAsync(EdgeRequest request)
    {
        var (body, bodyError) = await edge.ReadBodyAsync(request.Context);
        return bodyError ?? await ServeEmbeddingsAsync(request, body);
    }

    public async Task<OpenAiError?> MessagesAsync(EdgeRequest request) => await TranslatedAsync(request, MessagesShape.Request, new MessagesShape());

    public async Task<OpenAiError?> ResponsesAsync(EdgeRequest request) => await TranslatedAsync(request, ResponsesShape.Request, new ResponsesShape(request.At));

    /// <summary>Serves a body that was read already: the caller's, a translated one, or a line of a batch.</summary>
    public Task<OpenAiError?> ServeAsync(EdgeRequest request, ReadOnlyMemory<byte> body, Surface surface, AnswerShape? shape = null)
    {
        if (surface == Surface.Embeddings)
        {
            return ServeEmbeddingsAsync(request, body);
        }

        var (call, callError) = ChatCall.Read(body, options, surface);
        return call is null ? Task.FromResult(callError) : ServeAsync(request, body, call, shape);
    }

    private async Task<OpenAiError?> HandleAsync(EdgeRequest request, Surface surface)
    {
        var (body, bodyError) = await edge.ReadBodyAsync(request.Context);
        return bodyError ?? await ServeAsync(request, body, surface);
    }

    private async Task<OpenAiError?> ServeEmbeddingsAsync(EdgeRequest request, ReadOnlyMemory<byte> body)
    {
        if (JsonMembers.Scan(body, options.MaximumDepth, out var fault) is not { } members)
        {
            return OpenAiError.BadRequest("invalid_json", fault!);
        }

        if (members.Text("model") is { } model && registry.FindEmbedder(model) is { } embedder && request.Key.Allows(model))
        {
            return await embeddings.ServeAsync(request, body, members, embedder);
        }

        var (call, callError) = ChatCall.Read(body, options, Surface.Embeddings);
        return call is null ? callError : await ServeAsync(request, body, call, shape: null);
    }

    private async Task<OpenAiError?> TranslatedAsync(EdgeRequest request, Func<JsonMembers, (byte[]? Body, string? Fault)> translate, AnswerShape shape)
    {
        var (body, bodyError) = await edge.ReadBodyAsync(request.Context);
        if (bodyError is not null)
        {
            return bodyError;
        }

        if (JsonMembers.Scan(body, options.MaximumDepth, out var fault) is not { } members)
        {
            return OpenAiError.BadRequest("invalid_json", fault!);
        }

        byte[]? chat;
        try
        {
            (chat, fault) = translate(members);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or System.Text.Json.JsonException or FormatException)
        {
            // Members of other types than the API's, names twice, text that is no Unicode: the caller's fault, in whatever place it was found.
            return OpenAiError.BadRequest("invalid_request", "The request does not have the form of this API.");
        }

        return chat is null ? OpenAiError.BadRequest("invalid_request", fault!) : await ServeAsync(request, chat, Surface.Chat, shape);
    }

    private async Task<OpenAiError?> ServeAsync(EdgeRequest request, ReadOnlyMemory<byte> body, ChatCall call, AnswerShape? shape)
    {
        var live = registry.Find(call.Model);
        if (live is null || !request.Key.Allows(live.Name))
        {
            return OpenAiError.Forbidden;
        }

        (live, var unit) = registry.Assign(live, request.Key.Tenant, call.User, request.Id);
        request.Context.Response.Headers["x-lauter-trace-id"] = request.Name;
        if (live.ReleaseId is { } release)
        {
            request.Context.Response.Headers["x-lauter-release"] = release;
        }

        var start = new RequestStart
        {
            Id = request.Id,
            At = request.At,
            Timestamp = request.Timestamp,
            Route = call.Surface.Route,
            Application = live.Name,
            Key = request.Key,
            Admission = request.Admission,
            Live = live,
            Unit = unit,
            User = call.User,
            Stream = call.Stream,
            InputBound = body.Length + (TemplateTokensPerMessage * (call.MessageCount + 1L)),
            OutputBound = call.Surface.Generates ? (long)(call.MaximumOutputTokens ?? live.MaximumOutputTokens) * call.Choices : 0,
            RequestText = options.KeepTexts ? System.Text.Encoding.UTF8.GetString(body.Span) : null,
        };
        if (call.Surface.Generates && call.MaximumOutputTokens > live.MaximumOutputTokens)
        {
            return settler.Refuse(start, OpenAiError.BadRequest(
                "invalid_value", $"The application '{live.Name}' gives answers of at most {live.MaximumOutputTokens} tokens; {call.MaximumOutputTokens} were asked for.",
                call.Members.IsSet("max_completion_tokens") ? "max_completion_tokens" : "max_tokens"));
        }

        if (live.Kind == ApplicationKind.Provider)
        {
            return await forwarder.ServeAsync(request, start, call, body, shape);
        }

        return call.Surface == Surface.Chat
            ? await local.ServeAsync(request, start, call, shape)
            : settler.Refuse(start, OpenAiError.BadRequest("unsupported_route", $"The application '{live.Name}' answers chats only: POST /v1/chat/completions.", "model"));
    }
}
