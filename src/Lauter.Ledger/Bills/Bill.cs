using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Lauter.Ledger;

/// <summary>
/// What everything cost, by phase and by application, with what is unknown and what was assumed. A sum beside which unknown quantities
/// exist is a lower bound and says so (<c>Complete</c> = false).
/// </summary>
public sealed record Bill
{
    /// <summary>First instant, null = the beginning.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>First instant that no longer counts, null = no end.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Every phase in the order of the flywheel, the ones without use included.</summary>
    public required IReadOnlyList<BillPhase> Phases { get; init; }

    /// <summary>The known total per currency.</summary>
    public required IReadOnlyList<Money> Total { get; init; }

    /// <summary>False when something has no known price: <see cref="Total"/> is then a lower bound.</summary>
    public required bool Complete { get; init; }

    /// <summary>Each application that was asked or that cost something.</summary>
    public required IReadOnlyList<BillApplication> Applications { get; init; }

    /// <summary>
    /// Everything that the project cost, divided by all accepted answers, per currency; empty without accepted answers. Each is rounded half
    /// to even.
    /// </summary>
    public required IReadOnlyList<Money> WholeCostPerAcceptedAnswer { get; init; }

    /// <summary>Quantities without a price, and uses that were not measured.</summary>
    public required IReadOnlyList<BillUnknown> Unknowns { get; init; }

    /// <summary>Prices that nobody confirmed.</summary>
    public required IReadOnlyList<string> Assumptions { get; init; }

    /// <summary>JSON in snake case; amounts as <c>{"nano_units":…,"currency":…,"text":"0.05 CNY"}</c>.</summary>
    public JsonObject ToJson() => JsonSerializer.SerializeToNode(this, BillJson.Default.Bill)!.AsObject();

    internal static Bill Of(IReadOnlyList<UseRow> rows, IReadOnlyList<ApplicationUse> uses, DateTimeOffset? from, DateTimeOffset? until)
    {
        var unknowns = rows.Where(r => r.Amount is null)
            .Select(r => new BillUnknown(r.Phase, r.Application, r.Sku, r.Meter, r.Quantity, r.Missing ? r.Lines : 0))
            .ToList();
        var total = Sum(rows);
        var accepted = uses.Sum(u => u.Accepted);
        return new Bill
        {
            From = from,
            Until = until,
            Phases = [.. Enum.GetValues<LedgerPhase>().Select(phase => Phase(phase, [.. rows.Where(r => r.Phase == phase)]))],
            Total = total,
            Complete = unknowns.Count == 0,
            Applications = [.. uses.Select(u => u.Application)
                .Concat(rows.Where(r => r.Application is not null).Select(r => r.Application!))
                .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .Select(name => Application(name, [.. rows.Where(r => r.Application == name)], uses.FirstOrDefault(u => u.Application == name)))],
            WholeCostPerAcceptedAnswer = PerAnswer(total, accepted),
            Unknowns = unknowns,
            Assumptions = [.. rows.Select(r => r.Assumed).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .Select(basis => $"The machine's rate is a built-in assumption ({basis}); state yours under prices.machine.")],
        };
    }

    private static BillPhase Phase(LedgerPhase phase, IReadOnlyList<UseRow> rows) => new(
        phase,
        rows.Where(r => r.Meter == Meter.CoreMicroseconds).Sum(r => r.Quantity) / 1_000_000m,
        rows.Where(r => r.Meter == Meter.PersonSeconds).Sum(r => r.Quantity),
        rows.GroupBy(r => r.Meter).OrderBy(g => g.Key).ToDictionary(g => g.Key, g => g.Sum(r => r.Quantity)),
        Sum(rows),
        rows.All(r => r.Amount is not null));

    private static BillApplication Application(string name, IReadOnlyList<UseRow> rows, ApplicationUse? use)
    {
        var serving = Sum([.. rows.Where(r => r.Phase == LedgerPhase.Serving)]);
        var all = Sum(rows);
        var accepted = use?.Accepted ?? 0;
        return new BillApplication(
            name, use?.Requests ?? 0, use?.Answered ?? 0, use?.Corrected ?? 0, use?.RatedBad ?? 0, accepted, serving, all,
            PerAnswer(serving, accepted), PerAnswer(all, accepted), rows.All(r => r.Amount is not null), use?.Quality);
    }

