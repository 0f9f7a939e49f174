using System.Text;
using System.Text.Json.Nodes;
using Lauter.Data.Export;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;
using Lauter.Evaluation.Suites;

namespace Lauter.Tests.Evaluation;

public sealed class EvaluationRunTests
{
    private static readonly string[] Labels = ["refund", "repair", "delivery"];

    [Fact]
    public async Task RunAsync_AnyParallelism_GivesTheSameBytes()
    {
        var suite = SuiteOf(120);
        var sequential = await Run(suite, Guess, parallelism: 1);
        var parallel = await Run(suite, Guess, parallelism: 8);
        Assert.Equal(sequential.ToBytes(), parallel.ToBytes());
        Assert.Equal(sequential.ToBytes(), Scorecard.FromBytes(sequential.ToBytes()).ToBytes());
    }

    [Fact]
    public async Task RunAsync_KnownAnswers_CountsRightOnesPerFieldAndLanguage()
    {
        var suite = SuiteOf(100);
        var card = await Run(suite, item => Answer(new JsonObject
        {
            ["intent"] = item.Language == "en" ? item.Reference["intent"]!.DeepClone() : "nothing",
            ["urgency"] = "low",
        }));

        Assert.Equal(0.5, card.Overall("exact_match(intent)")!.Value);
        Assert.Equal(1, card.Value("exact_match(intent)", "language=en")!.Value);
        Assert.Equal(0, card.Value("exact_match(intent)", "language=zh")!.Value);
        Assert.Equal(1, card.Overall("exact_match(urgency)")!.Value);
        Assert.Equal(0.5, card.Overall("exact_match")!.Value);
        Assert.Equal(1, card.Overall("parse_rate")!.Value);
        var english = card.Value("exact_match(intent)", "language=en")!;
        var wilson = ProportionIntervals.Wilson(50, 50, 0.95);
        Assert.Equal((50, wilson.Low, 1.0), (english.Items, english.Low!.Value, english.High!.Value));
        var macro = card.Overall("macro_f1(intent)")!;
        Assert.True(macro.Low <= macro.Value && macro.Value <= macro.High, $"{macro.Low} {macro.Value} {macro.High}");
    }

    [Fact]
    public async Task RunAsync_AnswersThatFail_AreOutcomesOfTheirOwn()
    {
        var suite = SuiteOf(6);
        var card = await Run(suite, item => item.Id switch
        {
            "item-000" => Answer("no JSON at all"),
            "item-001" => Answer("[1]"),
            "item-002" => Answer("{\"intent\":\"a\",\"intent\":\"b\"}"),
            "item-003" => throw new InvalidOperationException("the engine is gone"),
            "item-004" => new CandidateAnswer(null, null, FailureKinds.Refused, TimeSpan.Zero, 0, 0),
            _ => Answer((JsonObject)item.Reference.DeepClone()),
        });

        Assert.Equal(["unparsed", "unparsed", "unparsed", "error", "refused", null], card.Items.Select(i => i.Failure));
        Assert.All(card.Items.Take(5), i => Assert.All(i.Scores.Values, s => Assert.Equal(0, s)));
        Assert.Equal("no JSON at all", card.Items[0].UnparsedText);
        Assert.Contains("the engine is gone", card.Items[3].FailureDetail);
        var overall = card.Overall("exact_match")!;
        Assert.Equal((6, 3, 2), (overall.Items, overall.Unparsed, overall.Failed));
        Assert.Equal(1 / 6.0, overall.Value);
    }

    [Fact]
    public async Task RunAsync_ItemOverItsTime_IsATimeout()
    {
        var candidate = new DelegateCandidate("slow", "model", async (_, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return Answer("");
        });
        var card = await EvaluationRun.RunAsync(
            SuiteOf(2), candidate, new EvaluationOptions { ItemTimeout = TimeSpan.FromMilliseconds(20) }, null, TestContext.Current.CancellationToken);
        Assert.All(card.Items, i => Assert.Equal("timeout", i.Failure));
    }

