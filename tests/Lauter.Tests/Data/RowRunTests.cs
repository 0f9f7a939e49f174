using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Data;
using Lauter.Data.Operators;
using Lauter.Data.Rows;

namespace Lauter.Tests.Data;

public sealed class RowRunTests : IDisposable
{
    private static readonly string[] Nouns = ["kettle", "valve", "pump", "filter", "boiler", "sensor", "hose", "screen", "motor", "gauge", "burner", "hopper"];
    private static readonly string[] Chinese = ["水泵", "阀门", "锅炉", "传感器", "电机", "过滤器", "管道", "仪表", "控制器", "压力表"];

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-rows-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Run_AnyNumberOfWorkers_GivesTheSameBytes()
    {
        var input = Corpus(rows: 600);
        var one = await Run("corpus", input, "one", workers: 1);
        var three = await Run("corpus", input, "three", workers: 3);
        Assert.True(one.Shards > 2);
        Assert.Equal(one.RowsOut, three.RowsOut);
        Assert.True(one.RowsOut > 0, string.Join(", ", one.Dropped));
        Assert.Equal(Hashes("one"), Hashes("three"));
    }

    [Fact]
    public async Task Run_AllRows_AreKeptOrRejectedWithAReason()
    {
        var input = Corpus(rows: 500);
        var report = await Run("corpus", input, "out", workers: 2);
        var kept = Lines("out", "data-");
        var rejects = Lines("out", "rejects-");
        Assert.Equal(report.RowsOut, kept.Count);
        Assert.Equal(report.RowsIn, kept.Count + rejects.Count);
        Assert.Equal(503, kept.Concat(rejects).Select(l => (string)JsonNode.Parse(l)!["id"]!).Distinct().Count());
        Assert.All(rejects, r => Assert.NotEmpty((string)JsonNode.Parse(r)!["detail"]!));
        Assert.Equal(report.Dropped.Values.Sum(), rejects.Count);
        Assert.Contains("unreadable", report.Dropped.Keys);
        Assert.Contains("missing_field", report.Dropped.Keys);
        Assert.Contains("duplicate_of", report.Dropped.Keys);
    }

    [Fact]
    public async Task Run_UnchangedRows_AreTheSourceByteForByte()
    {
        var input = Corpus(rows: 400);
        await Run("filters", input, "out", workers: 1);
        var source = File.ReadAllLines(input).ToHashSet(StringComparer.Ordinal);
        Assert.All(Lines("out", "data-"), line => Assert.Contains(line, source));
    }

    [Fact]
    public async Task Run_OtherThreshold_ReadsNoTextAndMeasuresNothing()
    {
        var input = Corpus(rows: 400);
        await Run("operators: [normalise, drop_short: { minimum: 5 }, drop_fineweb]", input, "cached", workers: 2, cache: true);
        var report = await Run("operators: [normalise, drop_short: { minimum: 60 }, drop_fineweb: { newlines: 0.1 }]", input, "cached", workers: 2, cache: true);
        Assert.Equal((0L, 0L, 0L), (report.TextsRead, report.EditsDone, report.MeasuresTaken));
        Assert.Equal(0, report.ShardsReused);
        await Run("operators: [normalise, drop_short: { minimum: 60 }, drop_fineweb: { newlines: 0.1 }]", input, "fresh", workers: 1);
        Assert.Equal(Hashes("fresh"), Hashes("cached"));
    }

    [Fact]
    public async Task Run_LaterOperatorEdited_RedoesOnlyWhatChanges()
    {
        var input = Corpus(rows: 400);
        var first = await Run("operators: [repair_encoding, normalise, remove_html, remove_long_words: { longest: 400 }, drop_short, drop_gopher_repetition]", input, "cached", workers: 2, cache: true);
        Assert.Equal(4 * 401, first.EditsDone);
        var second = await Run("operators: [repair_encoding, normalise, remove_html, remove_long_words: { longest: 30 }, drop_short, drop_gopher_repetition]", input, "cached", workers: 2, cache: true);

        // The edited operator looks at every text; what comes after it is done for those texts only that it changed.
        Assert.Equal(401, second.EditsDone);
        Assert.InRange(second.Changed["remove_long_words"], 1, 40);
        Assert.InRange(second.MeasuresTaken, 1, 2 * second.Changed["remove_long_words"]);
        await Run("operators: [repair_encoding, normalise, remove_html, remove_long_words: { longest: 30 }, drop_short, drop_gopher_repetition]", input, "fresh", workers: 1);
        Assert.Equal(Hashes("fresh"), Hashes("cached"));
    }

