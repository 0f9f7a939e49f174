using System.Globalization;
using System.Text.Json.Serialization;

namespace Lauter.Ledger;

/// <summary>
/// An amount of one currency as a 64-bit count of 10⁻⁹ units: integers add up exactly, binary fractions do not. Arithmetic is checked:
/// an overflow throws instead of wrapping. The range is about ±9.2 billion units.
/// </summary>
/// <param name="NanoUnits">Billionths of one currency unit.</param>
/// <param name="Currency">Three upper-case letters, for example <c>CNY</c>.</param>
public readonly record struct Money(long NanoUnits, string Currency) : IComparable<Money>
{
    /// <summary>Nano-units in one unit of currency.</summary>
    public const long NanosPerUnit = 1_000_000_000;

    /// <summary>Nothing, in <paramref name="currency"/>.</summary>
    public static Money Zero(string currency) => new(0, currency);

    /// <summary>The sum of two amounts of one currency.</summary>
    /// <exception cref="InvalidOperationException">The currencies differ.</exception>
    public static Money operator +(Money left, Money right) => new(checked(left.NanoUnits + Same(left, right).NanoUnits), left.Currency);

    /// <summary>The difference of two amounts of one currency.</summary>
    /// <exception cref="InvalidOperationException">The currencies differ.</exception>
    public static Money operator -(Money left, Money right) => new(checked(left.NanoUnits - Same(left, right).NanoUnits), left.Currency);

    /// <summary>The amount with the opposite sign.</summary>
    public static Money operator -(Money value) => new(checked(-value.NanoUnits), value.Currency);

    /// <summary>True when the left amount is smaller; both must be of one currency.</summary>
    public static bool operator <(Money left, Money right) => left.CompareTo(right) < 0;

    /// <summary>True when the left amount is larger; both must be of one currency.</summary>
    public static bool operator >(Money left, Money right) => left.CompareTo(right) > 0;

    /// <summary>True when the left amount is smaller or equal; both must be of one currency.</summary>
    public static bool operator <=(Money left, Money right) => left.CompareTo(right) <= 0;

    /// <summary>True when the left amount is larger or equal; both must be of one currency.</summary>
    public static bool operator >=(Money left, Money right) => left.CompareTo(right) >= 0;

    /// <inheritdoc/>
    public int CompareTo(Money other) => NanoUnits.CompareTo(Same(this, other).NanoUnits);

    /// <summary>
    /// <paramref name="quantity"/> × <paramref name="nanoUnits"/> ÷ <paramref name="per"/>, computed in 128 bits and rounded once, half to
    /// even, to a whole nano-unit.
    /// </summary>
    /// <exception cref="OverflowException">The result does not fit.</exception>
    public static Money ForQuantity(long quantity, long nanoUnits, long per, string currency)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quantity);
        ArgumentOutOfRangeException.ThrowIfNegative(nanoUnits);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(per);
        var (whole, rest) = Int128.DivRem((Int128)quantity * nanoUnits, per);
        var twice = rest * 2;
        if (twice > per || (twice == per && !Int128.IsEvenInteger(whole)))
        {
            whole++;
        }

        return new Money(checked((long)whole), currency);
    }

    /// <summary>The amount of <paramref name="units"/> whole and decimal units.</summary>
    /// <exception cref="ArgumentException">More than nine decimal places.</exception>
    public static Money FromUnits(decimal units, string currency)
    {
        var nanos = units * NanosPerUnit;
        return nanos == decimal.Truncate(nanos)
            ? new Money(checked((long)nanos), currency)
            : throw new ArgumentException($"{units} {currency} has more than nine decimal places.", nameof(units));
    }

    /// <summary>Reads <c>200 CNY</c> or <c>0.15 USD</c>: a decimal with at most nine places and a currency of three capital letters.</summary>
    public static bool TryParse(string? text, out Money money)
    {
        money = default;
        var parts = (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts.Length != 2 || !IsCurrency(parts[1])
            || !decimal.TryParse(parts[0], NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var units)
            || Math.Abs(units) > (decimal)long.MaxValue / NanosPerUnit
            || decimal.Truncate(units * NanosPerUnit) != units * NanosPerUnit)
        {
            return false;
        }

        money = FromUnits(units, parts[1]);
        return true;
    }

    /// <summary>Reads <c>200 CNY</c>.</summary>
    /// <exception cref="FormatException">The text has another form.</exception>
    public static Money Parse(string? text) =>
        TryParse(text, out var money) ? money : throw new FormatException($"'{text}' is not an amount: write a number and a currency, for example '200 CNY'.");

    /// <summary>True for three upper-case ASCII letters.</summary>
    public static bool IsCurrency(string? text) => text is { Length: 3 } && text.All(char.IsAsciiLetterUpper);

    /// <summary>The exact amount in units: nine decimal places fit a <see cref="decimal"/> without rounding.</summary>
    [JsonIgnore]
    public decimal Units => (decimal)NanoUnits / NanosPerUnit;

    /// <summary>The exact amount, at least two decimal places, for example <c>0.054399 USD</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Units:0.00#######} {Currency}");

    private static Money Same(Money left, Money right) =>
        string.Equals(left.Currency, right.Currency, StringComparison.Ordinal)
            ? right
            : throw new InvalidOperationException($"{left} and {right} are amounts of different currencies: keep them apart.");
}
