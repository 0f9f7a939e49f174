using System.Text.Json.Nodes;
using Lauter.Data.Export.Interchange;
using Lauter.Data.Splits;

namespace Lauter.Tests.Data;

public sealed class InterchangeTests : IDisposable
{
    private const string Chats = """
        {"id":"1","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"水泵不转？"},{"role":"assistant","content":"查保险丝。"},{"role":"user","content":"Then?"},{"role":"assistant","content":"Call us, \"now\".\nOr wait, please."}],"score":1,"checked":true}
        {"id":"2","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"score":2.5,"checked":false}
        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-exchange-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("openai", "a.jsonl", true)]
    [InlineData("sharegpt", "a.jsonl", true)]
    [InlineData("alpaca", "a.jsonl", true)]
    [InlineData("qianfan", "a.jsonl", false)]
    [InlineData("csv", "a.csv", false)]
    [InlineData("parquet", "a.parquet", true)]
    [InlineData("huggingface", "hf", true)]
    public void ExportThenImport_EveryFormat_GivesTheConversationsBack(string format, string file, bool keepsOtherMembers)
    {
        var source = Write("chats.jsonl", Chats);
        var (there, back) = (Path.Combine(_directory, file), Path.Combine(_directory, "back.jsonl"));
        Assert.Equal(2, DatasetExchange.Export(source, format, there, TestContext.Current.CancellationToken).RowsOut);
        Assert.Equal(2, DatasetExchange.Export(there, "openai", back, TestContext.Current.CancellationToken).RowsOut);
        var expected = Chats.Split('\n').Select(l => JsonNode.Parse(l)!).ToList();
        var actual = File.ReadLines(back).Select(l => JsonNode.Parse(l)!).ToList();
        for (var i = 0; i < 2; i++)
        {
            Assert.True(JsonNode.DeepEquals(expected[i]["messages"], actual[i]["messages"]), actual[i].ToJsonString());
            if (keepsOtherMembers)
            {
                Assert.True(JsonNode.DeepEquals(expected[i]["score"], actual[i]["score"]) && JsonNode.DeepEquals(expected[i]["checked"], actual[i]["checked"]), actual[i].ToJsonString());
            }
        }
    }

    [Fact]
    public void Export_Qianfan_IsAListOfTurnsWithRankedResponses()
    {
        var there = Path.Combine(_directory, "q.jsonl");
        DatasetExchange.Export(Write("chats.jsonl", Chats), "qianfan", there, TestContext.Current.CancellationToken);
        Assert.Equal("""[{"prompt":"a","response":[["b"]]}]""", File.ReadLines(there).Last());
    }

    [Fact]
    public void Export_HuggingFace_HasAPartForEachSplitAndACard()
    {
        var there = Path.Combine(_directory, "hf");
        DatasetExchange.Export(Write("rows.jsonl", "{\"text\":\"a\",\"split\":\"train\"}\n{\"text\":\"b\",\"split\":\"test\"}\n{\"text\":\"c\"}\n"), "huggingface", there, TestContext.Current.CancellationToken);
        Assert.Equal("---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*.parquet\n  - split: test\n    path: data/test-*.parquet\n---\n", File.ReadAllText(Path.Combine(there, "README.md")));
        Assert.True(File.Exists(Path.Combine(there, "data", "test-00000-of-00001.parquet")));
    }

    [Theory]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"only a question\"}]}", "does not end with an answer")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"tool\",\"content\":\"r\"}]}", "role 'tool'")]
    [InlineData("{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]}]}", "no plain text")]
    [InlineData("{\"text\":\"no conversation\"}", "is no conversation")]
    [InlineData("{broken", "not valid JSON")]
    public void Export_WhatTheFormatCannotHold_IsLeftOutWithItsReason(string line, string reason)
    {
        var report = DatasetExchange.Export(Write("rows.jsonl", line), "alpaca", Path.Combine(_directory, "out.jsonl"), TestContext.Current.CancellationToken);
        Assert.Equal((1, 0), (report.RowsIn, report.RowsOut));
        Assert.Contains(reason, Assert.Single(report.Rejected), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_Csv_QuotesWhatNeedsIt()
    {
        var there = Path.Combine(_directory, "a.csv");
        DatasetExchange.Export(Write("rows.jsonl", "{\"a\":\"x, \\\"y\\\"\\nz\",\"b\":1}\n{\"b\":true,\"c\":null}\n"), "csv", there, TestContext.Current.CancellationToken);
        Assert.Equal("\uFEFFa,b,c\r\n\"x, \"\"y\"\"\nz\",1,\r\n,true,\r\n", System.Text.Encoding.UTF8.GetString(File.ReadAllBytes(there)));
    }

    [Fact]
    public void Split_GroupsAndCopies_StayTogetherAndPartsAreStableUnderGrowth()
    {
        var rows = Enumerable.Range(0, 600).Select(i => new JsonObject
        {
            ["id"] = $"r{i}", ["customer"] = $"c{i % 150}", ["label"] = i % 3 == 0 ? "rare" : "common",
            ["text"] = string.Join(' ', Enumerable.Range(0, 20).Select(k => $"w{((i % 200) * 31) + (k * 17)}")),
        }.ToJsonString()).ToList();
        var first = RowSplit.Run(new RowSplitOptions { Input = Write("a.jsonl", string.Join('\n', rows.Take(450))), OutputDirectory = At("one"), GroupFields = ["customer"], Test = 0.2, StratifyField = "label" }, TestContext.Current.CancellationToken);
        Assert.Equal(450, first.Rows.Values.Sum());
        Assert.All(first.Leaks.Where(l => double.Parse(l.Key, System.Globalization.CultureInfo.InvariantCulture) >= 0.7), l => Assert.Equal(0, l.Value));
        var parts = PartsOf("one");
        Assert.All(parts.GroupBy(p => int.Parse(p.Key.AsSpan(1)) % 150), g => Assert.Single(g.Select(p => p.Value).Distinct()));
        Assert.All(parts.GroupBy(p => int.Parse(p.Key.AsSpan(1)) % 200), g => Assert.Single(g.Select(p => p.Value).Distinct()));
        RowSplit.Run(new RowSplitOptions { Input = Write("b.jsonl", string.Join('\n', rows)), OutputDirectory = At("two"), GroupFields = ["customer"], Test = 0.2, Earlier = At("one"), StratifyField = "label" }, TestContext.Current.CancellationToken);
        var later = PartsOf("two");
        Assert.All(parts.Where(p => p.Value == "test"), p => Assert.Equal("test", later[p.Key]));
    }

    [Fact]
    public void Split_AnyNumberOfWorkers_GivesTheSameBytes()
    {
        var rows = Enumerable.Range(0, 500).Select(i => new JsonObject { ["label"] = $"l{i % 3}", ["text"] = string.Join(' ', Enumerable.Range(0, 30).Select(k => $"w{((i % 400) * 31) + (k * 17)}")) }.ToJsonString());
        var input = Write("a.jsonl", string.Join('\n', rows) + "\nno row\n[1]\n");
        foreach (var workers in new[] { 1, 4 })
        {
            var report = RowSplit.Run(new RowSplitOptions { Input = input, OutputDirectory = At($"w{workers}"), StratifyField = "label", GroupFields = ["label2"], Workers = workers }, TestContext.Current.CancellationToken);
            Assert.Equal((500, 2), (report.Rows.Values.Sum(), report.Unreadable));
        }

        Assert.All(Directory.GetFiles(At("w1")), f => Assert.Equal(File.ReadAllBytes(f), File.ReadAllBytes(Path.Combine(At("w4"), Path.GetFileName(f)))));
    }

    [Fact]
    public void Split_ClusterThatANewTextRenames_KeepsItsPart()
    {
        // A cluster is called after its least content hash: of many new near-copies some must come before all the old ones.
        var texts = Enumerable.Range(0, 60).Select(i => string.Join(' ', Enumerable.Range(0, 40).Select(k => $"w{(i * 97) + (k * 13)}"))).ToList();
        RowSplit.Run(new RowSplitOptions { Input = WriteTexts("a.jsonl", texts), OutputDirectory = At("one"), Test = 0.4 }, TestContext.Current.CancellationToken);
        var before = PartOfTexts("one");
        var grown = texts.Concat(texts.SelectMany(t => Enumerable.Range(0, 4).Select(i => $"{t} and{i}"))).ToList();
        var report = RowSplit.Run(new RowSplitOptions { Input = WriteTexts("b.jsonl", grown), OutputDirectory = At("two"), Test = 0.4, Earlier = At("one") }, TestContext.Current.CancellationToken);
        var after = PartOfTexts("two");
        Assert.All(before, b => Assert.Equal(b.Value, after[b.Key]));
        Assert.Equal((0, 0), (report.Conflicts, report.Leaks["0.7"]));
    }

    private string WriteTexts(string name, IEnumerable<string> texts) => Write(name, string.Join('\n', texts.Select(t => new JsonObject { ["text"] = t }.ToJsonString())));

    private Dictionary<string, string> PartOfTexts(string directory) =>
        new[] { "train", "validation", "test" }.SelectMany(p => File.ReadLines(Path.Combine(At(directory), p + ".jsonl")).Select(l => ((string)JsonNode.Parse(l)!["text"]!, p))).ToDictionary(r => r.Item1, r => r.p);

    private Dictionary<string, string> PartsOf(string directory) =>
        new[] { "train", "validation", "test" }.SelectMany(p => File.ReadLines(Path.Combine(At(directory), p + ".jsonl")).Select(l => ((string)JsonNode.Parse(l)!["id"]!, p))).ToDictionary(r => r.Item1, r => r.p);

    private string At(string name) => Path.Combine(_directory, name);

    private string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }
}