    [Fact]
    public async Task Run_Interrupted_GoesOnAfterItsFinishedShards()
    {
        var input = Corpus(rows: 600);
        var whole = await Run("corpus", input, "whole", workers: 1);
        using var stop = new CancellationTokenSource();
        var progress = new StopAfter(2, stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RowRun.RunAsync(Options("corpus", input, "broken", 1, false, RowFormat.Jsonl), progress, stop.Token));
        File.WriteAllText(Path.Combine(_directory, "broken", "data-00001.jsonl.half.tmp"), "half a file of a process that was killed");
        var resumed = await Run("corpus", input, "broken", workers: 2);
        Assert.InRange(resumed.ShardsReused, 2, whole.Shards - 1);
        File.Delete(Path.Combine(_directory, "broken", "data-00001.jsonl.half.tmp"));
        Assert.Equal(Hashes("whole"), Hashes("broken"));
        Assert.Equal(whole.Shards, (await Run("corpus", input, "broken", workers: 1)).ShardsReused);
    }

    [Fact]
    public async Task Run_CacheThatLostItsEnd_GivesTheSame()
    {
        var input = Corpus(rows: 300);
        await Run("corpus", input, "cached", workers: 1, cache: true);
        foreach (var file in Directory.GetFiles(Path.Combine(_directory, "cached.cache")))
        {
            var bytes = File.ReadAllBytes(file);
            File.WriteAllBytes(file, bytes[..(bytes.Length * 2 / 3)]);
        }

        Directory.Delete(Path.Combine(_directory, "cached"), recursive: true);
        await Run("corpus", input, "cached", workers: 1, cache: true);
        await Run("corpus", input, "fresh", workers: 1);
        Assert.Equal(Hashes("fresh"), Hashes("cached"));
    }

    [Fact]
    public async Task Run_LinesInsertedAtTheFront_LeaveLaterShardsTheirKeys()
    {
        var input = Corpus(rows: 600);
        var before = await ShardPlanner.PlanAsync(RowRun.FindInputs(input), TestContext.Current.CancellationToken, 32 << 10);
        File.WriteAllText(input, "{\"id\":\"new\",\"text\":\"a new first line\"}\n" + File.ReadAllText(input));
        var after = await ShardPlanner.PlanAsync(RowRun.FindInputs(input), TestContext.Current.CancellationToken, 32 << 10);
        Assert.True(before.Count > 2);
        Assert.Equal(before.Skip(1).Select(s => s.Key), after.Skip(1).Select(s => s.Key));
        Assert.NotEqual(before[0].Key, after[0].Key);
    }

