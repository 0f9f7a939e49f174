using System.Text.Json.Nodes;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Runs;

namespace Lauter.Evaluation.Judges;

/// <summary>
/// Puts answers to a judge. A reply is kept under the judge's version and the exact wording of its question, so the same judge never sees the same
/// answer twice, a killed run goes on where it stopped, and a changed judge or answer is asked anew. Rate and budget are those of <see cref="EndpointRun"/>.
/// </summary>
public static class JudgeRun
{
    private const string Shown = "\u0001shown";
    private const string Swapped = "\u0001swapped";

    /// <summary>How the judge's endpoint is asked: the judge's settings at <paramref name="address"/>.</summary>
    public static ChatEndpointOptions Options(Judge judge, Uri address) => new()
    {
        Address = address, Model = judge.Model, System = judge.System, Temperature = judge.Temperature, MaximumTokens = judge.MaximumTokens, Seed = judge.Seed,
    };

    /// <summary>Judges to the end, the budget or the cancellation.</summary>
    /// <param name="judge">The judge.</param>
    /// <param name="items">What it judges; a pair needs <see cref="JudgeItem.Other"/>, a comparison with a reference <see cref="JudgeItem.Reference"/>.</param>
    /// <param name="endpoint">Made with <see cref="Options"/>; where it stands is not part of the judge's version.</param>
    /// <param name="journal">Replies, kept.</param>
    /// <param name="limits">Parallelism, rate, budget and prices; one sample.</param>
    /// <param name="progress">Requests done.</param>
    /// <param name="time">Clock of waits and measurements.</param>
    /// <param name="cancellationToken">Stops it; what was replied stays in the journal.</param>
    /// <exception cref="ArgumentException">An item lacks what the task needs, an id occurs twice, or there is a budget without prices.</exception>
    public static async Task<JudgeRunResult> RunAsync(
        Judge judge, IReadOnlyList<JudgeItem> items, ChatEndpoint endpoint, AnswerJournal journal, EndpointRunOptions limits, IProgress<(int Done, int Total)>? progress,
        TimeProvider time, CancellationToken cancellationToken)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var questions = new List<EndpointItem>();
        foreach (var item in items)
        {
            if (!seen.Add(item.Id))
            {
                throw new ArgumentException($"The item '{item.Id}' occurs twice.", nameof(items));
            }

            if (judge.Task == JudgeTask.Reference && item.Reference is null)
            {
                throw new ArgumentException($"The item '{item.Id}' has no reference to compare with.", nameof(items));
            }

            questions.AddRange(Questions(judge, item));
        }

        var run = await EndpointRun.RunAsync(
            questions, endpoint, $"judge:{judge.Version}", journal, limits with { Samples = 1, MaximumTokens = judge.MaximumTokens }, progress, time, cancellationToken);
        var replies = run.Answers.ToDictionary(a => a.Id, StringComparer.Ordinal);
        return new JudgeRunResult([.. items.Select(i => Verdict(judge, i, replies))], run.Asked, run.Cached, run.Spent, run.BudgetReached);
    }

    private static IEnumerable<EndpointItem> Questions(Judge judge, JudgeItem item)
    {
        if (judge.Task != JudgeTask.Pair)
        {
            return item.Answer is null ? [] : [Question(item.Id, item.Answer, item.Reference)];
        }

        return item.Answer is null || item.Other is null
            ? [] : [Question(item.Id + Shown, item.Answer, item.Other), Question(item.Id + Swapped, item.Other, item.Answer)];

        EndpointItem Question(string id, string answer, string? other) => new(id, JsonValue.Create(judge.Prompt(item.Question, answer, other)));
    }

    private static JudgeVerdict Verdict(Judge judge, JudgeItem item, Dictionary<string, AnsweredItem> replies)
    {
        if (item.Answer is null || (judge.Task == JudgeTask.Pair && item.Other is null))
        {
            // Nothing to judge is a fact about the candidate: the answer does not pass. Of a pair nothing follows.
            return new JudgeVerdict
            {
                Item = item, Outcome = JudgeOutcome.Unanswered, Score = judge.Task == JudgeTask.Pair ? null : 0, Passed = judge.Task == JudgeTask.Pair ? null : false,
                Detail = "there is no answer to judge",
            };
        }

        string[] ids = judge.Task == JudgeTask.Pair ? [item.Id + Shown, item.Id + Swapped] : [item.Id];
        AnsweredItem?[] said = Array.ConvertAll(ids, id => replies.GetValueOrDefault(id));
        var verdict = new JudgeVerdict { Item = item, Outcome = JudgeOutcome.Judged, Replies = [.. said.Select(s => s?.Prediction?.ToString()).OfType<string>()] };
        if (said.Contains(null))
        {
            return verdict with { Outcome = JudgeOutcome.NotReached, Detail = "the budget was over" };
        }

        if (Array.Find(said, s => s!.Failure is not null) is { } failed)
        {
            return verdict with { Outcome = failed.Failure == FailureKinds.Refused ? JudgeOutcome.Refused : JudgeOutcome.Failed, Detail = failed.FailureDetail ?? failed.Failure };
        }

        return Read(judge, verdict, [.. said.Select(s => s!.Prediction?.ToString() ?? "")], said.Any(s => s!.Finish == "length"));
    }

    private static JudgeVerdict Read(Judge judge, JudgeVerdict verdict, string[] replies, bool cut)
    {
        switch (judge.Task)
        {
            case JudgeTask.Score when JudgeReplies.Score(replies[0]) is { } score:
                return verdict with { Score = (score - 1) / 4.0, Passed = score >= judge.Threshold };
            case JudgeTask.Rubric when JudgeReplies.Rubric(replies[0], judge.Criteria!.Count) is { } criteria:
                var share = criteria.Count(c => c) / (double)criteria.Count;
                return verdict with { Score = share, Passed = share >= judge.Threshold - 1e-9, Criteria = criteria };
            case JudgeTask.Reference when JudgeReplies.Correct(replies[0]) is { } correct:
                return verdict with { Score = correct ? 1 : 0, Passed = correct };
            case JudgeTask.Pair:
                var (shown, swapped) = (JudgeReplies.Winner(replies[0]), JudgeReplies.Winner(replies[1]));
                verdict = verdict with { Shown = shown, Swapped = swapped };
                if (JudgeReplies.BothOrders(shown, swapped) is not PairWinner.Unparsed and var winner)
                {
                    return verdict with { Score = winner switch { PairWinner.First => 1, PairWinner.Second => 0, _ => 0.5 } };
                }

                break;
        }

        return verdict with
        {
            Outcome = JudgeOutcome.Unparsed,
            Detail = cut ? $"the reply was cut at {judge.MaximumTokens} tokens before its verdict; raise maxTokens" : "the reply does not end in the form asked for",
        };
    }
}
