using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data;
using Lauter.Data.Examples;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Operators.Augmentation;
using Lauter.Data.Operators.Perplexity;
using Lauter.Data.Operators.WholeRows;
using Lauter.Data.Readers;
using Lauter.Data.Rows;
using Lauter.Data.Text;
using Lauter.Tests.Data;

namespace Lauter.Fuzz;

/// <summary>A door through which untrusted bytes come.</summary>
/// <param name="Seeds">Valid inputs.</param>
/// <param name="Run">Must end without an exception; anything it throws is a finding.</param>
internal sealed record Target(IReadOnlyList<byte[]> Seeds, Action<byte[]> Run);

/// <summary>Every door of the data room.</summary>
internal static class Targets
{
    private static readonly ReaderLimits Limits = new() { Timeout = TimeSpan.FromSeconds(5) };

    public static IReadOnlyDictionary<string, Target> All { get; } = Build();

    private static Dictionary<string, Target> Build()
    {
        var targets = FuzzSeeds.Documents.ToDictionary(f => f, f => new Target([FuzzSeeds.Valid(f)], bytes => Document(f, bytes)), StringComparer.Ordinal);
        targets["recipe"] = new Target([.. Recipe.BuiltInNames.Select(n => Encoding.UTF8.GetBytes("operators:\n  - normalise\n  - drop_short: { minimum: { en: 3 } }\n  - clean_labels: { aliases: { a: b } }\n  # " + n))], bytes => Recipe.Parse("r", Encoding.UTF8.GetString(bytes)));
        targets["rows"] = new Target(["{\"id\":\"a\",\"text\":\"The pump \\u4e2d leaks.\",\"label\":\"x\",\"n\":[1,{\"a\":null}]}"u8.ToArray()], new RowTarget().Run);
        targets["examples"] = new Target(["{\"text\":\"a\",\"intent\":\"b\"}\n[1]\n"u8.ToArray(), "text,intent\n\"a,b\",c\n"u8.ToArray()], Examples);
        targets["schema"] = new Target(["""{"type":"object","properties":{"a":{"type":["integer","null"],"minimum":1}},"required":["a"],"additionalProperties":false,"anyOf":[{"maxItems":3},{"pattern":"^a+$"}]}"""u8.ToArray()], Schema);
        targets["model"] = new Target([CharacterModel.Learn([("The pump leaks.", "en"), ("水泵漏水", "zh")]).Bytes], bytes => Expect<InvalidDataException>(() => CharacterModel.Read(bytes).Perplexity("The pump 水泵", "en")));
        targets["text"] = new Target([Encoding.UTF8.GetBytes("Ã¤ ÎâÉÙÑô´Ó 鈥檚 浣╃壒 <b>x</b> &amp; \u00AD http://a.b/c [3]\n# Title\n")], Texts);
        targets["reply"] = new Target(["[{\"question\":\"a?\",\"answer\":\"pump\"},\"The pump is broken\"]"u8.ToArray()], Reply);
        return targets;
    }

    private static void Document(string format, byte[] bytes)
    {
        var result = DocumentReader.Read("fuzz." + format, bytes, Limits, CancellationToken.None);
        if (result.Documents.Count + result.Rejects.Count == 0)
        {
            throw new InvalidOperationException("The reader gave neither documents nor rejects.");
        }

        foreach (var document in result.Documents)
        {
            _ = document.ToMarkdown().Length + document.ToText().Length;
        }
    }

    private static void Examples(byte[] bytes)
    {
        var path = Path.Combine(Path.GetTempPath(), $"lauter-fuzz-{Environment.ProcessId}{(bytes.AsSpan().IndexOf((byte)'{') >= 0 ? ".jsonl" : ".csv")}");
        File.WriteAllBytes(path, bytes);
        ExampleReader.Read(new SourceFile(Path.GetFileName(path), path), new ExampleOptions { InputFields = ["text"], OutputFields = ["intent"] }, [], [], CancellationToken.None);
        File.Delete(path);
    }

    private static void Schema(byte[] bytes) => Expect<InvalidDataException>(() => SchemaCheck.Compile(Encoding.UTF8.GetString(bytes))(JsonNode.Parse("""{"a":1,"b":[1,"aa"]}"""), "row"));

    private static void Texts(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        var repaired = Mojibake.Repair(text);
        foreach (var spec in OperatorCatalog.All.Where(o => o.Kind == OperatorKind.Edit))
        {
            new TextEdits(Recipe.Parse("r", $"operators: [{spec.Name}]").Recipe!).Apply(repaired);
        }

        new Scorer().Of(repaired);
        TextChunks.Cut(repaired, 10, 3);
    }

    private static void Reply(byte[] bytes) => Augmentation.Read(bytes.Length % 2 == 0 ? AugmentationKind.Questions : AugmentationKind.Paraphrase, new JsonObject { ["id"] = 1, ["text"] = "The pump leaks." }, Encoding.UTF8.GetString(bytes), 3, "m");

    private static void Expect<T>(Action action)
        where T : Exception
    {
        try
        {
            action();
        }
        catch (T)
        {
            // The documented refusal.
        }
    }

    private sealed class RowTarget
    {
        private readonly RowPipeline _pipeline = new(
            Recipe.Parse("r", "operators: [require_fields: { fields: [text] }, clean_labels: { known: [x] }, sample: { share: 0.9 }, chunk_text: { size: 10 }, normalise, remove_html, drop_short: { minimum: 1 }, drop_language]").Recipe!, "text", "id");

        private readonly RowWriter _jsonl = new(RowFormat.Jsonl, "text", "id");

        public void Run(byte[] bytes)
        {
            var pieces = new List<RowPiece>();
            var line = bytes.AsSpan().IndexOf((byte)'\n') is >= 0 and var end ? bytes.AsMemory(0, end) : bytes;
            try
            {
                _pipeline.Run(line, () => "fallback", null, pieces);
            }
            catch (RowFault)
            {
                // A line that is no row is a reject.
                return;
            }

            foreach (var (row, outcome) in pieces.Where(p => p.Outcome.Verdict is null))
            {
                _jsonl.Add(row.Span, outcome, () => outcome.Text ?? _pipeline.Last.OriginalText(row.Span, outcome));
                using var written = JsonDocument.Parse(row);
            }
        }
    }
}