    [Fact]
    public async Task Run_ParquetOut_IsReadBackWithTheSameRows()
    {
        var input = Corpus(rows: 500);
        var lines = await Run("filters", input, "lines", workers: 1);
        var table = await Run("filters", input, "table", workers: 1, format: RowFormat.Parquet);
        Assert.Equal(lines.RowsOut, table.RowsOut);
        var back = await RowRun.RunAsync(Options("operators: []", Path.Combine(_directory, "table"), "back", 1, false, RowFormat.Jsonl), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(lines.RowsOut, back.RowsOut);
        var expected = Lines("lines", "data-").Select(l => JsonNode.Parse(l)!).ToList();
        var actual = Lines("back", "data-").Select(l => JsonNode.Parse(l)!).ToList();
        Assert.Equal(expected.Select(e => (string)e["text"]!), actual.Select(a => (string)a["text"]!));
        Assert.Equal(expected.Select(e => e["number"]!.ToJsonString()), actual.Select(a => JsonNode.Parse((string)a["fields"]!)!["number"]!.ToJsonString()));
    }

    [Fact]
    public async Task Run_FrequentLines_AreTakenOutWhereverTheyStand()
    {
        var rows = Enumerable.Range(0, 60).Select(i => new JsonObject { ["id"] = $"r{i}", ["text"] = $"The {Nouns[i % 12]} number {i} is checked each week.\n{(i % 2 == 0 ? "Ｒｅａｄ more about us" : "read  MORE about us")}\nIts owner signs line {i * 31}." }.ToJsonString());
        var input = Path.Combine(_directory, "in.jsonl");
        File.WriteAllLines(input, rows);
        var report = await Run("operators: [remove_boilerplate_lines: { share: 0.5, documents: 10 }]", input, "out", workers: 2);
        Assert.Equal(60, report.Changed["remove_boilerplate_lines"]);
        Assert.All(Lines("out", "data-"), l => Assert.DoesNotContain("about us", l, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_DeclaredLanguage_DropsTextsInAnother()
    {
        var input = Corpus(rows: 300);
        var report = await Run("operators: [drop_language: { declared: lang }]", input, "out", workers: 1);
        Assert.Contains("not_the_declared_language", report.Dropped.Keys);
    }

    [Fact]
    public async Task Story_DroppedRow_NamesTheThreshold()
    {
        var input = Corpus(rows: 300);
        var story = await RowStory.OfAsync(Recipe.BuiltIn("filters")!, RowRun.FindInputs(input), "short", cancellation: TestContext.Current.CancellationToken);
        Assert.NotNull(story);
        Assert.Contains("gopher", story.Dropped, StringComparison.Ordinal);
        Assert.Contains(story.Checks, c => c is { Threshold: "words_least", Passes: false, Limit: 50 });
        Assert.Null(await RowStory.OfAsync(Recipe.BuiltIn("filters")!, RowRun.FindInputs(input), "nobody", cancellation: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Preview_Sample_AgreesWithTheRun()
    {
        var input = Corpus(rows: 400);
        var preview = await RowPreview.RunAsync(Recipe.BuiltIn("filters")!, RowRun.FindInputs(input), 10_000, cancellation: TestContext.Current.CancellationToken);
        var run = await Run("filters", input, "out", workers: 1);
        Assert.Equal(run.RowsIn, preview.Rows);
        Assert.Equal(run.RowsOut, preview.Kept.Values.Sum());
        Assert.Equal(run.Dropped.Where(d => d.Key.StartsWith("gopher", StringComparison.Ordinal)).Sum(d => d.Value), preview.Checks.Where(c => c.Reason.StartsWith("gopher", StringComparison.Ordinal)).Sum(c => c.First));
    }

    [Fact]
    public void Parser_AnyText_ComesBackWhole()
    {
        var parser = new RowParser("text", "id", null);
        Gen.String.Sample(raw =>
        {
            var text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(raw));
            var line = Encoding.UTF8.GetBytes(new JsonObject { ["a"] = new JsonArray(1, "text"), ["text"] = text, ["id"] = "x", ["z"] = new JsonObject { ["text"] = "inner" } }.ToJsonString());
            var place = parser.Find(line);
            return parser.Text(line, place.Start, place.Length) == text && place.Id == "x";
        });
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("{\"text\":1}")]
    [InlineData("{\"text\":\"a\"")]
    [InlineData("{\"text\":\"a\"} x")]
    [InlineData("{\"id\":\"a\"}")]
    [InlineData("\"text\"")]
    public void Parser_NoRow_IsAFault(string line) => Assert.Throws<RowFault>(() => new RowParser("text", "id", null).Find(Encoding.UTF8.GetBytes(line)));

    private sealed class StopAfter(int shards, CancellationTokenSource stop) : IProgress<DataProgress>
    {
        public void Report(DataProgress value)
        {
            if (value is { Stage: "rows" } && value.Done >= shards)
            {
                stop.Cancel();
            }
        }
    }

    private string Corpus(int rows)
    {
        var random = new Random(rows);
        var path = Path.Combine(_directory, $"corpus-{rows}.jsonl");
        using var writer = new StreamWriter(path);
        var texts = new List<string>();
        for (var i = 0; i < rows; i++)
        {
            string text;
            switch (i % 20)
            {
                case 3 when texts.Count > 0:
                    text = texts[random.Next(texts.Count)];
                    break;
                case 5:
                    text = string.Join('\n', Enumerable.Repeat($"The {Nouns[random.Next(12)]} is here again.", 20));
                    break;
                case 7:
                    text = "<p>" + Prose(random, i) + "</p> " + new string('x', 50);
                    break;
                default:
                    text = Prose(random, i);
                    break;
            }

            texts.Add(text);
            writer.WriteLine(new JsonObject { ["id"] = $"row-{i}", ["lang"] = i % 50 == 0 ? "zh" : i % 2 == 0 ? "en" : "zh", ["number"] = i, ["text"] = text }.ToJsonString());
        }

        writer.WriteLine("{\"id\":\"short\",\"text\":\"The pump is in the house and we have to go with it.\"}");
        writer.WriteLine("{\"id\":\"no text\",\"body\":1}");
        writer.WriteLine("this is no JSON");
        writer.Flush();
        return path;
    }

    private static string Prose(Random random, int i) => string.Join('\n', Enumerable.Range(0, 6).Select(p => i % 2 == 0
        ? string.Join(' ', Enumerable.Range(0, 4).Select(_ => $"The {Word(random)} {Word(random)} to {Word(random)} of {Word(random)} and {Nouns[random.Next(12)]} {Word(random)} with {Word(random)} {Word(random)}."))
        : string.Concat(Enumerable.Range(0, 5).Select(_ => $"{Han(random)}{Chinese[random.Next(10)]}的{Han(random)}在{Han(random)}是{Han(random)}和{Han(random)}{Chinese[random.Next(10)]}，{Han(random)}有{Han(random)}。"))));

    private static string Word(Random random) => string.Concat(Enumerable.Range(0, random.Next(2, 4)).Select(_ => "bdfgklmnprstv"[random.Next(13)].ToString() + "aeiou"[random.Next(5)]));

    private static string Han(Random random)
    {
        const string common = "时间工作问题公司发展经济社会政府国家技术学生教育文化历史研究服务市场管理系统项目方法结果生活环境世界城市人民信息产品企业组织计划活动关系情况条件";
        return string.Concat(Enumerable.Range(0, random.Next(1, 3)).Select(_ => common.Substring(random.Next(common.Length / 2) * 2, 2)));
    }

    private async Task<RowReport> Run(string recipe, string input, string output, int workers, bool cache = false, RowFormat format = RowFormat.Jsonl) =>
        await RowRun.RunAsync(Options(recipe, input, output, workers, cache, format), cancellation: TestContext.Current.CancellationToken);

    private RowRunOptions Options(string recipe, string input, string output, int workers, bool cache, RowFormat format) => new()
    {
        Recipe = Recipe.BuiltIn(recipe) ?? Recipe.Parse("r", recipe).Recipe!, Inputs = RowRun.FindInputs(input), OutputDirectory = Path.Combine(_directory, output), Workers = workers,
        CacheDirectory = cache ? Path.Combine(_directory, output + ".cache") : null, Format = format, ShardBytes = 32 << 10,
    };

    private List<string> Lines(string output, string prefix) => [.. Directory.GetFiles(Path.Combine(_directory, output), prefix + "*.jsonl").Order(StringComparer.Ordinal).SelectMany(File.ReadAllLines)];

    private SortedDictionary<string, string> Hashes(string output) =>
        new(Directory.GetFiles(Path.Combine(_directory, output)).ToDictionary(f => Path.GetFileName(f)!, f => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))), StringComparer.Ordinal);
}
