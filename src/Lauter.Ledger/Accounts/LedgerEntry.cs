using System.Security.Cryptography;
using System.Text;

namespace Lauter.Ledger;

/// <summary>The parts of the flywheel that cost. The numbers are stored: never renumber.</summary>
public enum LedgerPhase
{
    /// <summary>Reading, cleaning, deduplicating, splitting.</summary>
    Data = 1,

    /// <summary>Chunks, vectors, postings.</summary>
    Vectorising = 2,

    /// <summary>Training runs, failed ones included.</summary>
    Training = 3,

    /// <summary>Candidates on suites, judges.</summary>
    Evaluation = 4,

    /// <summary>Answers to callers.</summary>
    Serving = 5,

    /// <summary>A machine or engine that is kept ready and does nothing.</summary>
    Idle = 6,

    /// <summary>People who label and correct.</summary>
    Labelling = 7,
}

/// <summary>The names of accounts.</summary>
public static class LedgerAccounts
{
    /// <summary>What the local machine gave: its purchase, power and people are paid from here.</summary>
    public const string Machine = "machine:local";

    /// <summary>People's time.</summary>
    public const string People = "payable:people";

    /// <summary>What is owed to a provider.</summary>
    public static string Provider(string name) => $"payable:provider:{name}";

    /// <summary>Where a phase's cost is booked; <paramref name="application"/> null = the project as a whole.</summary>
    public static string Expense(LedgerPhase phase, string? application) => $"expense:{NameOf(phase)}:{application ?? "project"}";

    /// <summary>The stored name of a phase.</summary>
    public static string NameOf(LedgerPhase phase) => phase switch
    {
        LedgerPhase.Data => "data",
        LedgerPhase.Vectorising => "vectorising",
        LedgerPhase.Training => "training",
        LedgerPhase.Evaluation => "evaluation",
        LedgerPhase.Serving => "serving",
        LedgerPhase.Idle => "idle",
        LedgerPhase.Labelling => "labelling",
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, message: null),
    };
}

/// <summary>One line of an entry.</summary>
/// <param name="Account">Where it is booked.</param>
/// <param name="Amount">Positive = debit (an expense grew), negative = credit (something was given); null = a quantity without a known price.</param>
/// <param name="Charge">What was used, on expense lines.</param>
public sealed record LedgerLine(string Account, Money? Amount, Charge? Charge = null);

/// <summary>
/// One posting. The amounts of its lines sum to zero in every currency; lines without an amount carry quantities whose price is unknown. An
/// entry is never changed: a correction is another entry.
/// </summary>
public sealed record LedgerEntry
{
    private static readonly IReadOnlyDictionary<string, string> EmptyTags = new Dictionary<string, string>();

    /// <summary>Unique name that makes posting idempotent: the trace id, or run and step.</summary>
    public required string Id { get; init; }

    /// <summary>When the work was done.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The part of the flywheel.</summary>
    public required LedgerPhase Phase { get; init; }

    /// <summary>The application that the cost belongs to, or null for the project as a whole.</summary>
    public string? Application { get; init; }

    /// <summary>What a person can look up: a run, a step, a trace.</summary>
    public string? Reference { get; init; }

    /// <summary>One line for a person.</summary>
    public string? Description { get; init; }

    /// <summary>Whom the provider's part is owed to, also while its price is unknown; null on entries without use.</summary>
    public string? CreditAccount { get; init; }

    /// <summary>Whose and which: by custom <c>tenant</c>, <c>key</c>, <c>user</c>, <c>release</c>. Totals can be split by them.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = EmptyTags;

    /// <summary>At least one line.</summary>
    public required IReadOnlyList<LedgerLine> Lines { get; init; }

    /// <summary>
    /// An entry for use: each charge is debited to the phase's expense account, and per currency the sum is credited to
    /// <paramref name="creditAccount"/> (what the machine's rate priced: to <see cref="LedgerAccounts.Machine"/>). Charges without an amount
    /// become quantity lines.
    /// </summary>
    public static LedgerEntry ForUsage(
        string id,
        DateTimeOffset at,
        LedgerPhase phase,
        string? application,
        string creditAccount,
        IReadOnlyList<Charge> charges,
        string? reference = null,
        string? description = null)
    {
        var account = LedgerAccounts.Expense(phase, application);
        List<LedgerLine> lines = [.. charges.Select(c => new LedgerLine(account, c.Amount, c))];
        lines.AddRange(charges.Where(c => c.Amount is not null)
            .GroupBy(c => (Account: c.Sku == MachineRate.Sku ? LedgerAccounts.Machine : creditAccount, c.Amount!.Value.Currency))
            .OrderBy(g => g.Key.Account, StringComparer.Ordinal).ThenBy(g => g.Key.Currency, StringComparer.Ordinal)
            .Select(g => new LedgerLine(g.Key.Account, -g.Aggregate(Money.Zero(g.Key.Currency), (sum, c) => sum + c.Amount!.Value))));
        return new LedgerEntry
        {
            Id = id, At = at, Phase = phase, Application = application, Reference = reference, Description = description, Lines = lines,
            CreditAccount = creditAccount,
        };
    }

    /// <summary>Local work: core-microseconds at the machine's rate.</summary>
    public static LedgerEntry ForCores(
        string id, DateTimeOffset at, LedgerPhase phase, string? application, TimeSpan coreTime, PriceBook prices, string? reference = null, string? description = null) =>
        ForUsage(
            id, at, phase, application, LedgerAccounts.Machine,
            [prices.Charge(MachineRate.Sku, new MeterReading(Meter.CoreMicroseconds, (long)coreTime.TotalMicroseconds, MeterSource.Local), at)],
            reference, description);

    /// <summary>Why the entry cannot be posted, or null.</summary>
    internal string? Fault()
    {
        if (Lines.Count == 0)
        {
            return $"Entry '{Id}' has no lines.";
        }

        foreach (var currency in Lines.Where(l => l.Amount is not null).GroupBy(l => l.Amount!.Value.Currency, StringComparer.Ordinal))
        {
            var sum = currency.Aggregate(Int128.Zero, (total, line) => total + line.Amount!.Value.NanoUnits);
            if (sum != 0)
            {
                return $"Entry '{Id}' does not balance: its {currency.Key} lines sum to {sum} nano-units instead of 0.";
            }
        }

        return null;
    }

    /// <summary>A hash of everything booked, to tell a repeated posting from a different one under the same id.</summary>
    internal string ContentHash()
    {
        var text = new StringBuilder().Append(Phase).Append('|').Append(Application).Append('|').Append(At.ToUnixTimeMilliseconds());
        foreach (var line in Lines)
        {
            text.Append('\n').Append(line.Account).Append('|').Append(line.Amount?.NanoUnits).Append('|').Append(line.Amount?.Currency)
                .Append('|').Append(line.Charge?.Meter).Append('|').Append(line.Charge?.Quantity).Append('|').Append(line.Charge?.Source).Append('|').Append(line.Charge?.Sku);
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}

/// <summary>An entry was refused: it does not balance, or its id already stands for something else.</summary>
public sealed class LedgerException(string message) : InvalidOperationException(message);
