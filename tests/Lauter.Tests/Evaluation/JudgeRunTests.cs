using System.Text.Json.Nodes;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Judges;
using Lauter.Evaluation.Runs;

namespace Lauter.Tests.Evaluation;

/// <summary>Judges over a real socket: what they are asked, what is kept, and what becomes of a judge that cannot be read.</summary>
public sealed class JudgeRunTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-judge").FullName;

    private static readonly Judge Scorer = new(JudgeTask.Score, "m", "Judge how helpful the answer is.");

    [Fact]
    public async Task RunAsync_ScoreJudge_PassesFromFourOn()
    {
        await using var server = new ChatServer(q => $"Thinking: SCORE: 1 would be harsh.\nSCORE: {(q.Contains("good", StringComparison.Ordinal) ? 5 : q.Contains("fair", StringComparison.Ordinal) ? 3 : 1)}");
        var run = await Run(server, Scorer, [new("1", "q1", "good"), new("2", "q2", "fair"), new("3", "q3", "poor"), new("4", "q4", null)]);
        Assert.Equal([1, 0.5, 0, 0], run.Verdicts.Select(v => v.Score!.Value));
        Assert.Equal([true, false, false, false], run.Verdicts.Select(v => v.Passed!.Value));
        Assert.Equal([JudgeOutcome.Judged, JudgeOutcome.Judged, JudgeOutcome.Judged, JudgeOutcome.Unanswered], run.Verdicts.Select(v => v.Outcome));
        Assert.Equal((3, 0, 0), (run.Asked, run.Cached, run.Unjudged));
    }

    [Fact]
    public async Task RunAsync_SameJudgeAgain_AsksNothing_ChangedJudgeOrAnswer_AsksAnew()
    {
        await using var server = new ChatServer(_ => "SCORE: 4");
        JudgeItem[] items = [new("1", "q1", "a1"), new("2", "q2", "a2")];
        await Run(server, Scorer, items);
        Assert.Equal((0, 2), (await Run(server, Scorer, items)) is var again ? (again.Asked, again.Cached) : default);
        Assert.Equal((1, 1), (await Run(server, Scorer, [items[0], items[1] with { Answer = "other" }])) is var edited ? (edited.Asked, edited.Cached) : default);
        Assert.Equal(2, (await Run(server, Scorer with { Temperature = 0.5 }, items)).Asked);
        Assert.Equal(2, (await Run(server, Scorer with { Instruction = "Judge how kind the answer is." }, items)).Asked);
    }

    [Fact]
    public void Version_EveryMemberThatDecides_ChangesIt_TheNameDoesNot()
    {
        Judge[] others =
        [
            Scorer with { Model = "n" }, Scorer with { Instruction = "x" }, Scorer with { System = "x" }, Scorer with { Temperature = 1 }, Scorer with { MaximumTokens = 100 },
            Scorer with { Seed = 2 }, Scorer with { PassAt = 3 }, Scorer with { Task = JudgeTask.Reference },
        ];
        Assert.Equal(others.Length + 1, others.Append(Scorer).Select(j => j.Version).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(Scorer.Signature, (Scorer with { Name = "kindness" }).Signature);
    }

    [Fact]
    public async Task RunAsync_JudgeThatTakesWhateverIsFirst_FindsNoWinner()
    {
        await using var server = new ChatServer(_ => "WINNER: A");
        var run = await Run(server, Scorer with { Task = JudgeTask.Pair }, [new("1", "q", "x") { Other = "y" }, new("2", "q", "y") { Other = "x" }]);
        Assert.All(run.Verdicts, v => Assert.Equal((JudgeOutcome.Judged, 0.5, null), (v.Outcome, v.Score!.Value, v.Passed)));
        var report = PairReport.Of([.. run.Verdicts.Select(v => (v.Shown!.Value, v.Swapped!.Value))]);
        Assert.Equal((2, 0, 0, 1.0, 0.0), (report.Inconsistent, report.Good, report.Bad, report.FirstShownRate!.Value, report.Net!.Value));

        // Both orders of one pair are two questions, and the mirrored pair asks the very same two: they come from the journal or are asked at the same time.
        Assert.Equal(2, server.Asked.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task RunAsync_PairJudgeWithReason_NamesTheBetterInBothOrders()
    {
        await using var server = new ChatServer(q => $"WINNER: {(q.IndexOf("good", StringComparison.Ordinal) < q.IndexOf("bad", StringComparison.Ordinal) ? "A" : "B")}");
        var run = await Run(server, Scorer with { Task = JudgeTask.Pair }, [new("1", "q", "good") { Other = "bad" }, new("2", "q", "bad") { Other = "good" }, new("3", "q", null) { Other = "good" }]);
        Assert.Equal([1, 0, null], run.Verdicts.Select(v => v.Score));
        Assert.Equal(JudgeOutcome.Unanswered, run.Verdicts[2].Outcome);
    }

    [Fact]
    public async Task RunAsync_JudgeThatNeverParses_IsNeitherPassNorFail()
    {
        await using var server = new ChatServer(_ => "As an assistant I find all answers equally wonderful.");
        var run = await Run(server, Scorer, [.. Enumerable.Range(0, 20).Select(i => new JudgeItem($"{i}", $"q{i}", "a") { Human = true })]);
        Assert.All(run.Verdicts, v => Assert.Equal((JudgeOutcome.Unparsed, null, null), (v.Outcome, v.Score, v.Passed)));
        var score = Assert.Single(JudgeScore.Of(Scorer, run.Verdicts), s => s.Measure == "pass");
        Assert.Equal((null, null, null, 20), (score.Value, score.Low, score.High, score.Unjudged));
    }

    [Fact]
    public async Task Score_SomeUnreadVerdicts_MoveNoValueButWidenTheInterval()
    {
        await using var server = new ChatServer(q => q.Contains("mute", StringComparison.Ordinal) ? "…" : "CORRECT: YES");
        var judge = Scorer with { Task = JudgeTask.Reference };
        var run = await Run(server, judge, [.. Enumerable.Range(0, 50).Select(i => new JudgeItem($"{i}", $"q{i}", i < 5 ? "mute" : "a") { Reference = "r" })]);
        var all = await Run(server, judge, [.. Enumerable.Range(0, 50).Select(i => new JudgeItem($"{i}", $"q{i}", "a") { Reference = "r" })]);
        var (some, whole) = (JudgeScore.Of(judge, run.Verdicts).Single(), JudgeScore.Of(judge, all.Verdicts).Single());
        Assert.Equal((1.0, 5, 1.0), (some.Value, some.Unjudged, whole.Value!.Value));
        Assert.True(some.Low < 0.83 && whole.Low > 0.9, $"{some.Low} {whole.Low}");
    }

    [Fact]
    public async Task RunAsync_BudgetOver_LeavesTheRestUnreachedAndGoesOnLater()
    {
        await using var server = new ChatServer(_ => "SCORE: 4");
        JudgeItem[] items = [.. Enumerable.Range(0, 10).Select(i => new JudgeItem($"{i}", $"q{i}", "a"))];
        var prices = new EndpointRunOptions { Parallelism = 1, PromptPrice = 1, CompletionPrice = 1 };
        var first = await Run(server, Scorer, items, prices with { Budget = 0.002 });
        Assert.True(first.BudgetReached);
        Assert.InRange(first.Verdicts.Count(v => v.Outcome == JudgeOutcome.NotReached), 1, 9);
        Assert.True(first.Spent <= 0.002);
        var rest = await Run(server, Scorer, items, prices);
        Assert.Equal((10, false, first.Asked), (rest.Asked + rest.Cached, rest.BudgetReached, rest.Cached));
    }

    [Fact]
    public void Read_FileWithFaults_NamesAllOfThem()
    {
        var fault = Assert.Throws<InvalidDataException>(() => JudgeFile.Read(JsonNode.Parse("""{"task":"rubric","instruction":"x","maxTokens":4,"modle":"m"}"""))).Message;
        Assert.All((string[])["modle:", "model:", "criteria:", "maxTokens:"], f => Assert.Contains(f, fault));
        var judge = JudgeFile.Read(JsonNode.Parse("""{"name":"tone","task":"rubric","model":"m","instruction":"x","criteria":["kind","short"],"passAt":0.5}"""));
        Assert.Equal((JudgeTask.Rubric, 0.5, 2), (judge.Task, judge.PassAt, judge.Criteria!.Count));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private async Task<JudgeRunResult> Run(ChatServer server, Judge judge, IReadOnlyList<JudgeItem> items, EndpointRunOptions? limits = null)
    {
        using var http = new HttpClient();
        using var journal = AnswerJournal.Open(Path.Combine(_directory, "replies.jsonl"));
        return await JudgeRun.RunAsync(
            judge, items, new ChatEndpoint(http, JudgeRun.Options(judge, server.Address), null), journal, limits ?? new EndpointRunOptions(), null, TimeProvider.System, TestContext.Current.CancellationToken);
    }
}
