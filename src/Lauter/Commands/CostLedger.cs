using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Catalog.Projects;
using Lauter.Gateway;
using Lauter.Hosting;
using Lauter.Ledger;
using Lauter.Traces;

namespace Lauter.Commands;

/// <summary>The ledger and the traces that a verb works on: those of a project, or of a directory that holds only a gateway's state.</summary>
internal sealed class CostLedger : IDisposable
{
    private CostLedger(string name, string state, PriceBook prices)
    {
        (Name, State, Prices) = (name, state, prices);
        Ledger = new LedgerStore(Path.Combine(state, "ledger.db"));
        Traces = new TraceStore(Path.Combine(state, "traces.db"));
        GatewayState.CatchUp(state, Ledger, Traces);
    }

    public string Name { get; }

    public string State { get; }

    public PriceBook Prices { get; }

    public LedgerStore Ledger { get; }

    public TraceStore Traces { get; }

    /// <summary>Opens what <paramref name="directory"/> holds and takes over what a process left in the journal.</summary>
    public static CostLedger Open(string directory)
    {
        var (name, state, prices) = Locate(directory);
        return new CostLedger(name, state, prices);
    }

    /// <summary>Name, state directory and prices, without opening anything.</summary>
    public static (string Name, string State, PriceBook Prices) Locate(string directory)
    {
        if (!File.Exists(Path.Combine(directory, ProjectFile.FileName)))
        {
            var state = File.Exists(Path.Combine(directory, "ledger.db")) ? directory : Path.Combine(directory, ".lauter");
            if (File.Exists(Path.Combine(state, "ledger.db")))
            {
                return (Path.GetFileName(Path.GetFullPath(directory).TrimEnd('/')), state, PriceBook.Default);
            }
        }

        var workspace = Workspace.Open(directory);
        return (workspace.Project.Name, workspace.State, ProjectPrices.Of(workspace.Project));
    }

    public void Dispose()
    {
        Traces.Dispose();
        Ledger.Dispose();
    }
}

/// <summary>Options that the verbs of money and traces share.</summary>
internal static class CostOptions
{
    /// <summary>An option for a moment: a day (its beginning in UTC), a month or an instant.</summary>
    public static Option<string?> Moment(string name, string description) => new(name) { Description = description + " (2026-03, 2026-03-31 or 2026-03-31T12:00Z, in UTC)." };

    public static Option<string?> From() => Moment("--from", "From this moment on");

    public static Option<string?> Until() => Moment("--until", "Before this moment");

    public static DateTimeOffset? Read(ParseResult result, Option<string?> option)
    {
        if (result.GetValue(option) is not { } text)
        {
            return null;
        }

        return DateTimeOffset.TryParseExact(text, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var month) ? month
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at.ToUniversalTime()
            : throw new CommandException(ExitCodes.Usage, $"{option.Name}: '{text}' is not a moment such as 2026-03, 2026-03-31 or 2026-03-31T12:00Z.");
    }

    /// <summary>One option per dimension of the ledger, <c>--phase</c> to <c>--creditor</c>.</summary>
    public static IReadOnlyDictionary<LedgerDimension, Option<string?>> Dimensions() => Enum.GetValues<LedgerDimension>().ToDictionary(
        d => d, d => new Option<string?>("--" + NameOf(d)) { Description = $"Only this {NameOf(d)}." });

    public static string NameOf(LedgerDimension dimension) => dimension.ToString().ToLowerInvariant();

    public static LedgerFilter Filter(ParseResult result, IReadOnlyDictionary<LedgerDimension, Option<string?>> dimensions, Option<string?> from, Option<string?> until) => new()
    {
        From = Read(result, from), Until = Read(result, until),
        Values = dimensions.Where(d => result.GetValue(d.Value) is not null).ToDictionary(d => d.Key, d => result.GetValue(d.Value)!),
    };

    /// <summary>Options in the form <c>NAME=VALUE</c>.</summary>
    public static Dictionary<string, string> Pairs(IEnumerable<string> values, string option) => values.Select(v => v.Split('=', 2))
        .ToDictionary(p => p[0], p => p.Length == 2 ? p[1] : throw new CommandException(ExitCodes.Usage, $"{option}: '{p[0]}' is not of the form NAME=VALUE."), StringComparer.Ordinal);

    public static JsonObject ToJson(Money money) => new() { ["nano_units"] = money.NanoUnits, ["currency"] = money.Currency, ["text"] = money.ToString() };

    public static JsonArray ToJson(IEnumerable<Money> amounts) => [.. amounts.Select(a => (JsonNode)ToJson(a))];

    public static string Text(IReadOnlyList<Money> amounts, bool complete = true) =>
        amounts.Count == 0 ? complete ? "–" : "unknown" : string.Join(" + ", amounts) + (complete ? "" : " and an unknown part");
}
