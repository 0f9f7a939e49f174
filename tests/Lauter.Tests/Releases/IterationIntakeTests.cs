using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Releases.Iterations;

namespace Lauter.Tests.Releases;

public sealed class IterationIntakeTests
{
    private static readonly DateTimeOffset Day = new(2026, 3, 1, 8, 0, 0, TimeSpan.Zero);

    private static readonly IntakeOptions Options = new()
    {
        InputFields = ["text"],
        OutputFields = ["intent", "urgency"],
        AllowedValues = IterationIntake.AllowedValuesOf(JsonDocument.Parse(
            """{"type":"object","properties":{"intent":{"enum":["refund","repair"]},"urgency":{"enum":["low","high"]},"note":{"type":"string"}}}""").RootElement),
        KnownIds = new HashSet<string> { "T-1" },
        KnownRows = [(new JsonObject { ["text"] = "The kettle LEAKS" }, Output("repair"))],
    };

    [Fact]
    public void Take_CorrectionAndLaterRow_BecomeRowsWithProvenance()
    {
        var result = Take(Correction("trace a", "水壶漏水", "repair", 1), Later("L-1", "money back please"));
        var rows = Rows(result);
        Assert.Equal((2, 1, 1, 0), (result.Record.Taken, result.Record.Corrections, result.Record.Labelled, result.Record.Refused.Count));
        Assert.Equal(["C-trace a", "L-1"], rows.Select(r => r["id"]!.GetValue<string>()));
        Assert.Contains("水壶漏水", Encoding.UTF8.GetString(result.Rows));
        Assert.Equal(("trace a", "correction", true), (rows[0]["provenance"]!["from"]!.GetValue<string>(), rows[0]["provenance"]!["origin"]!.GetValue<string>(), rows[0]["reviewed"]!.GetValue<bool>()));
        Assert.Equal("refund", rows[1]["intent"]!.GetValue<string>());
    }

    [Fact]
    public void Take_SameInputsInAnotherOrder_GivesTheSameDecisions()
    {
        LabelCandidate[] rows = [Correction("a", "one", "repair", 1), Correction("b", "ONE ", "refund", 2), Later("L-1", "two"), Correction("c", "kettle", "nonsense", 1)];
        Assert.Equal(
            Take(rows).Record.Refused.OrderBy(r => r.Reference, StringComparer.Ordinal),
            Take([.. rows.Reverse()]).Record.Refused.OrderBy(r => r.Reference, StringComparer.Ordinal));
    }

    public static TheoryData<string, string, string> Wrong => new()
    {
        { """{"text":" "}""", """{"intent":"refund","urgency":"low"}""", IntakeReasons.InputMissing },
        { """{}""", """{"intent":"refund","urgency":"low"}""", IntakeReasons.InputMissing },
        { """{"text":"x"}""", "\"refund\"", IntakeReasons.OutputMissing },
        { """{"text":"x"}""", "null", IntakeReasons.OutputMissing },
        { """{"text":"x"}""", """{"intent":"refund"}""", IntakeReasons.OutputMissing },
        { """{"text":"x"}""", """{"intent":"refund","urgency":"low","tone":"kind"}""", IntakeReasons.OutputUnknown },
        { """{"text":"x"}""", """{"intent":"Refund","urgency":"low"}""", IntakeReasons.ValueNotAllowed },
        { """{"text":"x"}""", """{"intent":["refund"],"urgency":"low"}""", IntakeReasons.ValueNotAllowed },
        { """{"text":"the kettle　leaks"}""", """{"intent":"repair","urgency":"low"}""", IntakeReasons.AlreadyKnown },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Take_RowThatDoesNotFit_IsRefusedWithItsReason(string input, string output, string reason)
    {
        var row = new LabelCandidate { Origin = "correction", Reference = "trace x", Input = JsonNode.Parse(input)!.AsObject(), Output = JsonNode.Parse(output) };
        var result = Take(row);
        Assert.Equal((reason, "trace x"), (Assert.Single(result.Record.Refused).Reason, result.Record.Refused[0].Reference));
        Assert.Empty(result.Rows);
    }

    [Fact]
    public void Take_SeveralForOneInput_KeepsTheNewest()
    {
        var result = Take(Correction("old", "boiler is cold", "refund", 1), Correction("new", "Boiler is  cold", "repair", 2));
        Assert.Equal("repair", Assert.Single(Rows(result))["intent"]!.GetValue<string>());
        Assert.Equal(("old", IntakeReasons.Superseded), (Assert.Single(result.Record.Refused).Reference, result.Record.Refused[0].Reason));
    }

    [Fact]
    public void Take_SameTimeDifferentLabels_RefusesBoth()
    {
        var result = Take(Correction("a", "boiler is cold", "refund", 1), Correction("b", "boiler is cold", "repair", 1));
        Assert.Equal(2, result.Record.RefusedByReason[IntakeReasons.Conflict]);
        Assert.Empty(result.Rows);
    }

    [Fact]
    public void Take_LabelsOtherThanKnown_AreTakenAndCounted()
    {
        var result = Take(Correction("a", "the kettle leaks", "refund", 1));
        Assert.Equal((1, 1), (result.Record.Taken, result.Record.Contradicting));
    }

    [Fact]
    public void Take_IdThatIsTaken_GetsAnother()
    {
        var result = Take(Later("T-1", "brand new question"));
        Assert.StartsWith("I-", Assert.Single(Rows(result))["id"]!.GetValue<string>());
    }

    [Fact]
    public void OfLine_BrokenLine_NamesTheFault()
    {
        foreach (var line in new[] { "{", "[]", """{"a":1,"a":2}""" })
        {
            Assert.Null(LabelCandidate.OfLine("later.jsonl", 3, line, ["a"], ["b"], out var fault));
            Assert.NotNull(fault);
        }

        var result = IterationIntake.Take("triage", [], [("later.jsonl:3", "the line is not a JSON object.")], Options);
        Assert.Equal(1, result.Record.RefusedByReason[IntakeReasons.Unreadable]);
    }

    private static IntakeResult Take(params LabelCandidate[] rows) => IterationIntake.Take("triage", rows, [], Options);

    private static JsonObject[] Rows(IntakeResult result) =>
        [.. Encoding.UTF8.GetString(result.Rows).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!.AsObject())];

    private static JsonObject Output(string intent) => new() { ["intent"] = intent, ["urgency"] = "low" };

    private static LabelCandidate Correction(string trace, string text, string intent, int day) => new()
    {
        Origin = "correction", Reference = trace, Id = $"C-{trace}", Input = new JsonObject { ["text"] = text }, Output = Output(intent), Reviewed = true, At = Day.AddDays(day),
    };

    private static LabelCandidate Later(string id, string text)
    {
        var row = LabelCandidate.OfLine(
            "later.jsonl", 1, $$"""{"id":"{{id}}","received":"2026-03-05T00:00:00Z","text":"{{text}}","language":"en","intent":"refund","urgency":"low","product":"kettle"}""",
            ["text"], ["intent", "urgency"], out var fault);
        Assert.Null(fault);
        return row!;
    }
}
