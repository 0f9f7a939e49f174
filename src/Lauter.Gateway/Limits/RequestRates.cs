using System.Collections.Concurrent;
using Lauter.Gateway.Keys;

namespace Lauter.Gateway.Limits;

/// <summary>A token bucket per key: <c>requests_per_minute</c> on average, at most a minute's worth at once.</summary>
internal sealed class RequestRates(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);

    /// <summary>Takes one request from the key's bucket.</summary>
    public RateState? Take(ApiKey key)
    {
        if (key.RequestsPerMinute is not { } limit || limit < 1)
        {
            return null;
        }

        var bucket = _buckets.GetOrAdd(key.Id, _ => new Bucket { Level = limit, At = time.GetTimestamp() });
        lock (bucket)
        {
            var now = time.GetTimestamp();
            var perSecond = limit / 60.0;
            bucket.Level = Math.Min(limit, bucket.Level + (time.GetElapsedTime(bucket.At, now).TotalSeconds * perSecond));
            bucket.At = now;
            var allowed = bucket.Level >= 1;
            if (allowed)
            {
                bucket.Level--;
            }

            return new RateState(allowed, limit, (int)bucket.Level, TimeSpan.FromSeconds((limit - bucket.Level) / perSecond), TimeSpan.FromSeconds(Math.Max(0, (1 - bucket.Level) / perSecond)));
        }
    }

    private sealed class Bucket
    {
        public double Level { get; set; }

        public long At { get; set; }
    }
}

/// <param name="Allowed">False = the request must wait.</param>
/// <param name="Limit">Requests a minute.</param>
/// <param name="Remaining">Requests that are left now.</param>
/// <param name="ResetAfter">Until the bucket is full.</param>
/// <param name="RetryAfter">Until one request is allowed.</param>
internal sealed record RateState(bool Allowed, int Limit, int Remaining, TimeSpan ResetAfter, TimeSpan RetryAfter);
