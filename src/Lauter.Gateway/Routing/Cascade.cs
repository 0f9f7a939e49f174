using System.Text.Json;
using Lauter.Gateway.Api;
using Lauter.Gateway.Providers;
using Lauter.Gateway.Settlement;
using Lauter.Traces;

namespace Lauter.Gateway.Routing;

/// <summary>
/// The small model answers first; its answer is kept when it is sure enough, else the next rank answers. Sureness is the geometric mean of the
/// token probabilities; an answer without them is not sure. The small answer that was not kept is settled and traced as a request of its
/// own, under the route <c>cascade</c>, so that what the escalation cost stays visible.
/// </summary>
internal sealed class Cascade(GatewayOptions options, Settler settler, UpstreamSender sender, RoutePlanner planner, GatewayMetrics metrics)
{
    public async Task<OpenAiError?> FindAsync(EdgeRequest request, RequestStart start, ChatCall call, ProviderAnswer answer, ForwardedResponse response)
    {
        var live = start.Live!;
        var order = planner.Order(live.Route!, UpstreamSender.QuestionOf(request, live, call), live.Sku);
        if (order.Count < 2)
        {
            return await sender.FindAsync(request, live, order, call, answer, response, logprobs: false);
        }

        var asked = call.Members.Flag("logprobs") == true;
        var small = start with { Id = Guid.CreateVersion7(settler.Time.GetUtcNow()), Route = "cascade", Parent = start.Id, Live = live with { Route = ProviderRoute.To(order[0]) } };
        var (settlement, refusal) = settler.Begin(small);
        if (settlement is null)
        {
            return refusal;
        }

        var end = new RequestEnd(TraceOutcome.Failed, 502) { ErrorCode = "provider_failed", Target = order[0] };
        try
        {
            using var first = new ProviderAnswer(request, small, call, settlement, options);
            using var held = new ForwardedResponse();
            var failure = await sender.FindAsync(request, live, [order[0]], call, first, held, logprobs: true);
            if (failure is null)
            {
                var bytes = await held.Answer!.ReadWholeAsync(options.MaximumAnswerBytes);
                var sure = Sureness(bytes.Span) is { } sureness && sureness >= live.Route!.Cascade!.Threshold;
                metrics.CountCascade(live.Name, kept: sure);
                if (sure)
                {
                    // Kept: what was read is given on as the answer, and paid by the caller's own settlement.
                    end = new RequestEnd(TraceOutcome.Answered, 200) { Target = order[0] };
                    answer.Target = order[0];
                    answer.Sent = true;
                    (response.Answer, held.Answer) = (held.Answer, null);
                    response.Answer!.Rewind(asked ? bytes : WithoutLogprobs(bytes));
                    return null;
                }

                end = first.Read(bytes);
            }
            else
            {
                end = first.Broken(TraceOutcome.Failed, failure.Status, failure.Code);
            }
        }
        finally
        {
            settlement.End(end);
        }

        return await sender.FindAsync(request, live, [.. order.Skip(1)], call, answer, response, logprobs: false);
    }

    /// <summary>The geometric mean of the probabilities of the first choice's tokens, 0 to 1; null when there are none.</summary>
    internal static double? Sureness(ReadOnlySpan<byte> completion)
    {
        try
        {
            var reader = new Utf8JsonReader(completion, new JsonReaderOptions { MaxDepth = 256 });
            using var document = JsonDocument.ParseValue(ref reader);
            if (!document.RootElement.TryGetProperty("choices", out var choices) || choices.ValueKind != JsonValueKind.Array || choices.GetArrayLength() == 0
                || !choices[0].TryGetProperty("logprobs", out var logprobs) || logprobs.ValueKind != JsonValueKind.Object
                || !logprobs.TryGetProperty("content", out var tokens) || tokens.ValueKind != JsonValueKind.Array || tokens.GetArrayLength() == 0)
            {
                return null;
            }

            var sum = 0.0;
            foreach (var token in tokens.EnumerateArray())
            {
                sum += token.GetProperty("logprob").GetDouble();
            }

            var mean = Math.Exp(sum / tokens.GetArrayLength());
            return double.IsFinite(mean) ? mean : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return null;
        }
    }

    private static ReadOnlyMemory<byte> WithoutLogprobs(ReadOnlyMemory<byte> completion)
    {
        var root = System.Text.Json.Nodes.JsonNode.Parse(completion.Span) as System.Text.Json.Nodes.JsonObject;
        foreach (var choice in root?["choices"] as System.Text.Json.Nodes.JsonArray ?? [])
        {
            choice!["logprobs"] = null;
        }

        return System.Text.Encoding.UTF8.GetBytes(root?.ToJsonString(JsonText.Options) ?? "");
    }
}
