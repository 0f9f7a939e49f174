using CsCheck;
using Lauter.Ledger;

namespace Lauter.Tests.Ledger;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("200 CNY", 200_000_000_000, "CNY")]
    [InlineData("0.000000001 USD", 1, "USD")]
    [InlineData("-3.5 EUR", -3_500_000_000, "EUR")]
    public void TryParse_Amount_IsExact(string text, long nanos, string currency)
    {
        Assert.True(Money.TryParse(text, out var money));
        Assert.Equal(new Money(nanos, currency), money);
    }

    [Theory]
    [InlineData("")]
    [InlineData("200")]
    [InlineData("CNY 200")]
    [InlineData("1e3 CNY")]
    [InlineData("0.0000000001 USD")]
    [InlineData("99999999999 USD")]
    [InlineData("1 usd")]
    public void TryParse_OtherForm_IsRefused(string text) => Assert.False(Money.TryParse(text, out _));

    [Fact]
    public void ToString_AnyAmount_ReadsBackTheSame() =>
        Gen.Long[-long.MaxValue, long.MaxValue].Sample(nanos => Assert.Equal(new Money(nanos, "CNY"), Money.Parse(new Money(nanos, "CNY").ToString())), iter: 2_000);

    [Theory]
    [InlineData(1, 1, 2, 0)] // 0.5 → 0 (even)
    [InlineData(3, 1, 2, 2)] // 1.5 → 2
    [InlineData(5, 1, 2, 2)] // 2.5 → 2
    [InlineData(2, 1, 3, 1)] // 0.67 → 1
    [InlineData(12304, 3_750_000_000, 1_000_000, 46_140_000)]
    public void ForQuantity_HalfWay_RoundsToEven(long quantity, long nanos, long per, long expected) =>
        Assert.Equal(expected, Money.ForQuantity(quantity, nanos, per, "USD").NanoUnits);

    [Fact]
    public void ForQuantity_AnyInput_AgreesWithBigIntegers() =>
        Gen.Select(Gen.Long[0, 10_000_000_000], Gen.Long[0, 100_000_000_000], Gen.Long[1, 5_000_000_000]).Sample((quantity, nanos, per) =>
        {
            var product = (System.Numerics.BigInteger)quantity * nanos;
            var floor = product / per;
            var twice = (product - (floor * per)) * 2;
            var expected = twice > per || (twice == per && !floor.IsEven) ? floor + 1 : floor;
            if (expected <= long.MaxValue)
            {
                Assert.Equal((long)expected, Money.ForQuantity(quantity, nanos, per, "USD").NanoUnits);
            }
            else
            {
                Assert.Throws<OverflowException>(() => Money.ForQuantity(quantity, nanos, per, "USD"));
            }
        }, iter: 5_000);

    [Fact]
    public void Add_DifferentCurrencies_Throws() =>
        Assert.Throws<InvalidOperationException>(() => new Money(1, "CNY") + new Money(1, "USD"));

    [Fact]
    public void MeterNames_Stored_AreFrozen() =>
        Assert.Equal(
            "input=1 cache_read=2 cache_write=3 cache_write_long=4 output=5 reasoning=6 embedding=7 core_microseconds=8 gpu_microseconds=9 storage_mebibyte_hours=10 person_seconds=11 reused=12 invoice_difference=13",
            string.Join(' ', Enum.GetValues<Meter>().Select(m => $"{MeterNames.NameOf(m)}={(int)m}")));
}
