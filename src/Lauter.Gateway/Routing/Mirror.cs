using Lauter.Gateway.Api;
using Lauter.Gateway.Providers;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Traces;

namespace Lauter.Gateway.Routing;

/// <summary>
/// Sends a share of the requests to a silent candidate as well. The caller neither waits for it nor sees it; it is reserved, settled and traced
/// like every other request, under the route <c>mirror</c>, and it is dropped when the gateway has enough to do.
/// </summary>
internal sealed class Mirror(GatewayOptions options, Settler settler, TargetHealth health)
{
    private const int MostAtOnce = 16;
    private int _running;

    public void Send(EdgeRequest request, RequestStart start, ChatCall call)
    {
        if (start.Live!.Route!.Mirror is not { } mirror || Random.Shared.NextDouble() >= mirror.Share || !health.MayAsk(mirror.Target))
        {
            return;
        }

        if (Interlocked.Increment(ref _running) > MostAtOnce)
        {
            Interlocked.Decrement(ref _running);
            return;
        }

        _ = SendAsync(request, start, call.Members, call, mirror.Target);
    }

    private async Task SendAsync(EdgeRequest request, RequestStart start, JsonMembers members, ChatCall call, ProviderTarget target)
    {
        try
        {
            await Task.Yield(); // the caller's own request goes first
            var at = settler.Time.GetUtcNow();
            var own = start with
            {
                Id = Guid.CreateVersion7(at), At = at, Timestamp = settler.Time.GetTimestamp(), Route = "mirror", Stream = false, Parent = start.Id, Admission = null,
                Live = start.Live! with { Route = ProviderRoute.To(target) },
            };
            var (settlement, _) = settler.Begin(own);
            if (settlement is null)
            {
                return;
            }

            settlement.End(await AskAsync(members, call, own, target));
        }
        catch (Exception e) when (e is JournalUnavailableException or InvalidOperationException)
        {
            // Nobody waits for a mirrored answer; the budget is settled by End all the same.
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task<RequestEnd> AskAsync(JsonMembers members, ChatCall call, RequestStart own, ProviderTarget target)
    {
        using var limit = new CancellationTokenSource(options.ProviderTimeout, settler.Time);
        using var scan = new AnswerScan();
        try
        {
            var silent = call with { Members = JsonMembers.Scan(members.With(("stream", "false"u8.ToArray())), 1_000, out _)!.Without("stream_options"), Stream = false };
            using var message = UpstreamCall.Message(target, call.Surface, UpstreamCall.Body(silent, target, own.Live!.MaximumOutputTokens));
            using var response = await target.Client.SendAsync(message, HttpCompletionOption.ResponseContentRead, limit.Token);
            var bytes = await response.Content.ReadAsByteArrayAsync(limit.Token);
            var translated = target.Wire == ProviderWire.Anthropic ? Providers.Wires.AnthropicWire.Whole(bytes, own.At) : bytes;
            return !response.IsSuccessStatusCode
                ? new RequestEnd(TraceOutcome.Failed, (int)response.StatusCode) { ErrorCode = "provider_failed", Target = target }
                : scan.Read(translated.GetValueOrDefault().Span, MeterSource.Provider) && scan.HasAnswer
                    ? new RequestEnd(TraceOutcome.Answered, 200)
                    {
                        FinishReason = scan.FinishReason, Readings = scan.Usage?.Readings ?? ProviderUsage.Missing.Readings, MayHaveUsedMore = scan.Usage is null,
                        ResponseText = scan.Text, Target = target,
                    }
                    : new RequestEnd(TraceOutcome.Failed, 502) { ErrorCode = "provider_invalid_answer", MayHaveUsedMore = true, Readings = ProviderUsage.Missing.Readings, Target = target };
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return new RequestEnd(TraceOutcome.Failed, 502) { ErrorCode = "provider_unreachable", Target = target };
        }
    }
}
