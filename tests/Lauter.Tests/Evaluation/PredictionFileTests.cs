using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Evaluation.Runs;

namespace Lauter.Tests.Evaluation;

/// <summary>The fast way through a result file gives what the slow way gives, faults included.</summary>
public sealed class PredictionFileTests
{
    private static readonly Gen<string> Value = OneOf(
        "true", "false", "0", "1", "0.5", "1.5", "-1", "null", "\"refund\"", "\"退款\\n\"", "\"error\"", "\"\"", "7", "{\"a\":1}", "[1]", "1e999", "12345678901234567890", "\"\\ud800\"", "tru", "");

    private static Gen<string> OneOf(params string[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static readonly Gen<string> Line =
        from id in OneOf("\"a\"", "\"b\"", "3", "3.5", "\"\"", "null")
        from members in Gen.Select(OneOf("correct", "score", "prediction", "reference", "failure", "language", "cluster", "signature", "latencyMs", "cost", "scores", "strata", "note"), Value).Array[0, 6]
        from tail in OneOf("}", "}", "}", "", "} x", "},")
        select $"{{\"id\":{id}{string.Concat(members.Select(m => $",\"{m.Item1}\":{m.Item2}"))}{tail}";

    [Fact]
    public void TryRead_AnyLine_AgreesWithTheSlowWayOrLeavesItTheLine() => Line.Sample(
        line =>
        {
            // What is passed over may occur twice on the fast way alone.
            if (line.Split("\"note\"").Length > 2 || !new ResultLine().TryRead(Encoding.UTF8.GetBytes(line), out var row))
            {
                return;
            }

            // A member that the slow way does not know sends the same line there.
            var slow = PredictionFile.Read("slow", [line[..^1] + ",\"strata\":{}}"]).Items.Single();
            Assert.Equal((slow.Id, slow.Cluster, slow.Language, slow.Failure), (row.Item.Id, row.Item.Cluster, row.Item.Language, row.Item.Failure));
            Assert.Equal(slow.Scores.OrderBy(s => s.Key), row.Item.Scores.OrderBy(s => s.Key));
            Assert.True(JsonNode.DeepEquals(slow.Prediction, row.Item.Prediction) && JsonNode.DeepEquals(slow.Reference, row.Item.Reference));
        },
        iter: 20_000, print: l => l);

    [Fact]
    public void Read_ManyChunks_NamesTheRightLines()
    {
        var lines = Enumerable.Range(0, 60_000).Select(i => i is 777 or 59_998 ? "{\"id\":" : $$"""{"id":"{{i}}","correct":true,"note":"some words to fill a mebibyte or two"}""").ToArray();
        var fault = Assert.Throws<InvalidDataException>(() => PredictionFile.Read("big", lines)).Message;
        Assert.Contains("2 wrong line(s)", fault);
        Assert.Contains("line 778: ", fault);
        Assert.Contains("line 59999: ", fault);
    }

    [Fact]
    public void Read_UnsortedWithByteOrderMarkAndBlankLines_GivesTheSameCardAsSorted()
    {
        string[] lines = [.. Enumerable.Range(0, 500).Select(i => $$"""{"id":"q{{i:000}}","correct":{{(i % 3 == 0 ? "false" : "true")}},"cluster":"c{{i / 3}}","language":"{{(i % 2 == 0 ? "zh" : "en")}}","latencyMs":{{i}}}""")];
        var sorted = PredictionFile.Read("a", lines);
        var mixed = PredictionFile.Read("a", Encoding.UTF8.GetBytes("\uFEFF" + string.Join("\r\n\r\n", lines.Reverse())));
        Assert.Equal(sorted.ToBytes(), mixed.ToBytes());
        Assert.Equal(sorted.Measurements!.LatencyMilliseconds, mixed.Measurements!.LatencyMilliseconds);
        Assert.Equal(sorted.ToBytes(), Scorecard.FromBytes(sorted.ToBytes()).ToBytes());
    }

    [Fact]
    public void Read_TwoSignatures_IsRefused() => Assert.Contains("'signature' is 'b'", Assert.Throws<InvalidDataException>(() => PredictionFile.Read(
        "x", ["""{"id":"1","score":1,"signature":"a"}""", """{"id":"2","score":1,"signature":"b"}"""])).Message);

    [Fact]
    public void HashOf_References_ClustersAndStrata_IsFrozen()
    {
        // Scorecards kept by people name this hash; a change makes them incomparable with new ones. Raise nothing here, keep the bytes.
        var card = PredictionFile.Read("x", ["""{"id":"1","prediction":"a","reference":"b","cluster":"c","language":"zh"}""", """{"id":"2","correct":true,"strata":{"b":"2","a":"1"}}"""]);
        Assert.Equal(HashOf("1\0c\0zh\0{\"value\":\"b\"}\n2\u00002\0und\0\0a=1\0b=2\n"), card.SuiteHash);

        static string HashOf(string text) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
