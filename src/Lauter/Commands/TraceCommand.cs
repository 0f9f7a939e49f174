using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Ledger;
using Lauter.Traces;
using Lauter.Traces.Export;
using Lauter.Traces.Search;

namespace Lauter.Commands;

/// <summary><c>lauter trace</c>: requests, searched, shown, exported and forgotten.</summary>
internal static class TraceCommand
{
    public static Command Create() => new("trace", "List, search, show, export and redact the requests that were served.")
    {
        List("list", "List requests, newest first.", withText: false), List("search", "Search requests by their words and fields, newest first.", withText: true), Show(), TraceExportCommand.Create(),
        TraceKeepCommand.Redact(), TraceKeepCommand.Expire(),
    };

    private static Command List(string name, string description, bool withText)
    {
        var words = new Argument<string>("words") { Description = "Words that must all occur in request, answer or input; \"in quotes\" in that order. Chinese needs no spaces." };
        var (project, format, conditions) = (Arguments.Project(), Arguments.Format(), new TraceConditions());
        var count = new Option<int>("--count", "-n") { Description = "At most this many.", DefaultValueFactory = _ => 20 };
        var command = new Command(name, description);
        if (withText)
        {
            command.Add(words);
        }

        command.Add(project);
        command.Add(count);
        command.Add(format);
        conditions.AddTo(command);
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!);
            var traces = Search(books, conditions.Read(result) with { Text = withText ? result.GetValue(words) : null }, result.GetValue(count));
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonArray([.. traces.Select(t => JsonNode.Parse(TraceJsonLines.ToJson(t)))]));
                return ExitCodes.Success;
            }

            foreach (var trace in traces)
            {
                System.Console.WriteLine(
                    $"{trace.Id:N}  {trace.Started:yyyy-MM-dd HH:mm:ss}Z  {trace.Application,-16}{trace.Outcome.ToString().ToLowerInvariant(),-10}{trace.Status,4}{trace.Duration.TotalMilliseconds,10:0.0} ms  {(trace.Cost is { } cost ? cost.ToString() : trace.Charges.Count == 0 ? "–" : "unknown"),-22}{First(trace)}");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Show()
    {
        var id = new Argument<string>("id") { Description = "The trace's id, as in the list or behind 'trace ' in a ledger entry." };
        var (project, format) = (Arguments.Project(), Arguments.Format());
        var command = new Command("show", "Show one request in full, with what it cost and what was said about it.") { id, project, format };
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!);
            var text = result.GetValue(id)!;
            var trace = (Guid.TryParse(text, out var guid) ? books.Traces.Find(guid) : null)
                ?? throw new CommandException(ExitCodes.InputMissing, $"there is no trace '{text}'. 'lauter trace list' shows the newest.");
            var feedback = books.Traces.FeedbackOn(trace.Id);
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject
                {
                    ["trace"] = JsonNode.Parse(TraceJsonLines.ToJson(trace)), ["feedback"] = new JsonArray([.. feedback.Select(f => JsonNode.Parse(TraceJsonLines.ToJson(f)))]),
                });
                return ExitCodes.Success;
            }

            System.Console.WriteLine($"{trace.Route} of {trace.Application}{(trace.Release is null ? "" : $", release {trace.Release}")}, tenant {trace.Tenant}, key {trace.KeyId}{(trace.User is null ? "" : $", user {trace.User}")}");
            System.Console.WriteLine(
                $"{trace.Started:yyyy-MM-dd HH:mm:ss.fff}Z, {trace.Outcome.ToString().ToLowerInvariant()} ({trace.Status}{(trace.ErrorCode is null ? "" : " " + trace.ErrorCode)}), {trace.Duration.TotalMilliseconds:0.0} ms{(trace.TimeToFirst is { } first ? $", first byte after {first.TotalMilliseconds:0.0} ms" : "")}{(trace.FinishReason is null ? "" : ", finished by " + trace.FinishReason)}");
            foreach (var charge in trace.Charges)
            {
                System.Console.WriteLine(
                    $"  {MeterNames.NameOf(charge.Meter),-20}{(charge.Source == MeterSource.Missing ? "missing" : charge.Quantity.ToString("#,0", CultureInfo.InvariantCulture)),14}  {(charge.Amount is { } amount ? amount.ToString() : "unknown"),-22}{charge.Sku}{(charge.PriceSource is null ? "" : $", {charge.PriceSource}")}{(charge.Assumed ? " (assumed)" : "")}");
            }

            Text("request", trace.Request, trace.Redacted);
            Text("answer", trace.Response, trace.Redacted);
            foreach (var one in feedback)
            {
                System.Console.WriteLine($"feedback {one.At:yyyy-MM-dd HH:mm:ss}Z by {one.KeyId}: {string.Join(", ", new[] { one.Rating is { } r ? $"rated {r}" : null, one.Comment, one.Correction is { } c ? $"corrected to {c.ToJsonString()}" : null }.OfType<string>())}");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Runs a query and turns a wrong path into a message.</summary>
    internal static IReadOnlyList<TraceRecord> Search(CostLedger books, TraceQuery query, int count)
    {
        try
        {
            return books.Traces.Search(query, count);
        }
        catch (FormatException e)
        {
            throw new CommandException(ExitCodes.Usage, $"--where: {e.Message}");
        }
    }

    private static void Text(string name, string? text, bool redacted) =>
        System.Console.WriteLine($"{name}: {(text is null ? redacted ? "(removed)" : "(not kept)" : Environment.NewLine + text)}");

    private static string First(TraceRecord trace)
    {
        var text = (trace.Input?.FirstOrDefault().Value?.ToString() ?? trace.Response ?? "").ReplaceLineEndings(" ");
        return text.Length <= 60 ? text : text[..(char.IsHighSurrogate(text[59]) ? 59 : 60)] + "…";
    }
}

/// <summary>The conditions that <c>list</c>, <c>search</c> and <c>export</c> share.</summary>
internal sealed class TraceConditions
{
    private readonly Option<string?> _application = new("--application") { Description = "Only this application." };
    private readonly Option<string?> _outcome = new("--outcome") { Description = "answered, cancelled, failed, refused, invalid or lost." };
    private readonly Option<string?> _tenant = new("--tenant") { Description = "Only this tenant." };
    private readonly Option<string?> _key = new("--key") { Description = "Only this key's id." };
    private readonly Option<string?> _user = new("--user") { Description = "Only this user tag." };
    private readonly Option<string?> _release = new("--release") { Description = "Only this release." };
    private readonly Option<int?> _status = new("--status") { Description = "Only this HTTP status." };
    private readonly Option<string?> _error = new("--error") { Description = "Only this error code." };
    private readonly Option<string?> _from = CostOptions.From();
    private readonly Option<string?> _until = CostOptions.Until();
    private readonly Option<string?> _cost = new("--cost-at-least") { Description = "Only requests that cost at least this, for example '0.01 USD'." };
    private readonly Option<bool> _unknown = new("--cost-unknown") { Description = "Only requests whose cost is unknown." };
    private readonly Option<double?> _slower = new("--at-least-ms") { Description = "Only requests that took at least this many milliseconds." };
    private readonly Option<bool> _complained = new("--complained") { Description = "Only answers that were corrected or rated bad." };
    private readonly Option<string[]> _where = new("--where")
    {
        Description = "A field with its value, for example input.intent=refund, finish_reason=length or request.messages[0].role=system; may be repeated.", DefaultValueFactory = _ => [],
    };

    public TraceConditions() => _outcome.AcceptOnlyFromAmong([.. Enum.GetValues<TraceOutcome>().Select(o => o.ToString().ToLowerInvariant())]);

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_application, _outcome, _tenant, _key, _user, _release, _status, _error, _from, _until, _cost, _unknown, _slower, _complained, _where])
        {
            command.Add(option);
        }
    }

    public TraceQuery Read(ParseResult result) => new()
    {
        Application = result.GetValue(_application), Outcome = result.GetValue(_outcome) is { } outcome ? Enum.Parse<TraceOutcome>(outcome, ignoreCase: true) : null,
        Tenant = result.GetValue(_tenant), Key = result.GetValue(_key), User = result.GetValue(_user), Release = result.GetValue(_release), Status = result.GetValue(_status),
        ErrorCode = result.GetValue(_error), From = CostOptions.Read(result, _from), Until = CostOptions.Read(result, _until),
        CostAtLeast = result.GetValue(_cost) is not { } cost ? null
            : Money.TryParse(cost, out var money) ? money : throw new CommandException(ExitCodes.Usage, $"--cost-at-least: '{cost}' is not an amount such as '0.01 USD'."),
        CostUnknown = result.GetValue(_unknown) ? true : null, AtLeast = result.GetValue(_slower) is { } ms ? TimeSpan.FromMilliseconds(ms) : null,
        Complained = result.GetValue(_complained) ? true : null, Fields = [.. CostOptions.Pairs(result.GetValue(_where)!, "--where")],
    };
}
