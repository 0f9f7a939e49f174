using Lauter.Gateway.Api;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Routing;

namespace Lauter.Gateway.Providers;

/// <summary>
/// The one owner of retries. Targets are asked in the planner's order until one begins to answer; nothing of an answer has reached the caller
/// until then, and nothing is tried again afterwards.
/// <para>Another target is asked at once, each at most once, so no provider ever sees a request twice that way. The same target is asked
/// again only from the <see cref="RetryBudget"/> (a tenth of the traffic), after the wait that the provider named or a growing one. A text
/// that is too long and a refusal by a content filter go to the target that the route names for them.</para>
/// </summary>
internal sealed class UpstreamSender(GatewayOptions options, RoutePlanner planner, TargetHealth health, TimeProvider time)
{
    private const int MaximumAttempts = 3;

    /// <summary>A provider that wants to be left alone for longer is not waited for; the caller is told how long.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);
    private readonly RetryBudget _retries = new();

    /// <summary>Finds the target that answers. Null = <paramref name="response"/> holds the beginning of its answer.</summary>
    public Task<OpenAiError?> FindAsync(EdgeRequest request, LiveApplication live, ChatCall call, ProviderAnswer answer, ForwardedResponse response)
    {
        var question = QuestionOf(request, live, call);
        return FindAsync(request, live, planner.Order(live.Route!, question, live.Sku), call, answer, response, logprobs: false);
    }

    /// <summary>As above with an order that is given.</summary>
    public async Task<OpenAiError?> FindAsync(
        EdgeRequest request, LiveApplication live, IReadOnlyList<ProviderTarget> targets, ChatCall call, ProviderAnswer answer, ForwardedResponse response, bool logprobs)
    {
        if (targets.Count == 0)
        {
            return new OpenAiError(400, "invalid_request_error", "no_route", $"No model of '{live.Name}' is meant for such a request: see the conditions of its route.");
        }

        _retries.Earn();
        var route = live.Route!;
        var order = targets;
        HashSet<string>? rerouted = null;
        for (int at = 0, attempt = 1; ; attempt++)
        {
            var target = order[at];
            answer.Target = target;
            var failure = await TryAsync(request, route, target, call, live, answer, response, logprobs);
            if (failure is null)
            {
                return null;
            }

            answer.Sent = failure.Error.Code == "timeout"; // a refusal cost nothing; what never began to answer may have
            if (Detour(route, failure.Kind) is { } detour && (rerouted ??= new(StringComparer.Ordinal)).Add(detour.Key) && detour.Key != target.Key)
            {
                (order, at) = ([detour], 0);
                continue;
            }

            if (failure.Kind is FailureKind.Passing or FailureKind.Target)
            {
                health.Failed(target, failure.Kind == FailureKind.Target ? failure.Wait ?? TimeSpan.FromSeconds(10) : failure.Wait);
                if (at + 1 < order.Count)
                {
                    at++;
                    continue;
                }

                if (failure.Kind == FailureKind.Passing && attempt < MaximumAttempts && failure.Error.Code != "timeout" && WaitFor(failure, attempt) is { } wait && _retries.TrySpend())
                {
                    await Task.Delay(wait, time, request.Context.RequestAborted);
                    continue;
                }
            }
            else
            {
                health.Unknown(target);
            }

            return failure.Error;
        }
    }

    internal static RouteQuestion QuestionOf(EdgeRequest request, LiveApplication live, ChatCall call) => new(
        request.Key.Tenant, call.Members.Length / 4, (long)(call.MaximumOutputTokens ?? live.MaximumOutputTokens) * call.Choices, call.Stream, call.Tools);

    private static ProviderTarget? Detour(ProviderRoute route, FailureKind kind) => kind switch
    {
        FailureKind.ContextLength => route.LongerContext,
        FailureKind.ContentFilter => route.WhenFiltered,
        _ => null,
    };

    /// <summary>How long to wait before the same target is asked again; null = not at all.</summary>
    private static TimeSpan? WaitFor(ProviderFailure failure, int attempt)
    {
        var backoff = TimeSpan.FromMilliseconds(100 * (1 << attempt) * (0.75 + (Random.Shared.NextDouble() / 4)));
        return failure.Error.Status == 429 && failure.Error.RetryAfterSeconds is null ? null
            : failure.Wait is not { } wait ? backoff
            : wait <= LongestWait && failure.Error.Status != 429 ? (wait > backoff ? wait : backoff)
            : null;
    }

    private async Task<ProviderFailure?> TryAsync(
        EdgeRequest request, ProviderRoute route, ProviderTarget target, ChatCall call, LiveApplication live, ProviderAnswer answer, ForwardedResponse response, bool logprobs)
    {
        var began = time.GetTimestamp();
        var ends = request.Timestamp + (long)(options.ProviderTimeout.TotalSeconds * time.TimestampFrequency);
        var left = time.GetElapsedTime(began, ends);
        var firstByte = left < route.FirstByteTimeout ? left : route.FirstByteTimeout;
        if (left <= TimeSpan.Zero)
        {
            return ProviderFailure.Timeout(target, options.ProviderTimeout);
        }

        var limit = new CancellationTokenSource(firstByte, time);
        var gone = request.Context.RequestAborted.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), limit);
        UpstreamAnswer? found = null;
        HttpResponseMessage? message = null;
        try
        {
            using var sent = UpstreamCall.Message(target, call.Surface, UpstreamCall.Body(call, target, live.MaximumOutputTokens, logprobs));
            answer.Sent = true;
            message = await target.Client.SendAsync(sent, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (!message.IsSuccessStatusCode)
            {
                return await ProviderFailure.ReadAsync(message, target, time, limit.Token);
            }

            found = new UpstreamAnswer(message, await message.Content.ReadAsStreamAsync(limit.Token), limit, gone, route.EventTimeout, ends, time);
            if (call.Stream && found.IsStream)
            {
                await found.BeginStreamAsync();
                if (found.FirstEvent.IsEmpty || IsError(found.FirstEvent))
                {
                    found.Dispose();
                    found = null;
                    return new ProviderFailure(FailureKind.Passing, ProviderFailure.Fault("provider_failed", $"The provider '{target.Name}' broke off its answer before it began."));
                }
            }

            health.Succeeded(target, time.GetElapsedTime(began));
            response.Answer = found;
            return null;
        }
        catch (OperationCanceledException) when (!request.Context.RequestAborted.IsCancellationRequested)
        {
            return ProviderFailure.Timeout(target, firstByte);
        }
        catch (Exception e) when (e is HttpRequestException or IOException && !request.Context.RequestAborted.IsCancellationRequested)
        {
            return ProviderFailure.Unreachable(target);
        }
        catch (OperationCanceledException)
        {
            health.Unknown(target);
            throw;
        }
        finally
        {
            if (response.Answer is null)
            {
                await gone.DisposeAsync();
                message?.Dispose();
                limit.Dispose();
            }
        }
    }

    private static bool IsError(ReadOnlyMemory<byte> raw)
    {
        var data = SseReader.DataOf(raw).Span;
        return data.IndexOf("\"error\""u8) >= 0 && JsonMembers.Scan(data.ToArray(), 64, out _) is { } members && (members.IsSet("error") || members.Text("type") == "error");
    }
}
