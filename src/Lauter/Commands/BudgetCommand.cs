using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Catalog.Projects;
using Lauter.Hosting;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;

namespace Lauter.Commands;

/// <summary><c>lauter budget</c>: limits on money and rates, and how much of them is used.</summary>
internal static class BudgetCommand
{
    public static Command Create() => new("budget", "Show, set and remove limits of tenants, keys, applications and users. A running server takes them over within a second.")
    {
        List(), Set(), Remove(),
    };

    private static Command List()
    {
        var (project, format) = (Arguments.Project(), Arguments.Format());
        var command = new Command("list", "List every limit with what is spent and reserved in its window.") { project, format };
        command.SetAction(result =>
        {
            var (_, state, _) = CostLedger.Locate(result.GetValue(project)!);
            using (CostLedger.Open(result.GetValue(project)!))
            {
                // Opening takes over what a process that ended left behind.
            }

            var path = Path.Combine(state, "ledger.db");
            using var stored = new StoredBudgets(path);
            using var leases = new BudgetLeases(path, Configured(result.GetValue(project)!), TimeProvider.System);
            var byHand = stored.Budgets.Select(b => b.Key).ToHashSet(StringComparer.Ordinal);
            var status = leases.Status();
            var templates = leases.Budgets.Where(b => b.Account.EndsWith(":*", StringComparison.Ordinal)).ToList();
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject
                {
                    ["budgets"] = new JsonArray([.. status.Select(s => (JsonNode)new JsonObject
                    {
                        ["account"] = s.Budget.Account, ["window"] = BudgetWindows.NameOf(s.Budget.Window), ["window_start"] = s.WindowStart.ToString("O"), ["limit"] = CostOptions.ToJson(s.Budget.Limit),
                        ["spent"] = CostOptions.ToJson(s.Spent), ["reserved"] = CostOptions.ToJson(s.Reserved), ["available"] = CostOptions.ToJson(s.Available), ["shadow"] = s.Budget.Shadow,
                        ["set_by_hand"] = byHand.Contains(s.Budget.Key),
                    })]),
                    ["for_every"] = new JsonArray([.. templates.Select(t => (JsonNode)new JsonObject
                    {
                        ["account"] = t.Account, ["window"] = BudgetWindows.NameOf(t.Window), ["limit"] = CostOptions.ToJson(t.Limit), ["shadow"] = t.Shadow,
                    })]),
                    ["rates"] = new JsonArray([.. stored.Rates.Select(r => (JsonNode)new JsonObject
                    {
                        ["account"] = r.Account, ["requests_per_minute"] = r.RequestsPerMinute, ["tokens_per_minute"] = r.TokensPerMinute, ["concurrent"] = r.Concurrent, ["shadow"] = r.Shadow,
                    })]),
                });
                return ExitCodes.Success;
            }

            foreach (var s in status)
            {
                System.Console.WriteLine(
                    $"{s.Budget.Account,-28}{s.Budget.Limit} a {BudgetWindows.NameOf(s.Budget.Window)}{(s.Budget.Shadow ? ", only measured" : "")}: {s.Spent} spent, {s.Reserved} reserved, {s.Available} left");
            }

            templates.ForEach(t => System.Console.WriteLine($"{t.Account,-28}{t.Limit} a {BudgetWindows.NameOf(t.Window)} each{(t.Shadow ? ", only measured" : "")}"));
            foreach (var rate in stored.Rates)
            {
                System.Console.WriteLine(
                    $"{rate.Account,-28}{string.Join(", ", new[] { Rate(rate.RequestsPerMinute, "requests a minute"), Rate(rate.TokensPerMinute, "tokens a minute"), Rate(rate.Concurrent, "at the same time") }.OfType<string>())}{(rate.Shadow ? ", only measured" : "")}");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Set()
    {
        var (account, project) = (Account(), Arguments.Project());
        var windows = BudgetWindows.Names.ToDictionary(n => n, n => new Option<string?>("--" + n) { Description = $"The most {(n == "total" ? "for ever" : $"a {n}")}, for example '200 CNY'." });
        var requests = new Option<long?>("--requests-per-minute") { Description = "Requests a minute." };
        var tokens = new Option<long?>("--tokens-per-minute") { Description = "Tokens a minute." };
        var concurrent = new Option<int?>("--concurrent") { Description = "Requests at the same time." };
        var shadow = new Option<bool>("--shadow") { Description = "Only measure, never refuse." };
        var command = new Command("set", "Set limits of an account; those that are not named stay as they are.") { account, project, requests, tokens, concurrent, shadow };
        foreach (var option in windows.Values)
        {
            command.Add(option);
        }

        command.SetAction(result =>
        {
            var name = result.GetValue(account)!;
            var (_, state, _) = CostLedger.Locate(result.GetValue(project)!);
            using var stored = new StoredBudgets(Path.Combine(state, "ledger.db"));
            var budgets = windows.Where(w => result.GetValue(w.Value) is not null).Select(w =>
            {
                _ = BudgetWindows.TryParse(w.Key, out var window);
                return Money.TryParse(result.GetValue(w.Value), out var limit) && limit.NanoUnits >= 0
                    ? new Budget(name, limit, window, result.GetValue(shadow))
                    : throw new CommandException(ExitCodes.Usage, $"--{w.Key}: '{result.GetValue(w.Value)}' is not an amount such as '200 CNY'.");
            }).ToList();
            var (r, t, c) = (result.GetValue(requests), result.GetValue(tokens), result.GetValue(concurrent));
            if (budgets.Count == 0 && r is null && t is null && c is null)
            {
                throw new CommandException(ExitCodes.Usage, $"name at least one limit: --{string.Join(", --", BudgetWindows.Names)}, --requests-per-minute, --tokens-per-minute or --concurrent.");
            }

            if (r < 1 || t < 1 || c < 1)
            {
                throw new CommandException(ExitCodes.Usage, "rates are at least 1; 'lauter budget remove' takes limits away.");
            }

            budgets.ForEach(stored.Set);
            if (r is not null || t is not null || c is not null)
            {
                var before = stored.Rates.FirstOrDefault(rate => rate.Account == name) ?? new RateLimit(name);
                stored.Set(before with { RequestsPerMinute = r ?? before.RequestsPerMinute, TokensPerMinute = t ?? before.TokensPerMinute, Concurrent = c ?? before.Concurrent, Shadow = result.GetValue(shadow) });
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Remove()
    {
        var (account, project) = (Account(), Arguments.Project());
        var window = new Option<string?>("--window") { Description = "Only the limit of this window; without it every limit of the account." };
        window.AcceptOnlyFromAmong([.. BudgetWindows.Names]);
        var command = new Command("remove", "Remove limits that were set by hand; those of the project file hold again.") { account, project, window };
        command.SetAction(result =>
        {
            var name = result.GetValue(account)!;
            var (_, state, _) = CostLedger.Locate(result.GetValue(project)!);
            using var stored = new StoredBudgets(Path.Combine(state, "ledger.db"));
            var removed = BudgetWindows.TryParse(result.GetValue(window), out var one) ? stored.Remove(name, one) ? 1 : 0 : stored.RemoveAll(name);
            return removed > 0 ? ExitCodes.Success
                : throw new CommandException(ExitCodes.InputMissing, $"'{name}' has no such limit that was set by hand. 'lauter budget list' shows them; those of the project are in lauter.yaml.");
        });
        return command;
    }

    private static Argument<string> Account()
    {
        var account = new Argument<string>("account") { Description = "tenant:NAME, key:ID, application:NAME or user:TAG; the name * is every one of that kind, each with the limit of its own." };
        account.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var value }] && value.Split(':', 2) is not ["tenant" or "key" or "application" or "user", { Length: > 0 }])
            {
                result.AddError($"'{value}' is not an account such as tenant:NAME, key:ID, application:NAME or user:TAG.");
            }
        });
        return account;
    }

    /// <summary>The limits of the project file; none for a directory that holds only a gateway's state.</summary>
    private static IEnumerable<Budget> Configured(string directory) => File.Exists(Path.Combine(directory, ProjectFile.FileName))
        ? Workspace.Open(directory).Project.Applications.Values.Where(a => a.Budget is not null).Select(a => new Budget(
            $"application:{a.Name}", Money.FromUnits(a.Budget!.Amount, a.Budget.Currency), a.Budget.Window == "day" ? BudgetWindow.Day : BudgetWindow.Month))
        : [];

    private static string? Rate(long? value, string unit) => value is { } n ? $"{n:#,0} {unit}" : null;
}
