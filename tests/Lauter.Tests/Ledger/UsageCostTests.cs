using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Ledger;

namespace Lauter.Tests.Ledger;

/// <summary>Numeric cases in which other systems were reported to compute a wrong cost.</summary>
public sealed class UsageCostTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly PriceBook Book = PriceBook.FromJson(JsonNode.Parse("""
        { "rows": [
          { "sku": "sonnet", "currency": "USD", "input": 3, "cache_write": 3.75, "cache_write_long": 6, "cache_read": 0.30, "output": 15, "source": "list" },
          { "sku": "mini", "currency": "USD", "input": 0.80, "cache_read": 0.08, "output": 4.00, "reasoning": 4.00 } ] }
        """)!.AsObject()).Book!;

    [Fact]
    public void FromAnthropic_CacheWrites_AreBilledOnce()
    {
        var usage = Anthropic("""{"input_tokens":3,"cache_creation_input_tokens":12304,"cache_read_input_tokens":0,"output_tokens":550}""");

        var total = Charge.Total(Book.Charge("sonnet", usage.Readings, At));

        Assert.Equal(new Money(54_399_000, "USD"), total); // 0.054399; counting the writes as input too gives 0.091311
        Assert.Equal(12_307, usage.InputTokens);
    }

    [Fact]
    public void FromOpenAi_CachedStream_KeepsTheSplit()
    {
        var usage = OpenAi("""{"prompt_tokens":2459,"completion_tokens":23,"total_tokens":2482,"prompt_tokens_details":{"cached_tokens":2455}}""");

        var total = Charge.Total(Book.Charge("mini", usage.Readings, At));

        // 4 × 0.80 + 2455 × 0.08 + 23 × 4.00 per million = 0.0002916; without the split it is 0.0020592.
        Assert.Equal(new Money(291_600, "USD"), total);
        Assert.Equal(new Money(2_059_200, "USD"), Charge.Total(Book.Charge("mini", [new(Meter.UncachedInput, 2459, MeterSource.Provider), new(Meter.TextOutput, 23, MeterSource.Provider)], At)));
    }

    [Fact]
    public void FromOpenAi_CachedInput_IsPartOfTheTotal()
    {
        var usage = OpenAi("""{"prompt_tokens":17903,"completion_tokens":0,"prompt_tokens_details":{"cached_tokens":17817}}""");

        Assert.Equal(17_903, usage.InputTokens); // adding both gives 35,720
        Assert.Equal(17_903, usage.Readings.Sum(r => r.Amount));
    }

    [Theory]
    [InlineData("""{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":11}}""")]
    [InlineData("""{"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}}""")]
    [InlineData("""{"prompt_tokens":10,"completion_tokens":5,"total_tokens":16}""")]
    public void FromOpenAi_Contradiction_IsNamedAndPricedByTotals(string json)
    {
        var usage = OpenAi(json);

        Assert.NotNull(usage.Fault);
        Assert.Equal(15, usage.Readings.Sum(r => r.Amount));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"prompt_tokens":-1}""")]
    [InlineData("""{"prompt_tokens":"7"}""")]
    [InlineData("[1]")]
    public void FromOpenAi_NoCount_IsMissingNotZero(string json)
    {
        Assert.Null(ProviderUsage.FromOpenAi(JsonElement.Parse(json), MeterSource.Provider));
        Assert.Null(Charge.Total(Book.Charge("mini", ProviderUsage.Missing.Readings, At)));
        Assert.All(Book.Charge("mini", ProviderUsage.Missing.Readings, At), c => Assert.Null(c.Amount));
    }

    [Fact]
    public void FromOpenAi_ZeroTokens_CostNothingAndAreKnown() =>
        Assert.Equal(Money.Zero("USD"), Charge.Total(Book.Charge("mini", OpenAi("""{"prompt_tokens":0,"completion_tokens":0}""").Readings, At)));

    [Fact]
    public void Normalise_AnyUsage_IsDisjointAndSumsToTheTotal() =>
        Gen.Select(Gen.Int[0, 100_000], Gen.Int[0, 100_000], Gen.Int[0, 100_000], Gen.Int[0, 100_000], Gen.Int[0, 100_000]).Sample((input, read, write, text, reasoning) =>
        {
            var prompt = (long)input + read + write;
            var completion = (long)text + reasoning;
            var openAi = OpenAi($$$"""{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{completion}}},"total_tokens":{{{prompt + completion}}},"prompt_tokens_details":{"cached_tokens":{{{read}}},"cache_write_tokens":{{{write}}}},"completion_tokens_details":{"reasoning_tokens":{{{reasoning}}}}}""");
            var anthropic = Anthropic($$"""{"input_tokens":{{input}},"cache_creation_input_tokens":{{write}},"cache_read_input_tokens":{{read}},"output_tokens":{{completion}}}""");

            Assert.Null(openAi.Fault);
            Assert.Equal(prompt + completion, openAi.Readings.Sum(r => r.Amount));
            Assert.Equal(openAi.Readings.Count, openAi.Readings.Select(r => r.Meter).Distinct().Count());
            Assert.Equal(prompt + completion, anthropic.Readings.Sum(r => r.Amount));
            // Both conventions describe the same use: the input side costs the same.
            Assert.Equal(InputCost(openAi), InputCost(anthropic));
            var worst = Book.WorstCase("sonnet", prompt, completion, At)!.Value;
            Assert.True(Charge.Total(Book.Charge("sonnet", anthropic.Readings, At)) <= worst);
        }, iter: 2_000);

    private static Money? InputCost(ProviderUsage usage) => Charge.Total(Book.Charge(
        "sonnet", usage.Readings.Where(r => r.Meter is Meter.UncachedInput or Meter.CacheRead or Meter.CacheWriteShort), At));

    private static ProviderUsage OpenAi(string json) => ProviderUsage.FromOpenAi(JsonElement.Parse(json), MeterSource.Provider)!;

    private static ProviderUsage Anthropic(string json) => ProviderUsage.FromAnthropic(JsonElement.Parse(json), MeterSource.Provider)!;
}
