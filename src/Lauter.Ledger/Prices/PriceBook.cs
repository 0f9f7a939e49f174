namespace Lauter.Ledger;

/// <summary>
/// Dated prices and the machine's rate. A look-up that finds no row valid at the instant asked for answers null, and whatever was used
/// stays in the ledger as an unpriced quantity: it is never booked as 0. Immutable; safe for concurrent use.
/// </summary>
public sealed class PriceBook
{
    private readonly Dictionary<(string Sku, Meter Meter), Price[]> _rows;
    private readonly MachineRate[] _machines;

    /// <param name="prices">Rows whose intervals do not overlap for the same product and meter.</param>
    /// <param name="machine">The local machine's rate.</param>
    /// <exception cref="ArgumentException">Two rows overlap.</exception>
    public PriceBook(IEnumerable<Price> prices, MachineRate machine)
        : this(prices, [machine])
    {
    }

    /// <param name="prices">Rows whose intervals do not overlap for the same product and meter.</param>
    /// <param name="machines">The local machine's rates, at least one; their intervals do not overlap.</param>
    /// <exception cref="ArgumentException">Two rows or two rates overlap, or there is no rate.</exception>
    public PriceBook(IEnumerable<Price> prices, IReadOnlyList<MachineRate> machines)
    {
        ArgumentOutOfRangeException.ThrowIfZero(machines.Count);
        _machines = [.. machines.OrderBy(m => m.From ?? DateTimeOffset.MinValue)];
        for (var i = 1; i < _machines.Length; i++)
        {
            if (_machines[i - 1].Until is not { } until || until > (_machines[i].From ?? DateTimeOffset.MinValue))
            {
                throw new ArgumentException($"Two rates of the machine hold at {_machines[i].From:yyyy-MM-dd}: end the earlier one with 'until'.", nameof(machines));
            }
        }

        _rows = prices.GroupBy(p => (p.Sku, p.Meter)).ToDictionary(g => g.Key, g => g.OrderBy(p => p.From).ToArray());
        foreach (var (key, rows) in _rows)
        {
            for (var i = 1; i < rows.Length; i++)
            {
                if (rows[i - 1].Until is not { } until || until > rows[i].From)
                {
                    throw new ArgumentException(
                        $"Two prices of {key.Sku} / {MeterNames.NameOf(key.Meter)} hold at {rows[i].From:yyyy-MM-dd}: end the earlier one with 'until'.",
                        nameof(prices));
                }
            }
        }
    }

    /// <summary>No provider's prices and the built-in assumption for the machine.</summary>
    public static PriceBook Default { get; } = new([], MachineRate.BuiltInAssumption);

    /// <summary>What local work costs by the latest rate.</summary>
    public MachineRate Machine => _machines[^1];

    /// <summary>Every rate of the machine, oldest first.</summary>
    public IReadOnlyList<MachineRate> Machines => _machines;

    /// <summary>The machine's rate at <paramref name="at"/>, or null when none is known.</summary>
    public MachineRate? MachineAt(DateTimeOffset at) => Array.FindLast(_machines, m => m.HoldsAt(at));

    /// <summary>Every row, in order of product, meter and time.</summary>
    public IEnumerable<Price> Prices => _rows.OrderBy(p => p.Key.Sku, StringComparer.Ordinal).ThenBy(p => p.Key.Meter).SelectMany(p => p.Value);

    /// <summary>
    /// Reads the section <c>prices</c>: <c>machine</c> (either <c>core_hour</c>, or what the machine cost and costs) and <c>rows</c> (one product and
    /// interval each, with a price per meter).
    /// </summary>
    /// <param name="section">The section; null = no prices, and the assumption for the machine.</param>
    /// <param name="currency">The currency of the assumed machine rate when the section states none: that of the project's budgets. Default CNY.</param>
    public static PriceBookResult FromJson(System.Text.Json.Nodes.JsonObject? section, string currency = "CNY") =>
        PriceBookReader.Read(section, MachineRate.AssumedIn(currency) ?? MachineRate.BuiltInAssumption);

