using System.Text.Json.Nodes;
using Lauter.Evaluation.Suites.Imports;

namespace Lauter.Tests.Evaluation;

public sealed class SuiteImportTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-suite").FullName;

    [Fact]
    public void JsonLines_OpenAiEvalsSamples_KeepMessagesAndAlternatives()
    {
        var rows = SuiteImport.JsonLines(
            ["""{"input":[{"role":"system","content":"Be short."},{"role":"user","content":"Capital of France?"}],"ideal":["Paris","paris"]}""", "", """{"input":"2+2","ideal":"4"}"""], []);
        Assert.Equal(2, rows.Count);
        Assert.Equal(["Paris", "paris"], rows[0].References.Select(r => r!.ToString()));
        Assert.Equal(2, rows[0].Input.AsArray().Count);
        Assert.Equal(rows[1].Id, SuiteRow.IdOf(JsonValue.Create("2+2"), [JsonValue.Create("4")]));
        Assert.Contains("line 1: no question", Assert.Throws<InvalidDataException>(() => SuiteImport.JsonLines(["""{"ideal":"x"}"""], [])).Message);
    }

    [Fact]
    public void Csv_QuotedCellsListsAndStrata_AreRead()
    {
        var rows = SuiteImport.Csv("\uFEFFid,question,answer,level\n7,\"Say \"\"hi\"\", please\",hi,easy\n8,两地距离？,\"[\"\"5 km\"\",\"\"五公里\"\"]\",hard\n", ["level"]);
        Assert.Equal("Say \"hi\", please", rows[0].Input.ToString());
        Assert.Equal(["5 km", "五公里"], rows[1].References.Select(r => r!.ToString()));
        Assert.Equal("hard", rows[1].Strata["level"]);
        Assert.Contains("\"language\":\"zh\"", rows[1].ToLine());
        Assert.Contains("no column of questions", Assert.Throws<InvalidDataException>(() => SuiteImport.Csv("a,b\n1,2\n", [])).Message);
    }

    [Fact]
    public void LmEvalTask_TemplatesAndChoices_BecomeQuestionsAndTexts()
    {
        var task = JsonNode.Parse("""{"task":"boolq","doc_to_text":"{{passage}}\nQuestion: {{question}}\nAnswer:","doc_to_target":"label","doc_to_choice":["no","yes"]}""")!.AsObject();
        var rows = SuiteImport.LmEvalTask(task, [new JsonObject { ["passage"] = "P", ["question"] = "Q", ["label"] = 1 }], Render);
        Assert.Equal("P\nQuestion: Q\nAnswer:", rows[0].Input.ToString());
        Assert.Equal("yes", rows[0].References[0]!.ToString());
        task["doc_to_choice"] = new JsonArray("no");
        Assert.Contains("is not one of 1 choices", Assert.Throws<InvalidDataException>(() => SuiteImport.LmEvalTask(task, [new JsonObject { ["passage"] = "P", ["question"] = "Q", ["label"] = 1 }], Render)).Message);
        task["doc_to_text"] = "!function utils.text";
        Assert.Contains("Python function", Assert.Throws<InvalidDataException>(() => SuiteImport.LmEvalTask(task, [], Render)).Message);

        static string Render(string template, JsonObject document) => document.Aggregate(template, (t, m) => t.Replace("{{" + m.Key + "}}", m.Value!.ToString()));
    }

    [Fact]
    public void LmEvalSamples_BothShapesOfArguments_GivePromptTargetAndAnswer()
    {
        var (rows, answers) = SuiteImport.LmEvalSamples(
        [
            """{"doc_id":0,"target":"42","arguments":[["What is 6*7?",{"until":["\n"]}]],"resps":[["It is 42"]],"filtered_resps":["42"],"exact_match":1.0}""",
            """{"doc_id":1,"target":"7","arguments":{"gen_args_0":{"arg_0":"What is 3+4?"}},"resps":[["8"]]}""",
        ]);
        Assert.Equal(["What is 6*7?", "What is 3+4?"], rows.Select(r => r.Input.ToString()));
        Assert.Equal([("0", "42"), ("1", "8")], answers);
    }

    [Fact]
    public void Traces_AnsweredRequests_ClusterByHashedUserAndTakeCorrections()
    {
        var rows = SuiteImport.Traces(
            [
                """{"id":"a","outcome":"answered","application":"triage","tenant":"t","user":"li.wei@example.com","input":{"text":"call 13800138000"}}""",
                """{"id":"b","outcome":"answered","application":"triage","tenant":"t","user":"li.wei@example.com","request":"{\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"}""",
                """{"id":"c","outcome":"failed","application":"triage","tenant":"t","input":{"text":"x"}}""",
                """{"id":"d","outcome":"answered","cached":true,"application":"triage","tenant":"t","input":{"text":"x"}}""",
                """{"id":"e","outcome":"answered","application":"triage","tenant":"t","request":"{\"messages\":[{\"ro"}""",
            ],
            ["""{"trace_id":"a","correction":{"intent":"refund"}}"""]);
        Assert.Equal(["a", "b"], rows.Select(r => r.Id));
        Assert.Equal(rows[0].Cluster, rows[1].Cluster);
        Assert.DoesNotContain("li.wei", rows[0].ToLine());
        Assert.Equal("refund", rows[0].References[0]!["intent"]!.ToString());
        var (masked, counts) = SuiteSample.Mask(rows);
        Assert.DoesNotContain("13800138000", masked[0].ToLine());
        Assert.Equal(1, Assert.Single(counts).Value);
        Assert.Equal("user", masked[1].Input[0]!["role"]!.ToString());
    }

    [Fact]
    public void Draw_Strata_KeepsSharesWhateverTheOrder()
    {
        SuiteRow[] rows = [.. Enumerable.Range(0, 1_000).Select(i => new SuiteRow($"{i:0000}", JsonValue.Create($"{i}"), []) { Language = i % 100 == 0 ? "zh" : i % 10 == 0 ? "fr" : "en" })];
        var drawn = SuiteSample.Draw(rows, 100, 5, r => r.Language!);
        Assert.Equal([("en", 90), ("fr", 9), ("zh", 1)], drawn.CountBy(r => r.Language!).OrderBy(c => c.Key).Select(c => (c.Key, c.Value)));
        Assert.Equal(drawn.Select(r => r.Id).Order(), SuiteSample.Draw([.. rows.Reverse()], 100, 5, r => r.Language!).Select(r => r.Id).Order());
        Assert.NotEqual(drawn.Select(r => r.Id).Order(), SuiteSample.Draw(rows, 100, 6, r => r.Language!).Select(r => r.Id).Order());
        Assert.Equal(2, SuiteSample.Draw(rows, 2, 5, r => r.Language!).Count);
        Assert.Contains(SuiteSample.Draw(rows, 5, 5, r => r.Language!), r => r.Language == "zh");
    }

    [Fact]
    public void Verify_SuiteEditedAfterFreezing_IsRefused()
    {
        var path = Path.Combine(_directory, "suite.jsonl");
        SuiteRow[] rows = [new("b", JsonValue.Create("two"), [JsonValue.Create("2")]), new("a", JsonValue.Create("one"), [])];
        var hash = FrozenFile.Write(path, rows, new JsonObject { ["form"] = "jsonl" });
        Assert.Equal(hash, FrozenFile.Verify(path));
        Assert.Equal(hash, FrozenFile.Write(Path.Combine(_directory, "again.jsonl"), rows.Reverse(), new JsonObject { ["form"] = "csv" }));
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"2\"", "\"3\""));
        Assert.Contains("edited after it was frozen", Assert.Throws<InvalidDataException>(() => FrozenFile.Verify(path)).Message);
        Assert.Throws<InvalidDataException>(() => FrozenFile.Write(path, [rows[0], rows[0]], []));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
