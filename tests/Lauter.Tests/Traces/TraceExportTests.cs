using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lauter.Ledger;
using Lauter.Traces;
using Lauter.Traces.Export;
using Parquet;

namespace Lauter.Tests.Traces;

public sealed partial class TraceExportTests
{
    private static readonly TraceRecord Answered = TraceTestData.Trace(1) with
    {
        Model = "gpt-x", TimeToFirst = TimeSpan.FromMilliseconds(12.5), Stream = true, CreditAccount = LedgerAccounts.Provider("acme"), User = "u",
        Charges =
        [
            new Charge(Meter.UncachedInput, 4, MeterSource.StreamEnd, "m", new Money(12, "USD")), new Charge(Meter.CacheRead, 2_455, MeterSource.StreamEnd, "m", new Money(700, "USD")),
            new Charge(Meter.TextOutput, 20, MeterSource.StreamEnd, "m", new Money(80, "USD")), new Charge(Meter.ReasoningOutput, 3, MeterSource.StreamEnd, "m", new Money(12, "USD")),
        ],
    };

    private static readonly TraceRecord Failed = TraceTestData.Trace(2, outcome: TraceOutcome.Failed) with
    {
        ErrorCode = "provider_failed", Status = 502, FinishReason = null,
        Charges = [new Charge(Meter.UncachedInput, 0, MeterSource.Missing, "m", null), new Charge(Meter.TextOutput, 0, MeterSource.Missing, "m", null)],
    };

    [Fact]
    public void Otlp_Span_HasTheNamesOfTheConventionsAndNoInventedZero()
    {
        using var output = new MemoryStream();
        TraceOtlp.Write([Answered, Failed], id => id == Answered.Id ? [TraceTestData.Feedback(id, 1, rating: -1)] : [], output, "helpdesk");
        var spans = JsonElement.Parse(Encoding.UTF8.GetString(output.ToArray()).TrimEnd()).GetProperty("resourceSpans")[0].GetProperty("scopeSpans")[0].GetProperty("spans");

        var span = spans[0];
        Assert.Matches("^[0-9a-f]{32}$", span.GetProperty("traceId").GetString());
        Assert.Matches("^[0-9a-f]{16}$", span.GetProperty("spanId").GetString());
        Assert.Equal(("chat triage", 3), (span.GetProperty("name").GetString(), span.GetProperty("kind").GetInt32()));
        Assert.Equal(((Answered.Started - DateTimeOffset.UnixEpoch).Ticks * 100).ToString(), span.GetProperty("startTimeUnixNano").GetString());
        var attributes = Attributes(span);
        Assert.Equal("2459", attributes["gen_ai.usage.input_tokens"]); // cached ones included
        Assert.Equal("2455", attributes["gen_ai.usage.cache_read.input_tokens"]);
        Assert.Equal("23", attributes["gen_ai.usage.output_tokens"]); // reasoning included
        Assert.Equal("3", attributes["gen_ai.usage.reasoning.output_tokens"]);
        Assert.Equal(("chat", "acme", "triage", "gpt-x", "0.0125"), (attributes["gen_ai.operation.name"], attributes["gen_ai.provider.name"], attributes["gen_ai.request.model"], attributes["gen_ai.response.model"], attributes["gen_ai.response.time_to_first_chunk"]));
        Assert.DoesNotContain("gen_ai.input.messages", attributes.Keys);
        Assert.DoesNotContain("error.type", attributes.Keys);
        Assert.Equal("gen_ai.evaluation.result", span.GetProperty("events")[0].GetProperty("name").GetString());

        var failed = Attributes(spans[1]);
        Assert.Equal("provider_failed", failed["error.type"]);
        Assert.Equal(2, spans[1].GetProperty("status").GetProperty("code").GetInt32());
        Assert.DoesNotContain("gen_ai.usage.input_tokens", failed.Keys);
        Assert.DoesNotContain("lauter.cost.nano_units", failed.Keys);
    }

    [Fact]
    public async Task Parquet_Rows_ComeBackWithNullForUnknown()
    {
        using var output = new MemoryStream();
        Assert.Equal(2, await TraceParquet.WriteAsync([Answered, Failed], output, cancellationToken: TestContext.Current.CancellationToken));
        output.Position = 0;
        await using var reader = await ParquetReader.CreateAsync(output, cancellationToken: TestContext.Current.CancellationToken);
        using var group = reader.OpenRowGroupReader(0);
        var (ids, input, cost, request) = (new string?[2], new long?[2], new long?[2], new string?[2]);
        await group.ReadAsync(reader.Schema.FindDataField("id"), ids.AsMemory());
        await group.ReadAsync<long>(reader.Schema.FindDataField("input_tokens"), input.AsMemory());
        await group.ReadAsync<long>(reader.Schema.FindDataField("cost_nano_units"), cost.AsMemory());
        await group.ReadAsync(reader.Schema.FindDataField("request"), request.AsMemory());

        Assert.Equal([Answered.Id.ToString("N"), Failed.Id.ToString("N")], ids);
        Assert.Equal([2_459, null], input);
        Assert.Equal([804, null], cost);
        Assert.Equal([Answered.Request, Failed.Request], request);
    }

    [Fact]
    public void JsonLines_WithoutTexts_HoldNone()
    {
        using var output = new MemoryStream();
        TraceJsonLines.Write([Answered, Failed], output, texts: false);
        var lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(2, lines.Length);
        Assert.All(lines, l => Assert.DoesNotContain("问", l, StringComparison.Ordinal));
        Assert.Equal(Answered.Id, JsonElement.Parse(lines[0]).GetProperty("id").GetGuid());
    }

    [Fact]
    public void Prometheus_Text_IsWellFormedAndAddsUp()
    {
        var text = TracePrometheus.Render([Answered, Failed, Answered with { Application = "a\"b\\c\nd" }]);

        Assert.All(text.Split('\n', StringSplitOptions.RemoveEmptyEntries), l => Assert.Matches(Line(), l));
        Assert.Contains("lauter_requests_total{application=\"triage\",outcome=\"failed\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("lauter_cost_unknown_total{application=\"triage\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("lauter_cost_nano_units_total{application=\"triage\",currency=\"USD\"} 804\n", text, StringComparison.Ordinal);
        Assert.Contains("gen_ai_client_token_usage_bucket{application=\"triage\",gen_ai_token_type=\"input\",le=\"4096\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("gen_ai_client_token_usage_sum{application=\"triage\",gen_ai_token_type=\"input\"} 2459\n", text, StringComparison.Ordinal);
        Assert.Contains("gen_ai_client_operation_duration_seconds_count{application=\"triage\"} 2\n", text, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Attributes(JsonElement span) => span.GetProperty("attributes").EnumerateArray()
        .ToDictionary(a => a.GetProperty("key").GetString()!, a => a.GetProperty("value").EnumerateObject().Single().Value.ToString());

    [GeneratedRegex("""^(# TYPE [a-z_]+ (counter|histogram)|[a-z_]+\{([a-z_]+="([^"\\]|\\["\\n])*",?)+\} [0-9.e+-]+)$""")]
    private static partial Regex Line();
}
