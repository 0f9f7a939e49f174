using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Judges;

namespace Lauter.Commands;

/// <summary><c>lauter eval judge-report</c>: how far a judge can be trusted, and the true rate behind its rate.</summary>
internal static class EvalJudgeCommand
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static Command Create()
    {
        var file = new Argument<string>("verdicts") { Description = "JSONL: id, judge (true, false or null when unparsed) and, where people looked, human; or shown and swapped (A, B, TIE) of pairs judged in both orders." };
        var format = Arguments.Format();
        var command = new Command("judge-report", "Agreement, kappa and position bias of a judge, and its pass rate corrected for its errors.") { file, format };
        command.SetAction(result =>
        {
            var rows = PlainFiles.Lines(result.GetValue(file)!).Where(l => !string.IsNullOrWhiteSpace(l)).Select((l, i) => Row(l, i + 1)).ToArray();
            var pairs = rows.Length > 0 && rows.All(r => r.ContainsKey("shown"))
                ? PairReport.Of([.. rows.Select(r => (Winner(r["shown"]), Winner(r["swapped"]), JudgeItemFile.Winner(r["humanWinner"])))]) : null;
            var single = pairs is not null ? null : JudgeReport.Of([.. rows.Select(r => new JudgedItem(r["id"]?.ToString() ?? "", Verdict(r["judge"]), Verdict(r["human"])))]);
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(pairs is null ? JsonSerializer.SerializeToNode(single, Json)! : JsonSerializer.SerializeToNode(pairs, Json)!);
            }
            else
            {
                System.Console.Out.Write(pairs is null ? Text(single!) : Text(pairs));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    internal static string Text(JudgeReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"{report.Items:N0} items, {report.Unparsed:N0} verdicts unparsed; the judge passes {Figure(report.PassRate)}\n{report.Labelled:N0} judged by people too: agreement {Figure(report.Agreement)}, kappa {Figure(report.Kappa)}, sensitivity {Figure(report.Sensitivity)}, specificity {Figure(report.Specificity)}\n{(report.Interval is { } interval
            ? string.Create(CultureInfo.InvariantCulture, $"true pass rate {Figure(report.Corrected)} [{interval.Low:0.0000}, {interval.High:0.0000}] (Rogan–Gladen, 95 % by Lang and Reiczigel)")
            : "true pass rate unknown: people passed or failed none of the items, or the judge is no better than chance")}\n");

    internal static string Text(PairReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"{report.Pairs:N0} pairs: good {report.Good:N0}, same {report.Same:N0}, bad {report.Bad:N0}, inconsistent {report.Inconsistent:N0}, unparsed {report.Unparsed:N0}; p = {report.SignP:0.0000}\nnet win rate {Figure(report.Net)}{(report.NetInterval is { } net ? string.Create(CultureInfo.InvariantCulture, $" [{net.Low:0.0000}, {net.High:0.0000}]") : "")}\n{(report.FirstShownInterval is { } interval
            ? string.Create(CultureInfo.InvariantCulture, $"position: the answer shown first wins {Figure(report.FirstShownRate)} [{interval.Low:0.0000}, {interval.High:0.0000}] of the verdicts with a winner")
            : "position: no verdict names a winner")}\n{(report.Labelled > 0 ? string.Create(CultureInfo.InvariantCulture, $"{report.Labelled:N0} judged by people too: agreement {Figure(report.Agreement)}, kappa {Figure(report.Kappa)}\n") : "")}");

    private static JsonObject Row(string line, int number)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject ?? throw new CommandException(ExitCodes.InputMissing, $"line {number}: not a JSON object.");
        }
        catch (JsonException e)
        {
            throw new CommandException(ExitCodes.InputMissing, $"line {number}: {e.Message}");
        }
    }

    private static bool? Verdict(JsonNode? node) => node is JsonValue v && v.TryGetValue<bool>(out var verdict) ? verdict : null;

    private static PairWinner Winner(JsonNode? node) => node?.ToString().ToUpperInvariant() switch
    {
        "A" => PairWinner.First, "B" => PairWinner.Second, "TIE" => PairWinner.Tie, _ => PairWinner.Unparsed,
    };

    private static string Figure(double? value) => value?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "unknown";
}
