using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Data.Export.Interchange;
using Lauter.Data.Readers;

namespace Lauter.Tests.Data;

/// <summary>What is exported comes back, whatever the texts hold and however many threads do it.</summary>
public sealed class InterchangeRoundTripTests : IDisposable
{
    private static readonly Gen<string> Texts = Gen.OneOf(
        OneOf("a", "水泵不转？", "x, \"y\"", "one\ntwo\r\nthree", "a;b|c\td", " blank ", "[1,2]", "{\"a\":1}", "null", "1.50", "true", "\uFEFF", "全角，标点。", "\u2028", "😀", "=1+1"),
        Gen.String.Select(s => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(s)).Replace("\0", "", StringComparison.Ordinal)).Where(s => s.Length > 0));

    private static readonly Gen<JsonObject> Chats = Gen.Select(Texts, Gen.Bool, Gen.Select(Texts, Texts).Array[1, 3], Gen.Int[-1_000, 1_000], Gen.Bool).Select((system, has, turns, score, flag) =>
    {
        var messages = new JsonArray();
        if (has)
        {
            messages.Add((JsonNode)new JsonObject { ["role"] = "system", ["content"] = system });
        }

        foreach (var (question, answer) in turns)
        {
            messages.Add((JsonNode)new JsonObject { ["role"] = "user", ["content"] = question });
            messages.Add((JsonNode)new JsonObject { ["role"] = "assistant", ["content"] = answer });
        }

        return new JsonObject { ["messages"] = messages, ["score"] = score, ["checked"] = flag, ["note"] = system };
    });

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-exchange-").FullName;
    private int _files;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("openai", ".jsonl", 4)]
    [InlineData("sharegpt", ".jsonl", 4)]
    [InlineData("alpaca", ".jsonl", 4)]
    [InlineData("qianfan", ".jsonl", 1)]
    [InlineData("csv", ".csv", 2)]
    [InlineData("parquet", ".parquet", 4)]
    [InlineData("huggingface", "", 4)]
    public void ExportThenImport_AnyConversations_ComeBack(string format, string suffix, int members) => Chats.List[1, 12].Sample(
        rows =>
        {
            var source = Next(".jsonl");
            File.WriteAllLines(source, rows.Select(r => r.ToJsonString()));
            var (there, again, back) = (Next(suffix), Next(suffix), Next(".jsonl"));
            var report = DatasetExchange.Export(source, format, there, 1, default);
            DatasetExchange.Export(source, format, again, 3, default);
            DatasetExchange.Export(there, "openai", back, 2, default);
            var actual = File.ReadLines(back).Select(l => JsonNode.Parse(l)!).ToList();
            return report.RowsOut == rows.Count && Content(there).SequenceEqual(Content(again)) && actual.Count == rows.Count
                && rows.Zip(actual).All(p => Same(p.First, p.Second, "messages")
                    && (members < 2 || Same(p.First, p.Second, "note"))
                    && (members < 4 || (Same(p.First, p.Second, "score") && Same(p.First, p.Second, "checked"))));
        },
        iter: 40);

    [Fact]
    public void Csv_AnyTable_ComesBackAsText() => Gen.Select(Texts.Array[1, 4], Gen.Int[0, 1_000]).Select((cells, _) => cells).List[1, 20].Sample(
        rows =>
        {
            var source = Next(".jsonl");
            File.WriteAllLines(source, rows.Select(r => new JsonObject(r.Select((c, i) => KeyValuePair.Create($"c{i}", (JsonNode?)c))).ToJsonString()));
            var (there, back) = (Next(".csv"), Next(".jsonl"));
            DatasetExchange.Export(source, "csv", there, 2, default);
            DatasetExchange.Export(there, "jsonl", back, 2, default);
            var actual = File.ReadLines(back).Select(l => JsonNode.Parse(l)!.AsObject()).ToList();
            return actual.Count == rows.Count && rows.Zip(actual).All(p => p.First.Select((c, i) => (string?)p.Second[$"c{i}"] == c).All(x => x));
        },
        iter: 60);

    [Fact]
    public void DelimitedRows_AnyText_ReadsWhatTheWholeTextGives() => OneOf("a", "\"", "\"\"", ",", ";", "\r\n", "\n", "\r", "水", "b c").Array[0, 60].Sample(
        pieces =>
        {
            var path = Next(".csv");
            var text = string.Concat(pieces);
            File.WriteAllText(path, text);
            var expected = DelimitedText.Parse(text, DelimitedText.SniffDelimiter(text));
            return DelimitedRows.Read(path).Select(r => string.Join('\u0001', r)).SequenceEqual(expected.Select(r => string.Join('\u0001', r)));
        },
        iter: 500);

    [Theory]
    [InlineData("gb18030")]
    [InlineData("big5")]
    [InlineData("utf-16")]
    [InlineData("utf-8")]
    public void DelimitedRows_ForeignEncodingAfterAMebibyteOfAscii_IsFound(string name)
    {
        var encoding = CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
        var path = Next(".csv");
        var ascii = string.Concat(Enumerable.Range(0, 60_000).Select(i => $"{i},plain ascii text\r\n"));
        var chinese = string.Concat(Enumerable.Range(0, 3_000).Select(i => $"{i},公司的水泵在工作，我們有時間。\r\n"));
        File.WriteAllText(path, "n,t\r\n" + ascii + chinese, encoding);
        var rows = DelimitedRows.Read(path).ToList();
        Assert.Equal(63_001, rows.Count);
        Assert.Equal(["2999", "公司的水泵在工作，我們有時間。"], rows[^1]);
    }

    [Fact]
    public void Import_JsonArray_KeepsTheRowsBeforeADamage()
    {
        var path = Next(".json");
        File.WriteAllText(path, """[{"prompt":"a","response":"b"},{"prompt":"c","response":"d"},{"prompt":""");
        var report = DatasetExchange.Export(path, "openai", Next(".jsonl"), 1, default);
        Assert.Equal((2, 3), (report.RowsOut, report.RowsIn));
        Assert.Contains("from here on", Assert.Single(report.Rejected), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_HuggingFace_PartsHaveTheSameColumns()
    {
        var (source, there, back) = (Next(".jsonl"), Next(""), Next(".jsonl"));
        File.WriteAllText(source, "{\"a\":1,\"split\":\"train\"}\n{\"a\":2.5,\"b\":\"x\",\"split\":\"test\"}\n");
        DatasetExchange.Export(source, "huggingface", there, 1, default);
        DatasetExchange.Export(there, "jsonl", back, 1, default);
        Assert.Equal(["{\"a\":2.5,\"b\":\"x\",\"split\":\"test\"}", "{\"a\":1,\"b\":null,\"split\":\"train\"}"], File.ReadLines(back));
        Assert.Empty(Directory.GetFiles(there, "*.tmp"));
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static bool Same(JsonObject expected, JsonNode actual, string member) => JsonNode.DeepEquals(expected[member], actual[member]);

    private static IEnumerable<byte> Content(string path) =>
        (Directory.Exists(path) ? Directory.GetFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal) : (IEnumerable<string>)[path]).SelectMany(File.ReadAllBytes);

    private string Next(string suffix) => Path.Combine(_directory, $"f{Interlocked.Increment(ref _files)}{suffix}");
}
