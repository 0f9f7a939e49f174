using System.Globalization;
using System.Text;

namespace Lauter.Traces.Export;

/// <summary>
/// Traces summed up in the Prometheus text format, for a file collector or a report: <c>gen_ai_client_token_usage</c> and
/// <c>gen_ai_client_operation_duration_seconds</c> with the buckets of the GenAI conventions, <c>lauter_requests_total</c>,
/// <c>lauter_cost_nano_units_total</c> and <c>lauter_cost_unknown_total</c>.
/// </summary>
public static class TracePrometheus
{
    /// <summary>Powers of four from 1 to 67,108,864, as the conventions state them for tokens.</summary>
    private static readonly double[] TokenBounds = [.. Enumerable.Range(0, 14).Select(n => Math.Pow(4, n))];

    /// <summary>0.01 s doubling to 81.92 s, as the conventions state them for durations.</summary>
    private static readonly double[] SecondBounds = [.. Enumerable.Range(0, 14).Select(n => 0.01 * Math.Pow(2, n))];

    /// <summary>The whole text.</summary>
    public static string Render(IEnumerable<TraceRecord> traces)
    {
        var tokens = new SortedDictionary<string, Histogram>(StringComparer.Ordinal);
        var durations = new SortedDictionary<string, Histogram>(StringComparer.Ordinal);
        var counters = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var trace in traces)
        {
            var application = $"application=\"{Escape(trace.Application)}\"";
            Count($"lauter_requests_total{{{application},outcome=\"{trace.Outcome.ToString().ToLowerInvariant()}\"}}", 1);
            if (trace.Cost is { } cost)
            {
                Count($"lauter_cost_nano_units_total{{{application},currency=\"{cost.Currency}\"}}", cost.NanoUnits);
            }
            else if (trace.Charges.Count > 0)
            {
                Count($"lauter_cost_unknown_total{{{application}}}", 1);
            }

            Observe(durations, application, SecondBounds, trace.Duration.TotalSeconds);
            if (TokenCount.Input(trace) is { } input)
            {
                Observe(tokens, $"{application},gen_ai_token_type=\"input\"", TokenBounds, input);
            }

            if (TokenCount.Output(trace) is { } output)
            {
                Observe(tokens, $"{application},gen_ai_token_type=\"output\"", TokenBounds, output);
            }
        }

        var text = new StringBuilder();
        foreach (var family in counters.GroupBy(c => c.Key[..c.Key.IndexOf('{')], StringComparer.Ordinal))
        {
            text.Append("# TYPE ").Append(family.Key).Append(" counter\n");
            foreach (var (name, value) in family)
            {
                text.Append(name).Append(' ').Append(value).Append('\n');
            }
        }

        Render(text, "gen_ai_client_operation_duration_seconds", durations);
        Render(text, "gen_ai_client_token_usage", tokens);
        return text.ToString();

        void Count(string name, long value) => counters[name] = counters.GetValueOrDefault(name) + value;

        static void Observe(SortedDictionary<string, Histogram> of, string labels, double[] bounds, double value)
        {
            if (!of.TryGetValue(labels, out var histogram))
            {
                of[labels] = histogram = new Histogram(bounds);
            }

            histogram.Add(value);
        }
    }

    private static void Render(StringBuilder text, string name, SortedDictionary<string, Histogram> histograms)
    {
        if (histograms.Count > 0)
        {
            text.Append("# TYPE ").Append(name).Append(" histogram\n");
        }

        foreach (var (labels, histogram) in histograms)
        {
            histogram.Render(text, name, labels);
        }
    }

    private static string Escape(string label) => label.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");

    private sealed class Histogram(double[] bounds)
    {
        private readonly long[] _buckets = new long[bounds.Length + 1];
        private double _sum;

        public void Add(double value)
        {
            var index = Array.FindIndex(bounds, b => value <= b);
            _buckets[index < 0 ? bounds.Length : index]++;
            _sum += value;
        }

        public void Render(StringBuilder text, string name, string labels)
        {
            var total = 0L;
            for (var i = 0; i <= bounds.Length; i++)
            {
                total += _buckets[i];
                var bound = i == bounds.Length ? "+Inf" : bounds[i].ToString(CultureInfo.InvariantCulture);
                text.Append(name).Append("_bucket{").Append(labels).Append(",le=\"").Append(bound).Append("\"} ").Append(total).Append('\n');
            }

            text.Append(name).Append("_sum{").Append(labels).Append("} ").Append(_sum.ToString("R", CultureInfo.InvariantCulture)).Append('\n')
                .Append(name).Append("_count{").Append(labels).Append("} ").Append(total).Append('\n');
        }
    }
}
