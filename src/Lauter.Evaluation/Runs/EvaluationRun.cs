using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Suites;

namespace Lauter.Evaluation.Runs;

/// <summary>Settings of a run. They do not change any score, <see cref="Seed"/> and <see cref="Resamples"/> only the bootstrap intervals.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Answers under way at once, 1 to 1,024. Default 1.</summary>
    public int Parallelism { get; init; } = 1;

    /// <summary>Time for one item; null (default) for no limit. Over it, the item's failure is <c>timeout</c>.</summary>
    public TimeSpan? ItemTimeout { get; init; }

    /// <summary>Confidence of the intervals, 0.5 to 0.9999. Default 0.95.</summary>
    public double Confidence { get; init; } = 0.95;

    /// <summary>Bootstrap resamples for metrics of the whole set, 100 to 1,000,000. Default 1,000.</summary>
    public int Resamples { get; init; } = 1_000;

    /// <summary>Seed of the bootstrap. Default 1.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>How far a run is.</summary>
/// <param name="Done">Items answered.</param>
/// <param name="Total">Items in the suite.</param>
/// <param name="Correct">Items that are right by the suite's first per-item metric.</param>
/// <param name="Failed">Items without a usable answer.</param>
public sealed record EvaluationProgress(int Done, int Total, int Correct, int Failed);

/// <summary>Puts every item of a suite to a candidate and writes the scorecard.</summary>
public static class EvaluationRun
{
    private const int UnparsedTextLength = 1_000;

    /// <summary>
    /// Runs <paramref name="candidate"/> over <paramref name="suite"/>. The scorecard's order is the suite's, whatever the order of
    /// the answers.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled by the caller.</exception>
    /// <exception cref="InvalidDataException">The suite was frozen with another definition of a metric.</exception>
    public static async Task<Scorecard> RunAsync(
        Suite suite, ICandidate candidate, EvaluationOptions options, IProgress<EvaluationProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Parallelism, 1);
        if (suite.Metrics.FirstOrDefault(m => m.Signature != m.CurrentSignature) is { } old)
        {
            throw new InvalidDataException(
                $"The suite '{suite.Name}' asks for '{old.Signature}', this version computes '{old.CurrentSignature}'. Build the suite again.");
        }

        var outcomes = new ItemOutcome[suite.Items.Count];
        var answers = new CandidateAnswer[suite.Items.Count];
        var first = suite.Metrics.FirstOrDefault(m => m.IsPerItem);
        var tally = new Lock();
        int done = 0, correct = 0, failed = 0;

        await Parallel.ForEachAsync(
            Enumerable.Range(0, suite.Items.Count),
            new ParallelOptions { MaxDegreeOfParallelism = options.Parallelism, CancellationToken = cancellationToken },
            async (index, token) =>
            {
                var item = suite.Items[index];
                var answer = await AskAsync(candidate, item, options.ItemTimeout, token);
                var outcome = Judge(suite, item, answer);
                outcomes[index] = outcome;
                answers[index] = answer;
                lock (tally)
                {
                    done++;
                    correct += first is not null && outcome.Scores[first.Name] == 1 ? 1 : 0;
                    failed += outcome.Failure is null ? 0 : 1;
                    progress?.Report(new EvaluationProgress(done, outcomes.Length, correct, failed));
                }
            });

        return new Scorecard
        {
            SuiteName = suite.Name,
            SuiteHash = suite.Hash,
            CandidateName = candidate.Name,
            CandidateKind = candidate.Kind,
            Metrics = suite.Metrics,
            Values = MetricValues.Of(suite.Metrics, outcomes, options),
            Items = outcomes,
            Measurements = Measure(answers),
        };
    }

    private static async Task<CandidateAnswer> AskAsync(ICandidate candidate, SuiteItem item, TimeSpan? limit, CancellationToken cancellationToken)
    {
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (limit is { } time)
        {
            timed.CancelAfter(time);
        }

        try
        {
            return await candidate.AnswerAsync(item, timed.Token);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException) when (timed.IsCancellationRequested)
        {
            return new CandidateAnswer(null, null, FailureKinds.Timeout, limit!.Value, 0, 0)
            {
                FailureDetail = $"No answer within {limit.Value.TotalSeconds:0.###} s.",
            };
        }
        catch (Exception e)
        {
            // One item that fails is a fact about the candidate, not the end of the run; the gate decides what it is worth.
            return new CandidateAnswer(null, null, FailureKinds.Error, TimeSpan.Zero, 0, 0) { FailureDetail = $"{e.GetType().Name}: {e.Message}" };
        }
    }

    private static ItemOutcome Judge(Suite suite, SuiteItem item, CandidateAnswer answer)
    {
        var parsed = answer.Failure is null ? answer.Parsed ?? TryParse(answer.Text) : null;
        var failure = answer.Failure ?? (parsed is null ? FailureKinds.Unparsed : null);
        var scores = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var metric in suite.Metrics)
        {
            if (FieldScores.Score(metric, item, parsed) is { } score)
            {
                scores[metric.Name] = score;
            }
        }

        return new ItemOutcome
        {
            Id = item.Id,
            Cluster = item.Cluster,
            Language = item.Language,
            Strata = item.Strata.Count == 0 ? null : item.Strata,
            Prediction = parsed,
            Reference = item.Reference,
            Failure = failure,
            FailureDetail = answer.FailureDetail,
            UnparsedText = failure == FailureKinds.Unparsed ? Cut(answer.Text) : null,
            Scores = scores,
        };
    }

    private static JsonObject? TryParse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            // A member that occurs twice is only found when the object is first read, so the read belongs inside the try.
            var node = JsonNode.Parse(text) as JsonObject;
            _ = node?.Count;
            return node;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return null;
        }
    }

    private static string Cut(string? text) => text is null ? "" : text.Length <= UnparsedTextLength ? text : text[..UnparsedTextLength];

    private static SideMeasurements Measure(CandidateAnswer[] answers)
    {
        var milliseconds = Array.ConvertAll(answers, a => a.Elapsed.TotalMilliseconds);
        var sorted = milliseconds.Order().ToArray();
        return new SideMeasurements
        {
            PromptTokens = answers.Sum(a => a.PromptTokens),
            CompletionTokens = answers.Sum(a => a.CompletionTokens),
            LatencyP50Milliseconds = At(sorted, 0.50),
            LatencyP95Milliseconds = At(sorted, 0.95),
            LatencyMaxMilliseconds = At(sorted, 1.00),
            LatencyMilliseconds = milliseconds,
        };
    }

    /// <summary>Nearest-rank percentile: a value that was really measured.</summary>
    private static double? At(double[] sorted, double share) =>
        sorted.Length == 0 ? null : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
}
