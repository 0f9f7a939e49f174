using System.Text.Json.Nodes;
using Lauter.Evaluation.Candidates;

namespace Lauter.Evaluation.Runs;

/// <summary>One question for an endpoint.</summary>
/// <param name="Id">Unique in the suite.</param>
/// <param name="Input">Text, a list of messages, or an object.</param>
public sealed record EndpointItem(string Id, JsonNode Input);

/// <summary>Limits of a run.</summary>
public sealed record EndpointRunOptions
{
    /// <summary>Requests under way at once. Default 4.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>Most requests started each second; null (default) for no limit.</summary>
    public double? RequestsPerSecond { get; init; }

    /// <summary>Times each question is asked. Default 1.</summary>
    public int Samples { get; init; } = 1;

    /// <summary>Further tries of a request that may succeed later. Default 3, waiting 1, 2, 4 … seconds.</summary>
    public int Retries { get; init; } = 3;

    /// <summary>Stops before this much was spent on new answers, with the price below; null for no limit.</summary>
    public double? Budget { get; init; }

    /// <summary>Price of a million prompt tokens; null when unknown: then a budget cannot be kept and is refused.</summary>
    public double? PromptPrice { get; init; }

    /// <summary>Price of a million completion tokens.</summary>
    public double? CompletionPrice { get; init; }

    /// <summary>Most tokens of an answer: what a request reserves before it is sent.</summary>
    public int MaximumTokens { get; init; } = 1_024;
}

/// <summary>How a run ended.</summary>
/// <param name="Answers">Every answer, by item and sample; cached ones included. Items that were not reached are missing.</param>
/// <param name="Asked">Requests whose answer is new.</param>
/// <param name="Cached">Answers taken from the journal.</param>
/// <param name="Spent">Cost of the new answers; null when prices are unknown.</param>
/// <param name="BudgetReached">True when items are missing because the budget was over.</param>
public sealed record EndpointRunResult(IReadOnlyList<AnsweredItem> Answers, int Asked, int Cached, double? Spent, bool BudgetReached);

/// <summary>
/// Puts items to an endpoint: never twice to the same candidate, never above the rate, never above the budget. Money is reserved at its
/// most before a request is sent and settled by the tokens counted, so the limit holds with requests in flight.
/// </summary>
public static class EndpointRun
{
    /// <summary>Runs to the end, the budget or the cancellation; what was answered stays in the journal.</summary>
    /// <exception cref="ArgumentException">A budget without prices.</exception>
    public static async Task<EndpointRunResult> RunAsync(
        IReadOnlyList<EndpointItem> items, ChatEndpoint endpoint, string candidate, AnswerJournal journal, EndpointRunOptions options,
        IProgress<(int Done, int Total)>? progress, TimeProvider time, CancellationToken cancellationToken)
    {
        if (options.Budget is not null && (options.PromptPrice is null || options.CompletionPrice is null))
        {
            throw new ArgumentException("A budget needs both prices; without them nobody knows what is spent.", nameof(options));
        }

        var jobs = items.SelectMany(i => Enumerable.Range(0, options.Samples).Select(s => (Item: i, Hash: AnswerJournal.HashOf(i.Input), Sample: s))).ToArray();
        var results = new AnsweredItem?[jobs.Length];
        var gate = new Lock();
        double reserved = 0, spent = 0;
        int asked = 0, cached = 0, done = 0;
        var stopped = false;
        var nextStart = time.GetTimestamp();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, jobs.Length),
            new ParallelOptions { MaxDegreeOfParallelism = options.Parallelism, CancellationToken = cancellationToken },
            async (index, token) =>
            {
                var (item, hash, sample) = jobs[index];

                // What failed for reasons of the moment is asked again; a refusal or an empty answer is an answer.
                if (journal.Find(candidate, hash, sample) is { Failure: not (FailureKinds.Error or FailureKinds.Timeout) } known)
                {
                    results[index] = known with { Id = item.Id };
                    Interlocked.Increment(ref cached);
                    progress?.Report((Interlocked.Increment(ref done), jobs.Length));
                    return;
                }

                var most = Cost(item.Input.ToJsonString().Length + 64, options.MaximumTokens, options) ?? 0;
                lock (gate)
                {
                    if (stopped || (options.Budget is { } budget && spent + reserved + most > budget))
                    {
                        stopped = true;
                        return;
                    }

                    reserved += most;
                }

                var answer = await AskAsync(item, hash, sample, token);
                journal.Append(answer);
                results[index] = answer;
                lock (gate)
                {
                    reserved -= most;

                    // Without a count the reserve is what was spent: unknown is not nothing.
                    spent += answer.Cost ?? (answer.Failure == FailureKinds.Error ? 0 : most);
                    asked++;
                }

                progress?.Report((Interlocked.Increment(ref done), jobs.Length));
            });

        return new EndpointRunResult([.. results.OfType<AnsweredItem>()], asked, cached, options.PromptPrice is null ? null : spent, stopped);

        async Task<AnsweredItem> AskAsync(EndpointItem item, string hash, int sample, CancellationToken token)
        {
            for (var attempt = 0; ; attempt++)
            {
                await PaceAsync(token);
                var start = time.GetTimestamp();
                var answer = await endpoint.AskAsync(item.Input, sample, token);
                var elapsed = time.GetElapsedTime(start);
                if (answer.Failure is not null && answer.Retry && attempt < options.Retries)
                {
                    await Task.Delay(TimeSpan.FromSeconds(Math.Pow(2, attempt)), time, token);
                    continue;
                }

                return new AnsweredItem
                {
                    Id = item.Id,
                    Item = hash,
                    Candidate = candidate,
                    Sample = sample,
                    Prediction = answer.ToolCalls is { Count: > 0 } calls ? calls : answer.Text is { } text ? JsonValue.Create(text) : null,
                    Failure = answer.Failure,
                    FailureDetail = answer.Detail,
                    LatencyMs = elapsed.TotalMilliseconds,
                    PromptTokens = answer.PromptTokens,
                    CompletionTokens = answer.CompletionTokens,
                    Cost = answer is { PromptTokens: { } p, CompletionTokens: { } c } ? Cost(p, c, options) : null,
                    Finish = answer.Finish,
                    At = time.GetUtcNow(),
                };
            }
        }

        async Task PaceAsync(CancellationToken token)
        {
            if (options.RequestsPerSecond is not { } rate)
            {
                return;
            }

            TimeSpan wait;
            lock (gate)
            {
                var now = time.GetTimestamp();
                var mine = Math.Max(now, nextStart);
                nextStart = mine + (long)(time.TimestampFrequency / rate);
                wait = time.GetElapsedTime(now, mine);
            }

            await Task.Delay(wait, time, token);
        }
    }

    private static double? Cost(long prompt, long completion, EndpointRunOptions options) =>
        options is { PromptPrice: { } p, CompletionPrice: { } c } ? ((prompt * p) + (completion * c)) / 1e6 : null;
}
