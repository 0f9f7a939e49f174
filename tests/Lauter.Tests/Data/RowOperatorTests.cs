using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Data;
using Lauter.Data.Operators;
using Lauter.Data.Operators.WholeRows;
using Lauter.Data.Rows;

namespace Lauter.Tests.Data;

public sealed class RowOperatorTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-operators-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Run_EveryRowOperator_KeepsChangesDropsAndSplits()
    {
        File.WriteAllText(At("schema.json"), """{ "type": "object", "required": ["text"], "properties": { "label": { "type": "string" }, "stars": { "type": "integer", "minimum": 1, "maximum": 5 } } }""");
        await Write(
            new { id = "a", text = "The pump is broken. It leaks a lot of water every day.", label = " Ｐump  Fault", stars = 4 },
            new { id = "b", text = "Where is my order?", label = "orders", stars = 9 },
            new { id = "c", text = "", label = "order", stars = 1 },
            new { id = "d", text = "What is this about?", label = "gossip", stars = 1 },
            new { id = "e", text = "What did it cost?", label = "PRICE", stars = 2 });
        var (kept, rejects) = await Run("""
            operators:
              - require_fields: { fields: [id, text, label], types: { stars: integer } }
              - check_schema: { schema: schema.json }
              - clean_labels: { aliases: { orders: order }, known: [order, pump fault, price] }
              - chunk_text: { size: 10 }
              - normalise
              - drop_short: { minimum: 3 }
            """);
        Assert.Equal(["a#1", "a#2", "e"], kept.Select(k => (string)k["id"]!));
        Assert.Equal(["pump fault", "pump fault", "price"], kept.Select(k => (string)k["label"]!));
        Assert.Equal("The pump is broken. It leaks a lot of water every day.", string.Concat(kept.Take(2).Select(k => ((string)k["text"]!).Trim() + " ")).Trim());
        Assert.Equal(["b schema_violation", "c missing_field", "d unknown_label"], rejects.Select(r => $"{r["id"]} {r["reason"]}"));
        Assert.Contains("'gossip'", (string)rejects[2]["detail"]!, StringComparison.Ordinal);
        Assert.Contains("row.stars is 9, greater than 5", (string)rejects[0]["detail"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_SampleInAnotherOrder_KeepsTheSameRows()
    {
        var rows = Enumerable.Range(0, 2000).Select(i => new { id = $"r{i}", text = $"Row number {i} is about kettles.", label = "x" }).ToArray();
        await Write(rows);
        var forward = (await Run("operators: [sample: { share: 0.25, seed: 7 }]")).Kept.Select(k => (string)k["id"]!).ToHashSet();
        Array.Reverse(rows);
        await Write(rows);
        var backward = (await Run("operators: [sample: { share: 0.25, seed: 7 }]")).Kept.Select(k => (string)k["id"]!).ToHashSet();
        Assert.Equal(forward, backward);
        Assert.InRange(forward.Count, 420, 580);
        Assert.NotEqual(forward, (await Run("operators: [sample: { share: 0.25, seed: 8 }]")).Kept.Select(k => (string)k["id"]!).ToHashSet());
    }

    [Fact]
    public async Task Run_Selections_ChooseTheSameWhateverWorkersAndShards()
    {
        await Write([.. Enumerable.Range(0, 300).Select(i => new { id = $"r{i}", text = string.Join(' ', Enumerable.Repeat("word", 5 + (i % 50))) + $" number {i}", label = i % 3 == 0 ? "rare" : "frequent", source = i % 5 == 0 ? "web" : "mail" })]);
        var recipe = """
            operators:
              - drop_line_length
              - balance_labels: { field: label, factor: 1.2 }
              - mix_sources: { field: source, weights: { web: 1, mail: 2 } }
              - keep_best: { column: longest_line, rows: 30 }
            """;
        var (kept, rejects) = await Run(recipe, workers: 3, shardBytes: 2000);
        Assert.Equal(30, kept.Count);
        Assert.Equal(270, rejects.Count);

        // 100 rare rows allow 120 frequent ones; the rows of the web then decide; the longest of what is left stay.
        Assert.Equal(80, rejects.Count(r => (string)r["reason"]! == "label_is_frequent"));
        var left = kept.Concat(rejects.Where(r => (string)r["reason"]! == "not_among_best")).ToList();
        Assert.True(kept.Min(k => ((string)k["text"]!).Length) >= left.Where(r => r["reason"] is not null).Max(k => ((string)k["text"]!).Length));
        Assert.Equal(kept.Select(k => (string)k["id"]!), (await Run(recipe)).Kept.Select(k => (string)k["id"]!));
    }

    [Fact]
    public async Task Run_SelectionAfterCopies_ChoosesAmongWhatIsLeft()
    {
        await Write([.. Enumerable.Range(0, 40).Select(i => new { id = $"r{i}", text = $"The kettle number {i / 2} is in the house and it will be there for a long time.", label = "x" })]);
        var (kept, rejects) = await Run("operators: [drop_language, drop_exact_duplicates, keep_best: { column: language_score, rows: 5, group: label }]", parquet: true);
        Assert.Equal(5, kept.Count);
        Assert.Equal((20, 15), (rejects.Count(r => (string)r["reason"]! == "duplicate_of"), rejects.Count(r => (string)r["reason"]! == "not_among_best")));
    }

    [Fact]
    public async Task Run_Decontaminate_DropsWhatASuiteHoldsWhateverCaseAndScript()
    {
        File.WriteAllText(At("suite.jsonl"), """
            {"question": "Which river flows through the city that was the capital of the old kingdom until it fell?", "answer": "The Severn"}
            {"question": "啤酒釀造過程中麥汁煮沸的主要目的是什麼以及它對成品風味的影響"}
            {"question": "Too short"}
            """);
        await Write(
            new { id = "copy", text = "He asked: WHICH river flows through the city that was the capital of the old kingdom, until it fell?", label = "" },
            new { id = "chinese", text = "请问，啤酒酿造过程中麦汁煮沸的主要目的是什么，以及它对成品风味的影响？", label = "" },
            new { id = "short", text = "Too short", label = "" },
            new { id = "near", text = "Which river flows through the city of Paris, and which bridge is the oldest one in it?", label = "" });
        var (kept, rejects) = await Run("operators: [decontaminate: { suites: suite.jsonl }]");
        Assert.Equal(["short", "near"], kept.Select(k => (string)k["id"]!));
        Assert.All(rejects, r => Assert.Equal("in_suite", (string)r["reason"]!));
        Assert.Contains("suite.jsonl, line 1, holds 'which river flows", (string)rejects[0]["detail"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_FlaggedWords_CountsWholeWordsAndAnyCase()
    {
        File.WriteAllText(At("words.txt"), "# ours\nfoo\nbad phrase\n违禁品\n");
        await Write(
            new { id = "hit", text = "A Foo and a BAD phrase.", label = "" },
            new { id = "inside", text = "The food is a football for five fools.", label = "" },
            new { id = "han", text = "这里有违禁品出售", label = "" });
        var (kept, rejects) = await Run("operators: [drop_flagged_words: { list: words.txt }]");
        Assert.Equal(["inside"], kept.Select(k => (string)k["id"]!));
        Assert.StartsWith("0.333 listed words for each word", (string)rejects[0]["detail"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_TokenCounts_CountAsTheModelDoesAndAreCachedByIt()
    {
        File.WriteAllText(At("model.gguf"), "one vocabulary");
        await Write(new { id = "few", text = "a b", label = "" }, new { id = "many", text = "a b c d e", label = "" });
        var counted = 0;
        var context = new RecipeContext { Directory = _directory, OpenTokenizer = path => new Blanks(File.ReadAllText(path), () => counted++) };
        var recipe = Recipe.Parse("r", "operators: [drop_tokens: { model: model.gguf, minimum: 3 }]", context).Recipe!;
        var options = new RowRunOptions { Recipe = recipe, Inputs = RowRun.FindInputs(At("rows.jsonl")), OutputDirectory = At("out"), CacheDirectory = At("cache") };
        Assert.Equal(1, (await RowRun.RunAsync(options, cancellation: TestContext.Current.CancellationToken)).RowsOut);
        var lower = Recipe.Parse("r", "operators: [drop_tokens: { model: model.gguf, minimum: 2 }]", context).Recipe!;
        Assert.Equal(2, (await RowRun.RunAsync(options with { Recipe = lower }, cancellation: TestContext.Current.CancellationToken)).RowsOut);
        Assert.Equal(2, counted);

        File.WriteAllText(At("model.gguf"), "another vocabulary");
        var other = Recipe.Parse("r", "operators: [drop_tokens: { model: model.gguf, minimum: 2 }]", context).Recipe!;
        await RowRun.RunAsync(options with { Recipe = other }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(4, counted);
    }

    [Fact]
    public void Parse_OperatorsThatNeedWhatIsMissing_SayWhat()
    {
        var faults = string.Join('\n', Recipe.Parse("r", """
            operators:
              - drop_flagged_words
              - decontaminate: { suites: [nowhere.jsonl] }
              - drop_exact_duplicates
              - sample
            """).Faults);
        Assert.Contains("drop_flagged_words: needs 'list'", faults, StringComparison.Ordinal);
        Assert.Contains("the file 'nowhere.jsonl' can't be read", faults, StringComparison.Ordinal);
        Assert.Contains("sample: must stand before 'drop_exact_duplicates'", faults, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_SameFileElsewhere_IsTheSameRecipe()
    {
        Directory.CreateDirectory(At("elsewhere"));
        File.WriteAllText(At("words.txt"), "foo");
        File.WriteAllText(At("elsewhere/words.txt"), "foo");
        var here = Recipe.Parse("r", "operators: [drop_flagged_words: { list: words.txt }]", new RecipeContext { Directory = _directory }).Recipe!;
        var there = Recipe.Parse("r", "operators: [drop_flagged_words: { list: words.txt }]", new RecipeContext { Directory = At("elsewhere") }).Recipe!;
        Assert.True(JsonNode.DeepEquals(here.ToJson(), there.ToJson()));
        Assert.Equal(["drop_flagged_words"], here.RowsOnly(documents: true));
    }

    [Fact]
    public void Cut_AnyText_JoinsToTheTextInPartsOfBoundedSize() => Gen.Char["ab 。.\n你好吗x"].Array[0, 400].Select(c => new string(c)).Select(Gen.Int[10, 40], Gen.Int[0, 4]).Sample((text, size, overlap) =>
    {
        var parts = TextChunks.Cut(text, size, 0);
        Assert.Equal(text, string.Concat(parts.Select(p => text.Substring(p.Start, p.Length))));
        var overlapping = TextChunks.Cut(text, size, overlap);
        Assert.All(overlapping, p => Assert.InRange(Words(text.Substring(p.Start, p.Length)), 0, size));
        for (var i = 1; i < overlapping.Count; i++)
        {
            Assert.InRange(overlapping[i].Start, overlapping[i - 1].Start + 1, overlapping[i - 1].Start + overlapping[i - 1].Length);
        }

        Assert.Equal(text.Length, overlapping.Count == 0 ? text.Length : overlapping[^1].Start + overlapping[^1].Length);
    }, iter: 1000);

    [Theory]
    [InlineData("""{ "type": ["string", "null"] }""", "null", null)]
    [InlineData("""{ "enum": ["a", 1] }""", "1", null)]
    [InlineData("""{ "enum": ["a", 1] }""", "2", "it must be \"a\", 1")]
    [InlineData("""{ "properties": { "a": { "minLength": 2 } }, "additionalProperties": false }""", """{ "a": "x" }""", "v.a is shorter than 2 characters")]
    [InlineData("""{ "properties": { "a": true }, "additionalProperties": false }""", """{ "b": 1 }""", "v.b must not be there")]
    [InlineData("""{ "items": { "type": "integer" }, "uniqueItems": true }""", "[1, 2.5]", "v[1] is 2.5, not of the type integer")]
    [InlineData("""{ "items": { "type": "integer" }, "uniqueItems": true }""", "[1, 1]", "holds an item twice")]
    [InlineData("""{ "pattern": "^[a-z]+$" }""", "\"A\"", "does not match")]
    [InlineData("""{ "oneOf": [{ "minimum": 3 }, { "maximum": 5 }] }""", "4", "not exactly one")]
    [InlineData("""{ "not": { "const": 4 } }""", "5", null)]
    public void Compile_Schema_FitsOrSaysWhere(string schema, string value, string? fault)
    {
        var found = SchemaCheck.Compile(schema)(JsonNode.Parse(value), "v");
        Assert.True(fault is null ? found is null : found?.Contains(fault, StringComparison.Ordinal) == true, found);
    }

    /// <summary>Lines that a fuzzer found: each ended a run, deep inside an operator.</summary>
    [Fact]
    public async Task Run_LinesThatAreNoRows_AreRejectsAndTheRunGoesOn()
    {
        byte[][] lines =
        [
            [.. "{\"id\":\"a\",\"text\":\"x\",\"label\":\""u8, 0xB9, .. "\"}"u8],
            "{\"id\":\"b\",\"text\":\"x\",\"label\":\"\\ud800\"}"u8.ToArray(),
            "{\"id\":\"c\",\"text\":\"x\",\"label\":1,\"label\":2}"u8.ToArray(),
            "[1]"u8.ToArray(),
            "{\"id\":\"d\",\"text\":\"fine\",\"label\":\"x\"}"u8.ToArray(),
        ];
        await File.WriteAllBytesAsync(At("rows.jsonl"), [.. lines.SelectMany(l => (byte[])[.. l, (byte)'\n'])], TestContext.Current.CancellationToken);
        var (kept, rejects) = await Run("operators: [require_fields: { fields: [label] }, clean_labels, drop_symbols, keep_best: { column: letters, rows: 9 }]");
        Assert.Equal(["d"], kept.Select(k => (string)k["id"]!));
        Assert.All(rejects, r => Assert.Equal("unreadable", (string)r["reason"]!));
        Assert.Equal(4, rejects.Count);
    }

    [Theory]
    [InlineData("operators:\n  - drop_short: {q")]
    [InlineData("operators:\n  : bGGG } }")]
    public void Parse_YamlThatItsParserRefusesOddly_IsAFault(string yaml)
    {
        Assert.NotEmpty(Recipe.Parse("r", yaml).Faults);
        Assert.NotEmpty(Recipe.Parse("r", yaml + new string('q', 2000) + " m{n: 1").Faults);
    }

    [Theory]
    [InlineData("""{ "dependentRequired": {} }""")]
    [InlineData("""{ "required": ["a"], "required": ["b"] }""")]
    [InlineData("""{ "required": [null] }""")]
    [InlineData("""{ "type": null }""")]
    [InlineData("""{ "pattern": "(?=a)" }""")]
    [InlineData("[]")]
    [InlineData("{")]
    public void Compile_SchemaBeyondThePart_IsRefused(string schema) => Assert.Throws<InvalidDataException>(() => SchemaCheck.Compile(schema));

    private sealed class Blanks(string key, Action counted) : ITokenCounter
    {
        public string Key => key;

        public int Count(string text)
        {
            counted();
            return text.Split(' ').Length;
        }
    }

    private static int Words(string text)
    {
        var count = 0;
        var inWord = false;
        foreach (var c in text)
        {
            var han = c is >= '\u4E00' and <= '\u9FFF';
            var word = !han && char.IsLetterOrDigit(c);
            count += han || (word && !inWord) ? 1 : 0;
            inWord = word;
        }

        return count;
    }

    private string At(string name) => Path.Combine(_directory, name);

    private Task Write(params object[] rows) => File.WriteAllLinesAsync(At("rows.jsonl"), rows.Select(r => System.Text.Json.JsonSerializer.Serialize(r)), new UTF8Encoding(false), TestContext.Current.CancellationToken);

    private async Task<(List<JsonNode> Kept, List<JsonNode> Rejects)> Run(string recipe, int workers = 1, int shardBytes = 1 << 20, bool parquet = false)
    {
        var result = Recipe.Parse("r", recipe, new RecipeContext { Directory = _directory });
        Assert.True(result.Recipe is not null, string.Join('\n', result.Faults));
        var output = At($"out-{Guid.NewGuid():N}");
        var report = await RowRun.RunAsync(
            new RowRunOptions { Recipe = result.Recipe, Inputs = RowRun.FindInputs(At("rows.jsonl")), OutputDirectory = output, Workers = workers, ShardBytes = shardBytes, Format = parquet ? RowFormat.Parquet : RowFormat.Jsonl },
            cancellation: TestContext.Current.CancellationToken);
        var (kept, rejects) = parquet
            ? (Directory.GetFiles(output, "data-*.parquet").Order(StringComparer.Ordinal).SelectMany(ReadParquet).ToList(), Directory.GetFiles(output, "rejects-*.parquet").SelectMany(f => Lauter.Data.Export.ParquetDataset.ReadRejects(f)).Select(r => (JsonNode)new JsonObject { ["id"] = r.Id, ["reason"] = r.Reason }).ToList())
            : (Lines(output, "data-"), Lines(output, "rejects-"));
        Assert.Equal((report.RowsOut, report.Dropped.Values.Sum()), (kept.Count, rejects.Count));
        Assert.Equal(report.ByLanguage.Values.Sum(), kept.Count);
        return (kept, rejects);
    }

    private static IEnumerable<JsonNode> ReadParquet(string file)
    {
        var lines = file + ".jsonl";
        Lauter.Data.Export.Interchange.DatasetExchange.Export(file, "jsonl", lines);
        return File.ReadLines(lines).Select(l => JsonNode.Parse(l)!);
    }

    private static List<JsonNode> Lines(string output, string prefix) =>
        [.. Directory.GetFiles(output, prefix + "*.jsonl").Order(StringComparer.Ordinal).SelectMany(File.ReadAllLines).Select(l => JsonNode.Parse(l)!)];
}
