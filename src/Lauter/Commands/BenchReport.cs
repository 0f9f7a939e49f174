using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Lauter.Commands;

/// <summary>What an answer must keep to be of use. Null = no limit.</summary>
/// <param name="FirstToken">Seconds to the first token.</param>
/// <param name="Total">Seconds to the end.</param>
/// <param name="Percentile">Share of answers that must keep them for a level of load to hold, above 0 to 1.</param>
internal sealed record BenchLimits(double? FirstToken, double? Total, double Percentile)
{
    public bool Holds(BenchSample sample) => sample.Outcome == "ok" && !(sample.FirstToken > FirstToken) && !(sample.Total > Total);
}

/// <summary>The figures of one level of load.</summary>
/// <param name="Load">The load in words.</param>
/// <param name="Samples">Every request.</param>
/// <param name="Seconds">Wall time from the first request to the last answer.</param>
/// <param name="Limits">What counts as good.</param>
internal sealed record BenchReport(string Load, IReadOnlyList<BenchSample> Samples, double Seconds, BenchLimits Limits)
{
    private static readonly double[] Percentiles = [.5, .9, .95, .99];

    private BenchSample[] Answered { get; } = [.. Samples.Where(sample => sample.Outcome == "ok")];

    /// <summary>Whether enough requests kept the limits.</summary>
    public bool HoldsLimits => Samples.Count(Limits.Holds) >= Limits.Percentile * Samples.Count;

    /// <summary>Answers per second that kept the limits.</summary>
    public double Goodput => Samples.Count(Limits.Holds) / Seconds;

    /// <summary>JSON with times in seconds.</summary>
    /// <param name="pricePerHour">What the machine costs, in any currency; null for no cost.</param>
    public JsonObject ToJson(double? pricePerHour)
    {
        var report = new JsonObject
        {
            ["load"] = Load,
            ["seconds"] = Round(Seconds),
            ["requests"] = Samples.Count,
            ["answered"] = Answered.Length,
            ["outcomes"] = new JsonObject(Samples.GroupBy(sample => sample.Outcome).OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => KeyValuePair.Create(group.Key, (JsonNode?)group.Count()))),
            ["answers_per_second"] = Round(Answered.Length / Seconds),
            ["output_tokens_per_second"] = Rate(sample => sample.CompletionTokens),
            ["input_tokens_per_second"] = Rate(sample => sample.PromptTokens),
            ["cached_share"] = Share(),
            ["first_token_seconds"] = Distribution(Answered.Select(sample => sample.FirstToken)),
            ["inter_token_seconds"] = Distribution(Answered.SelectMany(sample => sample.Gaps)),
            ["total_seconds"] = Distribution(Answered.Select(sample => sample.Total)),
            ["goodput_per_second"] = Round(Goodput),
            ["holds_limits"] = HoldsLimits,
        };
        if (pricePerHour is { } price)
        {
            // The machine is paid for while it waits, too: wall time, not busy time.
            report["cost_per_1000_answers"] = Answered.Length == 0 ? null : Round(price / 3_600 * Seconds / Answered.Length * 1_000);
        }

        return report;
    }

    /// <summary>The same for people.</summary>
    public string ToText(double? pricePerHour)
    {
        var json = ToJson(pricePerHour);
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Load}: {Answered.Length} of {Samples.Count} answered in {Seconds:0.0} s{(HoldsLimits ? "" : ", limits broken")}");
        foreach (var (outcome, count) in json["outcomes"]!.AsObject().Where(item => item.Key != "ok"))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {outcome,-22}{count}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"  {"answers/s",-22}{json["answers_per_second"]}   goodput {json["goodput_per_second"]}");
        text.AppendLine(CultureInfo.InvariantCulture, $"  {"tokens/s",-22}out {json["output_tokens_per_second"]?.ToString() ?? "unknown"}   in {json["input_tokens_per_second"]?.ToString() ?? "unknown"}   cached {json["cached_share"]?.ToString() ?? "unknown"}");
        foreach (var (name, key) in new[] { ("first token", "first_token_seconds"), ("inter-token", "inter_token_seconds"), ("whole answer", "total_seconds") })
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {name,-22}{string.Join("   ", json[key] is JsonObject times ? times.Select(item => $"{item.Key} {Milliseconds(item.Value)}") : ["none"])}");
        }

        if (json["cost_per_1000_answers"] is { } cost)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {"cost of 1,000 answers",-22}{cost}");
        }

        return text.ToString();
    }

    private static string Milliseconds(JsonNode? seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds!.GetValue<double>() * 1_000:0.0} ms");

    private static double Round(double value) => Math.Round(value, 6);

    /// <summary>Null when a server did not say: an unknown rate is not 0.</summary>
    private double? Rate(Func<BenchSample, int?> tokens) => Answered.Length > 0 && Answered.All(sample => tokens(sample) is not null) ? Round(Answered.Sum(sample => tokens(sample)!.Value) / Seconds) : null;

    private double? Share() => Answered.Length > 0 && Answered.All(sample => sample is { CachedTokens: not null, PromptTokens: > 0 })
        ? Round((double)Answered.Sum(sample => sample.CachedTokens!.Value) / Answered.Sum(sample => sample.PromptTokens!.Value))
        : null;

    private static JsonObject? Distribution(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        if (sorted.Length == 0)
        {
            return null;
        }

        var distribution = new JsonObject { ["mean"] = Round(sorted.Average()) };
        foreach (var percentile in Percentiles)
        {
            distribution[$"p{percentile * 100:0}"] = Round(sorted[Math.Clamp((int)Math.Ceiling(percentile * sorted.Length) - 1, 0, sorted.Length - 1)]);
        }

        distribution["most"] = Round(sorted[^1]);
        return distribution;
    }
}
