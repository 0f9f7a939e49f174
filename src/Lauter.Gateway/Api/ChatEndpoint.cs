using Lauter.Gateway.Applications;
using Lauter.Gateway.Providers;
using Lauter.Gateway.Settlement;

namespace Lauter.Gateway.Api;

/// <summary><c>POST /v1/chat/completions</c>: finds the application, begins the settlement and hands over to the kind that serves it.</summary>
internal sealed class ChatEndpoint(
    GatewayOptions options, RequestEdge edge, ApplicationRegistry registry, Settler settler, LocalAnswers local, ProviderForwarder forwarder)
{
    private const string Route = "chat.completions";

    /// <summary>Tokens that a chat template may add to one message, at most, beyond its bytes.</summary>
    private const int TemplateTokensPerMessage = 32;

    public async Task<OpenAiError?> HandleAsync(EdgeRequest request)
    {
        var (body, bodyError) = await edge.ReadBodyAsync(request.Context);
        if (bodyError is not null)
        {
            return bodyError;
        }

        var (call, callError) = ChatCall.Read(body, options);
        if (call is null)
        {
            return callError;
        }

        var live = registry.Find(call.Model);
        if (live is null || !request.Key.Allows(live.Name))
        {
            return OpenAiError.Forbidden;
        }

        (live, var unit) = registry.Assign(live, request.Key.Tenant, call.Members.Text("user") ?? call.Members.Text("safety_identifier"), request.Id);
        request.Context.Response.Headers["x-lauter-trace-id"] = request.Id.ToString("N");
        if (live.ReleaseId is { } release)
        {
            request.Context.Response.Headers["x-lauter-release"] = release;
        }

        var start = new RequestStart
        {
            Id = request.Id,
            At = request.At,
            Timestamp = request.Timestamp,
            Route = Route,
            Application = live.Name,
            Key = request.Key,
            Live = live,
            Unit = unit,
            Stream = call.Stream,
            InputBound = body.Length + (TemplateTokensPerMessage * (call.MessageCount + 1L)),
            OutputBound = (long)(call.MaximumOutputTokens ?? live.MaximumOutputTokens) * call.Choices,
            RequestText = options.KeepTexts ? System.Text.Encoding.UTF8.GetString(body.Span) : null,
        };
        if (call.MaximumOutputTokens > live.MaximumOutputTokens)
        {
            return settler.Refuse(start, OpenAiError.BadRequest(
                "invalid_value", $"The application '{live.Name}' gives answers of at most {live.MaximumOutputTokens} tokens; {call.MaximumOutputTokens} were asked for.",
                call.Members.IsSet("max_completion_tokens") ? "max_completion_tokens" : "max_tokens"));
        }

        return live.Kind == ApplicationKind.Provider
            ? await forwarder.ServeAsync(request, start, call, body)
            : await local.ServeAsync(request, start, call);
    }
}
