using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Lauter.Ledger;
using Lauter.Traces;

namespace Lauter.Gateway;

/// <summary>
/// Counters in the Prometheus text format. The names: <c>lauter_requests_total{application,outcome}</c>,
/// <c>lauter_usage_total{application,meter}</c>, <c>lauter_cost_nano_units_total{application,currency}</c>,
/// <c>lauter_request_duration_seconds{application}</c> (histogram), <c>lauter_requests_in_flight</c>.
/// </summary>
internal sealed class GatewayMetrics
{
    private static readonly double[] Bounds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    private readonly ConcurrentDictionary<(string Name, string Labels), long> _counters = new();
    private readonly ConcurrentDictionary<string, Histogram> _durations = new(StringComparer.Ordinal);
    private long _inFlight;

    public long InFlight => Interlocked.Read(ref _inFlight);

    public long Enter() => Interlocked.Increment(ref _inFlight);

    public void Leave() => Interlocked.Decrement(ref _inFlight);

    public void Count(TraceRecord record)
    {
        var application = $"application=\"{Escape(record.Application)}\"";
        Add("lauter_requests_total", $"{application},outcome=\"{record.Outcome.ToString().ToLowerInvariant()}\"", 1);
        foreach (var charge in record.Charges)
        {
            Add("lauter_usage_total", $"{application},meter=\"{MeterNames.NameOf(charge.Meter)}\"", charge.Quantity);
            if (charge.Amount is { } amount)
            {
                Add("lauter_cost_nano_units_total", $"{application},currency=\"{amount.Currency}\"", amount.NanoUnits);
            }
        }

        _durations.GetOrAdd(application, _ => new Histogram()).Add(record.Duration.TotalSeconds);
    }

    /// <summary>An answer of the first model of a cascade was kept or not: <c>lauter_cascade_total{application,kept}</c>.</summary>
    public void CountCascade(string application, bool kept) =>
        Add("lauter_cascade_total", $"application=\"{Escape(application)}\",kept=\"{(kept ? "true" : "false")}\"", 1);

    /// <summary>An answer was given from the cache: <c>lauter_cache_hits_total{application}</c>.</summary>
    public void CountHit(string application) => Add("lauter_cache_hits_total", $"application=\"{Escape(application)}\"", 1);

    /// <summary>
    /// An answer was given by likeness, or would have been and was checked: <c>lauter_semantic_cache_total{application,result}</c> with given, right, wrong.
    /// wrong / (right + wrong) is the rate over everything that was compared, below the threshold too.
    /// </summary>
    public void CountSemantic(string application, string result) => Add("lauter_semantic_cache_total", $"application=\"{Escape(application)}\",result=\"{result}\"", 1);

    public string Render()
    {
        var text = new StringBuilder();
        foreach (var family in _counters.GroupBy(c => c.Key.Name, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Append("# TYPE ").Append(family.Key).Append(" counter\n");
            foreach (var ((name, labels), value) in family.OrderBy(c => c.Key.Labels, StringComparer.Ordinal))
            {
                text.Append(name).Append('{').Append(labels).Append("} ").Append(value).Append('\n');
            }
        }

        text.Append("# TYPE lauter_request_duration_seconds histogram\n");
        foreach (var (labels, histogram) in _durations.OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            histogram.Render(text, labels);
        }

        return text.Append("# TYPE lauter_requests_in_flight gauge\nlauter_requests_in_flight ").Append(InFlight).Append('\n').ToString();
    }

    private void Add(string name, string labels, long value) => _counters.AddOrUpdate((name, labels), value, (_, sum) => sum + value);

    private static string Escape(string label) => label.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");

    private sealed class Histogram
    {
        private readonly long[] _buckets = new long[Bounds.Length + 1];
        private double _sum;

        public void Add(double seconds)
        {
            lock (_buckets)
            {
                var index = Array.FindIndex(Bounds, b => seconds <= b);
                _buckets[index < 0 ? Bounds.Length : index]++;
                _sum += seconds;
            }
        }

        public void Render(StringBuilder text, string labels)
        {
            lock (_buckets)
            {
                var total = 0L;
                for (var i = 0; i <= Bounds.Length; i++)
                {
                    total += _buckets[i];
                    var bound = i == Bounds.Length ? "+Inf" : Bounds[i].ToString(CultureInfo.InvariantCulture);
                    text.Append("lauter_request_duration_seconds_bucket{").Append(labels).Append(",le=\"").Append(bound).Append("\"} ").Append(total).Append('\n');
                }

                text.Append("lauter_request_duration_seconds_sum{").Append(labels).Append("} ").Append(_sum.ToString("R", CultureInfo.InvariantCulture)).Append('\n')
                    .Append("lauter_request_duration_seconds_count{").Append(labels).Append("} ").Append(total).Append('\n');
            }
        }
    }
}