    private static List<Money> Sum(IReadOnlyList<UseRow> rows) =>
        [.. rows.Where(r => r.Amount is not null).GroupBy(r => r.Amount!.Value.Currency, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.Aggregate(Money.Zero(g.Key), (sum, r) => sum + r.Amount!.Value))];

    private static List<Money> PerAnswer(IReadOnlyList<Money> total, long accepted) =>
        accepted <= 0 ? [] : [.. total.Select(t => Money.ForQuantity(1, t.NanoUnits, accepted, t.Currency))];
}

/// <summary>One phase of a bill.</summary>
/// <param name="Phase">Which.</param>
/// <param name="CoreSeconds">Core-seconds of the local machine.</param>
/// <param name="PersonSeconds">Seconds of people's work.</param>
/// <param name="Quantities">All use by meter, in base units, priced or not.</param>
/// <param name="Amounts">The known cost per currency.</param>
/// <param name="Complete">False when part of the use has no known price.</param>
public sealed record BillPhase(
    LedgerPhase Phase, decimal CoreSeconds, long PersonSeconds, IReadOnlyDictionary<Meter, long> Quantities, IReadOnlyList<Money> Amounts, bool Complete);

/// <summary>One application of a bill.</summary>
/// <param name="Application">Its name.</param>
/// <param name="Requests">Requests of any outcome.</param>
/// <param name="Answered">Requests that got an answer.</param>
/// <param name="Corrected">Answers that someone corrected.</param>
/// <param name="RatedBad">Answers rated below zero and not corrected.</param>
/// <param name="Accepted">Answers nobody corrected or rated bad.</param>
/// <param name="Serving">Cost of serving, per currency.</param>
/// <param name="AllPhases">Cost of every phase booked to this application.</param>
/// <param name="ServingPerAcceptedAnswer">Empty without accepted answers.</param>
/// <param name="AllPhasesPerAcceptedAnswer">Empty without accepted answers.</param>
/// <param name="Complete">False when part of the use has no known price.</param>
/// <param name="Quality">What the gate said about the quality of these answers, or null when nothing is known.</param>
public sealed record BillApplication(
    string Application, long Requests, long Answered, long Corrected, long RatedBad, long Accepted, IReadOnlyList<Money> Serving, IReadOnlyList<Money> AllPhases,
    IReadOnlyList<Money> ServingPerAcceptedAnswer, IReadOnlyList<Money> AllPhasesPerAcceptedAnswer, bool Complete, string? Quality);

/// <summary>A use without a cost.</summary>
/// <param name="Phase">Where it was used.</param>
/// <param name="Application">For which application, or null.</param>
/// <param name="Sku">The product without a price.</param>
/// <param name="Meter">What was used.</param>
/// <param name="Quantity">How much is known to have been used.</param>
/// <param name="MissingReadings">How many times the amount itself is unknown.</param>
public sealed record BillUnknown(LedgerPhase Phase, string? Application, string Sku, Meter Meter, long Quantity, long MissingReadings);

/// <summary>What the traces say about one application in the interval of a bill.</summary>
/// <param name="Application">Its name.</param>
/// <param name="Requests">Requests of any outcome.</param>
/// <param name="Answered">Requests that got an answer.</param>
/// <param name="Corrected">Answers that someone corrected.</param>
/// <param name="RatedBad">Answers rated below zero and not corrected.</param>
/// <param name="Quality">What the gate said about the live release, or null.</param>
public sealed record ApplicationUse(string Application, long Requests, long Answered, long Corrected, long RatedBad, string? Quality = null)
{
    /// <summary>Answers nobody corrected or rated bad.</summary>
    public long Accepted => Answered - Corrected - RatedBad;
}

internal sealed class MoneyJsonConverter : JsonConverter<Money>
{
    public override Money Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return new Money(document.RootElement.GetProperty("nano_units").GetInt64(), document.RootElement.GetProperty("currency").GetString()!);
    }

    public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteNumber("nano_units", value.NanoUnits);
        writer.WriteString("currency", value.Currency);
        writer.WriteString("text", value.ToString());
        writer.WriteEndObject();
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, Converters = [typeof(MoneyJsonConverter)])]
[JsonSerializable(typeof(Bill))]
internal sealed partial class BillJson : JsonSerializerContext;
