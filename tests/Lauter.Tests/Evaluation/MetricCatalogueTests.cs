using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Metrics.Texts;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

public sealed class MetricCatalogueTests
{
    [Fact]
    public void Parse_EveryEntry_MeasuresRowsOfEveryFormWithoutThrowing()
    {
        JsonNode?[] forms = [null, "text", 3, true, new JsonObject(), new JsonArray(), JsonNode.Parse("""{"a":0.4,"b":0.6}"""), JsonNode.Parse("""[true,false]"""), JsonNode.Parse("""["d1","d2"]"""), JsonNode.Parse("""[{"text":"a","logprob":-1}]"""), ""];
        foreach (var entry in MetricCatalogue.Entries)
        {
            var metric = MetricCatalogue.Parse(entry.Name);
            MetricRow[] rows = [.. forms.SelectMany((p, i) => forms.Select((r, j) => new MetricRow { Id = $"{i}.{j}", Prediction = p?.DeepClone(), References = [r?.DeepClone()] }))];
            var table = metric.Measure(rows);
            Assert.Equal(rows.Length, table.Items);
            Assert.True(table.Unusable >= forms.Length, $"{entry.Name}: {table.Unusable} unusable");
            Assert.StartsWith(entry.Name switch { "chrf" => "chrf2", "refusal" => "refusal", _ => entry.Name }, table.Signature);
        }
    }

    [Theory]
    [InlineData("bleu", "bleu:tok=zh")]
    [InlineData("answer_f1:lang=en", "answer_f1:lang=zh")]
    [InlineData("ndcg:k=10", "ndcg:k=10,gain=exponential")]
    [InlineData("exact_match", "exact_match:case=ignore")]
    [InlineData("choice:rule=sum", "choice:rule=byte")]
    [InlineData("ece", "ece:edges=low")]
    [InlineData("rouge1", "rouge1:tok=zh")]
    public void Measure_OtherOption_HasAnotherSignatureAndDoesNotCompare(string first, string second)
    {
        MetricRow[] rows = [.. Enumerable.Range(0, 5).Select(i => new MetricRow { Id = $"{i}", Prediction = "a b", References = ["a b"] })];
        var (a, b) = (MetricCatalogue.Parse(first).Measure(rows), MetricCatalogue.Parse(second).Measure(rows));
        Assert.NotEqual(a.Signature, b.Signature);
        Assert.Throws<ArgumentException>(() => TableBootstrap.Paired(a, b, ClusterIndex.Of(Enumerable.Range(0, 5)), 100, 0.95, 1));
    }

    [Theory]
    [InlineData("blue", "expected one of")]
    [InlineData("bleu:tok=jieba", "is not one of 13a")]
    [InlineData("bleu:tokens=zh", "has no option 'tokens'")]
    [InlineData("ndcg:k=0", "is not a number from 1")]
    [InlineData("bleu:tok", "write key=value")]
    public void Parse_WrongText_SaysWhatThereIs(string text, string part) =>
        Assert.Contains(part, Assert.Throws<FormatException>(() => MetricCatalogue.Parse(text)).Message);

    [Fact]
    public void Measure_Corpus_IsNotTheMeanOfSentences()
    {
        MetricRow[] rows =
        [
            new() { Id = "1", Prediction = "the cat sat on the mat today", References = ["the cat sat on the mat today"] },
            new() { Id = "2", Prediction = "no", References = ["a quite different and much longer sentence here"] },
        ];
        var table = MetricCatalogue.Parse("bleu").Measure(rows);
        Assert.NotEqual(table.ItemScores!.Average(), table.Value(), 3);
        var row = new double[new Bleu().Width];
        foreach (var r in rows)
        {
            new Bleu().Count(r.Said, r.Expected, row);
        }

        Assert.Equal(new Bleu().Score(row), table.Value(), 12);
    }

    [Fact]
    public void Measure_UnansweredRow_HasTheWorstScoreAndIsCounted()
    {
        MetricRow[] rows =
        [
            new() { Id = "1", Prediction = "yes", References = ["yes"] },
            new() { Id = "2", Prediction = "yes", References = ["yes"], Failure = "timeout" },
        ];
        foreach (var name in new[] { "exact_match", "answer_f1", "accuracy", "contains" })
        {
            var table = MetricCatalogue.Parse(name).Measure(rows);
            Assert.Equal((0.5, 1), (table.Value(), table.Unusable));
        }

        Assert.Equal(1, MetricCatalogue.Parse("brier").Measure([new() { Id = "1", Prediction = "?", References = ["a"] }]).Value() / 2);
    }

    [Fact]
    public void Bootstrap_SameSeed_GivesTheSameOnOneCoreAndOnMany()
    {
        var random = new SeededRandom(5);
        MetricRow[] rows = [.. Enumerable.Range(0, 200).Select(i => new MetricRow { Id = $"{i}", Cluster = $"{i / 4}", Prediction = $"{random.NextInt(3)}", References = [$"{random.NextInt(3)}"] })];
        var table = MetricCatalogue.Parse("macro_f1").Measure(rows);
        var clusters = ClusterIndex.Of(rows.Select(r => r.Cluster));
        var twice = Enumerable.Range(0, 2).Select(_ => TableBootstrap.Distribution(table, clusters, 500, 9)).ToArray();
        Assert.Equal(twice[0], twice[1]);
        Assert.InRange(table.Value(), twice[0][0], twice[0][^1]);
    }

    [Fact]
    public void Paired_SameTable_HasNoDifferenceAndBetterTableHas()
    {
        MetricRow Row(int i, bool right) => new() { Id = $"{i}", Prediction = right ? "a" : "b", References = ["a"] };
        var metric = MetricCatalogue.Parse("exact_match");
        var first = metric.Measure([.. Enumerable.Range(0, 100).Select(i => Row(i, i % 2 == 0))]);
        var better = metric.Measure([.. Enumerable.Range(0, 100).Select(i => Row(i, i % 2 == 0 || i % 5 == 0))]);
        var clusters = ClusterIndex.Of(Enumerable.Range(0, 100));
        Assert.Equal((0, 1), (TableBootstrap.Paired(first, first, clusters, 500, 0.95, 1).Difference, TableBootstrap.Paired(first, first, clusters, 500, 0.95, 1).P));
        var result = TableBootstrap.Paired(first, better, clusters, 2_000, 0.95, 1);
        Assert.Equal(0.1, result.Difference, 12);
        Assert.True(result.P < 0.05 && result.Interval.Low > 0);
    }

    [Fact]
    public void RowFile_MissingPrediction_IsUnansweredAndStrangersAreNamed()
    {
        var rows = RowFile.Read(["""{"id":1,"answer":"x"}"""], ["""{"id":1,"reference":"x","language":"zh"}""", """{"id":"2","references":["y","z"]}"""]);
        Assert.Equal((2, "zh", "missing", 2), (rows.Count, rows[0].Language, rows[1].Failure, rows[1].References.Count));
        var fault = Assert.Throws<InvalidDataException>(() => RowFile.Read(["""{"id":9,"answer":"x"}""", "{", """{"id":9,"answer":"x"}"""], ["""{"id":1,"reference":"x"}"""]));
        Assert.Contains("'9' has no reference", fault.Message);
        Assert.Contains("line 2", fault.Message);
        Assert.Contains("occurs twice", fault.Message);
    }
}
