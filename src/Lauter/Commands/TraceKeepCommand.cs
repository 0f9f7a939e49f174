using System.CommandLine;
using Lauter.Traces.Search;

namespace Lauter.Commands;

/// <summary><c>lauter trace redact</c> and <c>expire</c>: what is kept, and how long.</summary>
internal static class TraceKeepCommand
{
    public static Command Redact()
    {
        var ids = new Argument<string[]>("ids") { Description = "Traces by their ids.", Arity = ArgumentArity.ZeroOrMore };
        var project = new Option<string>("--project") { Description = "The directory that holds lauter.yaml.", DefaultValueFactory = _ => "." };
        var user = new Option<string?>("--user") { Description = "Every trace of this user tag." };
        var words = new Option<string?>("--words") { Description = "Every trace in which all these words occur." };
        var command = new Command("redact", "Remove the texts of requests for good: request, answer, input, comments and corrections. Use, cost and outcome stay.") { ids, project, user, words };
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!);
            var named = result.GetValue(ids)!;
            var wrong = named.FirstOrDefault(id => !Guid.TryParse(id, out _));
            if (wrong is not null || (named.Length == 0 && result.GetValue(user) is null && result.GetValue(words) is null))
            {
                throw new CommandException(ExitCodes.Usage, wrong is null ? "name traces by id, or with --user or --words." : $"'{wrong}' is not the id of a trace.");
            }

            List<Guid> all = [.. named.Select(Guid.Parse)];
            if (result.GetValue(user) is not null || result.GetValue(words) is not null)
            {
                all.AddRange(books.Traces.Read(new TraceQuery { User = result.GetValue(user), Text = result.GetValue(words) }).Select(t => t.Id));
            }

            var redacted = books.Traces.Redact([.. all.Distinct()]);
            System.Console.Error.WriteLine($"{redacted} requests redacted");
            return redacted > 0 ? ExitCodes.Success : ExitCodes.InputMissing;
        });
        return command;
    }

    public static Command Expire()
    {
        var project = Arguments.Project();
        var before = new Option<string?>("--before") { Description = "Requests that began before this moment (2026-03, 2026-03-31, in UTC).", Required = true };
        var texts = new Option<bool>("--only-texts") { Description = "Keep the records, remove their texts." };
        var application = new Option<string?>("--application") { Description = "Only of this application." };
        var command = new Command("expire", "Remove old requests, or only their texts. The ledger and the budgets keep what they cost.") { project, before, texts, application };
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!);
            var until = CostOptions.Read(result, before)!.Value;
            var removed = result.GetValue(texts) ? books.Traces.ExpireTexts(until, result.GetValue(application)) : books.Traces.Expire(until, result.GetValue(application));
            System.Console.Error.WriteLine($"{removed} requests {(result.GetValue(texts) ? "lost their texts" : "removed")}");
            return ExitCodes.Success;
        });
        return command;
    }
}