    [Fact]
    public async Task RunAsync_Cancelled_Throws()
    {
        using var source = new CancellationTokenSource();
        var candidate = new DelegateCandidate("stopped", "model", async (_, token) =>
        {
            await source.CancelAsync();
            token.ThrowIfCancellationRequested();
            return Answer("");
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => EvaluationRun.RunAsync(SuiteOf(4), candidate, new EvaluationOptions(), null, source.Token));
    }

    [Fact]
    public async Task RunAsync_NearDuplicateItems_WidensTheInterval()
    {
        var alone = await Run(SuiteOf(90, clusterOf: i => $"{i}"), item => Answer(Right(item, int.Parse(item.Id[5..]) / 3 % 3 != 0)));
        var together = await Run(SuiteOf(90, clusterOf: i => $"{i / 3}"), item => Answer(Right(item, int.Parse(item.Id[5..]) / 3 % 3 != 0)));
        var (a, b) = (alone.Overall("exact_match")!, together.Overall("exact_match")!);
        Assert.Equal(a.Value, b.Value);
        Assert.True(b.High - b.Low > 1.5 * (a.High - a.Low), $"{b.Low}–{b.High} against {a.Low}–{a.High}");
        Assert.Equal(30, b.Clusters);
    }

    [Fact]
    public void Suite_SameRowsInAnotherOrder_HasTheSameHash()
    {
        var suite = SuiteOf(20);
        Assert.Equal(suite.Hash, Suite.Create(suite.Name, suite.Items.Reverse(), suite.Metrics).Hash);
        Assert.Equal(suite.Hash, Suite.FromBytes(suite.ToBytes()).Hash);
        Assert.NotEqual(suite.Hash, Suite.Create(suite.Name, suite.Items.Skip(1), suite.Metrics).Hash);
    }

    [Fact]
    public void ToBytes_SmallSuite_IsFrozen()
    {
        var suite = Suite.Create("s", [new SuiteItem("1", new JsonObject { ["q"] = "水" }, new JsonObject { ["f"] = 1 }, "zh", "c")], [MetricSpec.Parse("macro_f1(f)")]);
        Assert.True(
            Encoding.UTF8.GetString(suite.ToBytes()) ==
                """{"items":[{"cluster":"c","id":"1","input":{"q":"水"},"language":"zh","reference":{"f":1},"strata":{},"text":""}],"metrics":[{"field":"f","kind":"macro_f1","name":"macro_f1(f)","signature":"macro_f1(f)|labels:seen|zero:0|unanswered:miss|v:1"}],"name":"s"}""",
            "A suite's hash is a hash of these bytes, and old scorecards carry it. Give suites a new form under a new name instead of changing this one: "
                + Encoding.UTF8.GetString(suite.ToBytes()));
    }

    [Fact]
    public void FromBytes_SuiteMadeByHand_FillsWhatIsLeftOut()
    {
        var suite = Suite.FromBytes(
            """{"name":"s","metrics":[{"kind":"exact_match","field":"f"}],"items":[{"id":"1","input":{},"reference":{"f":1},"language":"en","cluster":"1"}]}"""u8);
        Assert.Equal(("", 0, "exact_match(f)|cmp:json|unanswered:wrong|v:1"), (suite.Items[0].Text, suite.Items[0].Strata.Count, suite.Metrics[0].Signature));
        Assert.Throws<InvalidDataException>(() => Suite.FromBytes("""{"name":"s","metrics":[]}"""u8));
    }

    [Fact]
    public void FromExamples_RowsOfAllSplits_TakesTheTestRows()
    {
        ExampleRow Row(string id, string split) => new()
        {
            Id = id, Source = "t.jsonl", Line = 1, Text = "kettle leaks", Input = """{"text":"kettle leaks"}""", Output = """{"intent":"repair"}""",
            Language = "en", Cluster = id, ClusterSize = 1, Split = split,
        };
        var suite = Suite.FromExamples("tickets/test", [Row("b", "test"), Row("x", "train"), Row("a", "test"), Row("y", "validation")], ["intent"]);
        Assert.Equal(["a", "b"], suite.Items.Select(i => i.Id));
        Assert.Equal("kettle leaks", suite.Items[0].Text);
        Assert.Equal(["exact_match(intent)", "exact_match", "macro_f1(intent)", "parse_rate"], suite.Metrics.Select(m => m.Name));
    }

    [Fact]
    public async Task RunAsync_SuiteFrozenWithAnotherDefinition_Refuses()
    {
        var text = Encoding.UTF8.GetString(SuiteOf(3).ToBytes()).Replace("unanswered:wrong|v:1", "unanswered:wrong|v:0");
        var old = Suite.FromBytes(Encoding.UTF8.GetBytes(text));
        Assert.EndsWith("v:0", old.Metrics[0].Signature);
        await Assert.ThrowsAsync<InvalidDataException>(() => Run(old, Guess));
    }

    [Theory]
    [InlineData("exact_match(intent)", "exact_match(intent)|cmp:json|unanswered:wrong|v:1")]
    [InlineData(" exact_match ", "exact_match|cmp:json|unanswered:wrong|v:1")]
    [InlineData("macro_f1( intent )", "macro_f1(intent)|labels:seen|zero:0|unanswered:miss|v:1")]
    [InlineData("parse_rate", "parse_rate|form:object|v:1")]
    public void MetricSpec_KnownText_HasTheFrozenSignature(string text, string signature) => Assert.Equal(signature, MetricSpec.Parse(text).Signature);

    [Theory]
    [InlineData("exact_match(")]
    [InlineData("exact_match()")]
    [InlineData("macro_f1")]
    [InlineData("parse_rate(x)")]
    [InlineData("accuracy")]
    public void MetricSpec_OtherText_IsRefused(string text) => Assert.False(MetricSpec.TryParse(text, out _));

    [Theory]
    [InlineData("1", "1.0", true)]
    [InlineData("{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true)]
    [InlineData("\"refund\"", "\"Refund\"", false)]
    [InlineData("[1,2]", "[2,1]", false)]
    [InlineData("null", "null", true)]
    [InlineData("1", "\"1\"", false)]
    public async Task ExactMatch_JsonValues_ComparesByContent(string reference, string prediction, bool equal)
    {
        var item = new SuiteItem("a", [], new JsonObject { ["f"] = JsonNode.Parse(reference) }, "en", "a");
        var card = await Run(Suite.Create("s", [item], MetricSpec.DefaultsFor(["f"])), _ => Answer($"{{\"f\":{prediction}}}"));
        Assert.Equal(equal ? 1 : 0, card.Overall("exact_match(f)")!.Value);
    }

    [Fact]
    public void PredictionFile_BothForms_Score()
    {
        var card = PredictionFile.Read("a.jsonl",
        [
            """{"id":"1","correct":true,"language":"zh"}""", "", """{"id":2,"prediction":"refund","reference":"refund"}""",
            """{"id":"3","prediction":"refund","reference":"repair"}""", """{"id":"4","prediction":null,"reference":"repair"}""", """{"id":"5","correct":0}""",
        ]);
        Assert.Equal([1, 1, 0, 0, 0], card.Items.Select(i => i.Scores[PredictionFile.Metric]));
        Assert.Equal("unparsed", card.Items[3].Failure);
        Assert.Equal("zh", card.Items[0].Language);
    }

    [Fact]
    public void PredictionFile_WrongLines_NamesEachOfThem()
    {
        var fault = Assert.Throws<InvalidDataException>(() => PredictionFile.Read(
            "a.jsonl", ["""{"id":"1","correct":true}""", "{", """{"correct":true}""", """{"id":"4"}""", """{"id":"5","correct":"yes"}""", """{"id":"6","correct":0.5}"""]));
        Assert.All(new[] { "line 2", "line 3", "line 4", "line 5", "line 6", "5 wrong" }, part => Assert.Contains(part, fault.Message));
    }

    private static Suite SuiteOf(int items, Func<int, string>? clusterOf = null) => Suite.Create(
        "tickets/test",
        Enumerable.Range(0, items).Select(i => new SuiteItem(
            $"item-{i:000}",
            new JsonObject { ["text"] = $"ticket {i}" },
            new JsonObject { ["intent"] = Labels[i % 3], ["urgency"] = "low" },
            i % 2 == 0 ? "en" : "zh",
            clusterOf?.Invoke(i) ?? $"{i}")),
        MetricSpec.DefaultsFor(["intent", "urgency"]));

    private static CandidateAnswer Guess(SuiteItem item) => Answer(new JsonObject { ["intent"] = Labels[item.Id[^1] % 3], ["urgency"] = "low" });

    private static JsonObject Right(SuiteItem item, bool right) => right ? (JsonObject)item.Reference.DeepClone() : new JsonObject { ["intent"] = "other" };

    private static CandidateAnswer Answer(string text) => new(text, null, null, TimeSpan.FromMilliseconds(3), 10, 4);

    private static CandidateAnswer Answer(JsonObject parsed) => new(null, parsed, null, TimeSpan.FromMilliseconds(3), 10, 4);

    private static Task<Scorecard> Run(Suite suite, Func<SuiteItem, CandidateAnswer> answer, int parallelism = 2) => EvaluationRun.RunAsync(
        suite,
        new DelegateCandidate("fake", "model", async (item, _) =>
        {
            await Task.Yield();
            return answer(item);
        }),
        new EvaluationOptions { Parallelism = parallelism }, null, TestContext.Current.CancellationToken);
}
