using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Ledger;

namespace Lauter.Tests.Ledger;

/// <summary>The same use, told in every way in which servers tell it, is the same meters and the same money.</summary>
public sealed class UsageConventionTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly PriceBook Book = PriceBook.FromJson(JsonNode.Parse("""
        { "rows": [ { "sku": "m", "currency": "USD", "input": 3, "cache_write": 3.75, "cache_write_long": 6, "cache_read": 0.30, "output": 15, "reasoning": 15, "embedding": 0.02 } ] }
        """)!.AsObject()).Book!;

    private static readonly Gen<(int Input, int Read, int Write, int Text, int Reasoning)> Uses =
        Gen.Select(Gen.Int[0, 100_000], Gen.Int[0, 100_000], Gen.Int[0, 100_000], Gen.Int[0, 100_000], Gen.Int[0, 100_000]);

    [Fact]
    public void From_EveryConvention_GivesTheSameMetersAndCost() => Uses.Sample(u =>
    {
        var (prompt, completion) = ((long)u.Input + u.Read + u.Write, (long)u.Text + u.Reasoning);
        ProviderUsage[] told =
        [
            // OpenAI chat
            From($$$"""{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{completion}}},"total_tokens":{{{prompt + completion}}},"prompt_tokens_details":{"cached_tokens":{{{u.Read}}},"cache_write_tokens":{{{u.Write}}}},"completion_tokens_details":{"reasoning_tokens":{{{u.Reasoning}}}}}"""),
            // OpenAI responses: Anthropic's names, OpenAI's meaning
            From($$$"""{"input_tokens":{{{prompt}}},"output_tokens":{{{completion}}},"total_tokens":{{{prompt + completion}}},"input_tokens_details":{"cached_tokens":{{{u.Read}}},"cache_write_tokens":{{{u.Write}}}},"output_tokens_details":{"reasoning_tokens":{{{u.Reasoning}}}}}"""),
            // reasoning beside the completion, in the total only
            From($$$"""{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{u.Text}}},"total_tokens":{{{prompt + completion}}},"prompt_tokens_details":{"cached_tokens":{{{u.Read}}},"cache_write_tokens":{{{u.Write}}}},"completion_tokens_details":{"reasoning_tokens":{{{u.Reasoning}}}}}"""),
            // a translating proxy whose prompt includes the cache counts
            From($$$"""{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{completion}}},"total_tokens":{{{prompt + completion}}},"cache_read_input_tokens":{{{u.Read}}},"cache_creation_input_tokens":{{{u.Write}}},"completion_tokens_details":{"reasoning_tokens":{{{u.Reasoning}}}}}"""),
            // a translating proxy whose prompt excludes them
            From($$$"""{"prompt_tokens":{{{u.Input}}},"completion_tokens":{{{completion}}},"total_tokens":{{{prompt + completion}}},"cache_read_input_tokens":{{{u.Read}}},"cache_creation_input_tokens":{{{u.Write}}},"completion_tokens_details":{"reasoning_tokens":{{{u.Reasoning}}}}}"""),
        ];

        foreach (var usage in told)
        {
            Assert.Null(usage.Fault);
            Assert.Equal(prompt + completion, usage.TotalTokens);
            Assert.Equal(usage.TotalTokens, usage.Readings.Sum(r => r.Amount));
            Assert.Equal(usage.Readings.Count, usage.Readings.Select(r => r.Meter).Distinct().Count());
            Assert.Equal(Cost(told[0]), Cost(usage));
        }

        var anthropic = From($$"""{"input_tokens":{{u.Input}},"cache_creation_input_tokens":{{u.Write}},"cache_read_input_tokens":{{u.Read}},"output_tokens":{{completion}}}""");
        Assert.Equal(prompt + completion, anthropic.Readings.Sum(r => r.Amount));
        Assert.Equal(Cost(told[0]), Cost(anthropic)); // text and reasoning have one price here, as with Anthropic
    }, iter: 2_000);

    [Fact]
    public void From_ConventionsMixedUp_WouldCostSeveralTimesAsMuch()
    {
        // 1,000 + 9,000 cached + 1,000 written + 100: a reader that takes the prompt for uncached and adds the cache counts bills 21,000 prompt tokens.
        var right = Cost(From("""{"prompt_tokens":11000,"completion_tokens":100,"total_tokens":11100,"cache_read_input_tokens":9000,"cache_creation_input_tokens":1000}"""));
        var wrong = Cost(ProviderUsage.FromAnthropic(
            JsonElement.Parse("""{"input_tokens":11000,"output_tokens":100,"cache_read_input_tokens":9000,"cache_creation_input_tokens":1000}"""), MeterSource.Provider)!);

        Assert.Equal(new Money((3_000 + 2_700 + 3_750 + 1_500) * 1_000L, "USD"), right);
        Assert.Equal(30_000_000, wrong.NanoUnits - right.NanoUnits); // 10,000 tokens at 3 USD a million: 3.7 times
    }

    [Fact]
    public void ToUsage_RunningTotalsInEveryChunk_AreNotAddedUp()
    {
        var stream = new StreamUsage();
        for (var n = 1; n <= 20; n++)
        {
            stream.Observe(JsonElement.Parse($$"""{"prompt_tokens":500,"completion_tokens":{{n * 10}},"total_tokens":{{500 + (n * 10)}}}"""));
            stream.Observe(JsonElement.Parse("null"));
        }

        Assert.Equal((500, 200), (stream.ToUsage().InputTokens, stream.ToUsage().OutputTokens)); // adding up gives 10,000 and 2,100
    }

    [Fact]
    public void ToUsage_CacheSplitOnlyInTheLastChunk_IsKept()
    {
        var stream = new StreamUsage();
        stream.Observe(JsonElement.Parse("null"));
        stream.Observe(JsonElement.Parse("""{"prompt_tokens":2459,"completion_tokens":23,"total_tokens":2482,"prompt_tokens_details":{"cached_tokens":2455}}"""));

        Assert.Equal(2_455, stream.ToUsage().Readings.Single(r => r.Meter == Meter.CacheRead).Amount);
        Assert.All(stream.ToUsage().Readings, r => Assert.Equal(MeterSource.StreamEnd, r.Source));
    }

    [Fact]
    public void ToUsage_AnthropicStream_MergesStartAndDelta()
    {
        var stream = new StreamUsage();
        stream.Observe(JsonElement.Parse("""{"input_tokens":3,"cache_creation_input_tokens":12304,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":12304,"ephemeral_1h_input_tokens":0},"output_tokens":1}"""));
        stream.Observe(JsonElement.Parse("""{"output_tokens":210}"""));
        stream.Observe(JsonElement.Parse("""{"output_tokens":550}"""));

        Assert.Equal(new Money(54_399_000, "USD"), Cost(stream.ToUsage()));
    }

    [Fact]
    public void ToUsage_StreamThatNeverSaid_IsMissingNotZero()
    {
        var stream = new StreamUsage();
        stream.Observe(JsonElement.Parse("null"));

        Assert.Same(ProviderUsage.Missing, stream.ToUsage());
        Assert.Null(Charge.Total(Book.Charge("m", stream.ToUsage().Readings, At)));
    }

    [Fact]
    public void From_CostOfTheProvider_IsNotBelieved() =>
        Assert.Equal(
            Cost(From("""{"prompt_tokens":100,"completion_tokens":10}""")), Cost(From("""{"prompt_tokens":100,"completion_tokens":10,"cost":0.95,"cost_details":{"upstream_inference_cost":19}}""")));

    [Fact]
    public void Charge_AnswerFromTheCache_CostsNothingAndIsSeen()
    {
        var charge = Book.Charge("m", new MeterReading(Meter.ReusedTokens, 700, MeterSource.Local), At);

        Assert.Equal(0, charge.Amount!.Value.NanoUnits);
        Assert.Equal(700, charge.Quantity);
    }

    [Fact]
    public void Charge_UsageOfAnUnknownModel_IsUnknownNotZero() =>
        Assert.Null(Charge.Total(Book.Charge("custom-finetune", From("""{"prompt_tokens":100,"completion_tokens":10}""").Readings, At)));

    [Fact]
    public void FromEmbeddings_Prompt_IsWhatWasEmbedded()
    {
        var usage = ProviderUsage.FromEmbeddings(JsonElement.Parse("""{"prompt_tokens":8,"total_tokens":8}"""), MeterSource.Provider)!;

        Assert.Equal([new MeterReading(Meter.EmbeddingInput, 8, MeterSource.Provider)], usage.Readings);
    }

    [Theory]
    [InlineData("""{"input_tokens":3,"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_1h_input_tokens":11},"output_tokens":1}""")]
    [InlineData("""{"input_tokens":3,"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":5},"output_tokens":1}""")]
    [InlineData("""{"prompt_tokens":3,"completion_tokens":4,"total_tokens":8}""")]
    [InlineData("""{"prompt_tokens":3,"completion_tokens":4,"total_tokens":6}""")]
    public void From_TotalThatDoesNotAddUp_IsNamed(string json) => Assert.NotNull(From(json).Fault);

    [Fact]
    public void From_AnyJson_NeverThrowsAndNeverCountsBelowZero() =>
        Gen.OneOf("1", "-1", "1.5", "1e3", "\"7\"", "null", "{}", "[]", "9007199254740993", "99999999999999999999", "true")
            .Array[9].Sample(v =>
            {
                var json = $$$"""{"prompt_tokens":{{{v[0]}}},"completion_tokens":{{{v[1]}}},"total_tokens":{{{v[2]}}},"input_tokens":{{{v[3]}}},"output_tokens":{{{v[4]}}},"cache_read_input_tokens":{{{v[5]}}},"prompt_tokens_details":{"cached_tokens":{{{v[6]}}}},"completion_tokens_details":{{{v[7]}}},"input_tokens_details":{{{v[8]}}}}""";
                var usage = ProviderUsage.From(JsonElement.Parse(json), MeterSource.Provider);

                Assert.True(usage is null || (usage.Readings.All(r => r.Amount >= 0) && usage.Readings.Sum(r => r.Amount) == usage.TotalTokens), json);
            }, iter: 5_000);

    private static Money Cost(ProviderUsage usage) => Charge.Total(Book.Charge("m", usage.Readings, At))!.Value;

    private static ProviderUsage From(string json) => ProviderUsage.From(JsonElement.Parse(json), MeterSource.Provider)!;
}