    /// <summary>The row valid at <paramref name="at"/>, or null when the price is unknown.</summary>
    public Price? Find(string sku, Meter meter, DateTimeOffset at) =>
        _rows.TryGetValue((sku, meter), out var rows) ? Array.FindLast(rows, r => r.HoldsAt(at)) : null;

    /// <summary>
    /// Prices a reading. Core and GPU time are priced by the machine's rate whatever the product is called; tokens of local work are paid by
    /// that time, and an answer from the response cache costs nothing.
    /// </summary>
    public Charge Charge(string sku, MeterReading reading, DateTimeOffset at)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(reading.Amount);
        var missing = reading.Source == MeterSource.Missing;
        if (reading.Meter is Meter.CoreMicroseconds or Meter.GpuMicroseconds)
        {
            var machine = MachineAt(at);
            var hour = reading.Meter == Meter.CoreMicroseconds ? machine?.CoreHour : machine?.GpuHour;
            return new Charge(
                reading.Meter, reading.Amount, reading.Source, MachineRate.Sku,
                hour is { } h && !missing ? Money.ForQuantity(reading.Amount, h.NanoUnits, MachineRate.MicrosecondsPerHour, h.Currency) : null,
                hour is null ? null : machine!.Basis, hour is not null && machine!.Assumed, hour?.NanoUnits, hour is null ? null : MachineRate.MicrosecondsPerHour);
        }

        if (reading.Meter == Meter.ReusedTokens)
        {
            return new Charge(reading.Meter, reading.Amount, reading.Source, sku, missing ? null : Money.Zero(Machine.CoreHour.Currency), "answered from the cache", false, 0, 1);
        }

        if (sku == MachineRate.Sku && MeterNames.CountsTokens(reading.Meter))
        {
            return new Charge(reading.Meter, reading.Amount, reading.Source, sku, missing ? null : Money.Zero(Machine.CoreHour.Currency), "paid by machine time", false, 0, 1);
        }

        var price = Find(sku, reading.Meter, at);
        return new Charge(
            reading.Meter, reading.Amount, reading.Source, sku, missing ? null : price?.For(reading.Amount), price?.Source, false, price?.NanoUnits, price?.Per);
    }

    /// <summary>Prices several readings of one product.</summary>
    public IReadOnlyList<Charge> Charge(string sku, IEnumerable<MeterReading> readings, DateTimeOffset at) =>
        [.. readings.Select(r => Charge(sku, r, at))];

    /// <summary>
    /// The most that a request can cost: every prompt token at the dearest way in which a prompt token can be booked, every output token at
    /// the dearest way of output. Null when input or output has no price.
    /// </summary>
    public Money? WorstCase(string sku, long inputTokens, long outputTokens, DateTimeOffset at)
    {
        if (Find(sku, Meter.UncachedInput, at) is not { } input || Find(sku, Meter.TextOutput, at) is not { } output || input.Currency != output.Currency)
        {
            return null;
        }

        var most = Dearest([Meter.CacheRead, Meter.CacheWriteShort, Meter.CacheWriteLong], input, inputTokens)
            + Dearest([Meter.ReasoningOutput], output, outputTokens);
        // Each meter of a settled request is rounded on its own; half a nano-unit each for at most six of them.
        return most + new Money(3, most.Currency);

        Money Dearest(Meter[] others, Price first, long tokens) => others
            .Select(m => Find(sku, m, at)).Where(p => p is not null && p.Currency == first.Currency).Select(p => p!.For(tokens))
            .Append(first.For(tokens)).Max();
    }
}

/// <summary>A price book, or all reasons why the section is not one.</summary>
/// <param name="Book">The book; null when there are faults.</param>
/// <param name="Faults">Each names the key, the value seen and what is expected.</param>
public sealed record PriceBookResult(PriceBook? Book, IReadOnlyList<string> Faults);
