using System.Collections.Concurrent;
using Lauter.Gateway.Keys;

namespace Lauter.Gateway.Limits;

/// <summary>
/// Token buckets per key and tenant: requests and tokens a minute on average, at most a minute's worth at once; and counts of what runs now.
/// Tokens are taken as the most that a request can use, and what it did not use is put back when it ends.
/// </summary>
internal sealed class RequestRates(GatewayOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, StrongBox> _running = new(StringComparer.Ordinal);

    public TenantLimits Of(ApiKey key) => options.Tenants.GetValueOrDefault(key.Tenant) ?? TenantLimits.None;

    /// <summary>Takes one request from the buckets of the key and its tenant; the state is that of the one with the least left.</summary>
    public RateState? Take(ApiKey key)
    {
        var own = Take($"key:{key.Id}", key.RequestsPerMinute, 1);
        if (own is { Allowed: false })
        {
            return own;
        }

        var tenant = Take($"tenant:{key.Tenant}", Of(key).RequestsPerMinute, 1);
        return own is null || tenant is { Allowed: false } || tenant?.Remaining < own.Remaining ? tenant : own;
    }

    /// <summary>Takes tokens; a refused hold holds nothing.</summary>
    public TokenHold? TakeTokens(ApiKey key, long most)
    {
        var limits = Of(key);
        if (key.TokensPerMinute is null && limits.TokensPerMinute is null)
        {
            return null;
        }

        var own = Take($"key-tokens:{key.Id}", key.TokensPerMinute, most);
        if (own is { Allowed: false })
        {
            return new TokenHold(own, most, []);
        }

        var tenant = Take($"tenant-tokens:{key.Tenant}", limits.TokensPerMinute, most);
        if (tenant is { Allowed: false } && own is not null)
        {
            Put($"key-tokens:{key.Id}", most);
        }

        Bucket?[] buckets = [own is null ? null : _buckets[$"key-tokens:{key.Id}"], tenant is null ? null : _buckets[$"tenant-tokens:{key.Tenant}"]];
        return new TokenHold((own is null || tenant is { Allowed: false } ? tenant : own)!, most, tenant is { Allowed: false } ? [] : [.. buckets.OfType<Bucket>()]);
    }

    /// <summary>Counts a request in; false when as many run as may. Call <c>Leave</c> for each true.</summary>
    public bool Enter(ApiKey key)
    {
        var limits = Of(key);
        if (!Enter($"key:{key.Id}", key.ConcurrentRequests))
        {
            return false;
        }

        if (Enter($"tenant:{key.Tenant}", limits.ConcurrentRequests))
        {
            return true;
        }

        Leave($"key:{key.Id}", key.ConcurrentRequests);
        return false;
    }

    public void Leave(ApiKey key)
    {
        Leave($"key:{key.Id}", key.ConcurrentRequests);
        Leave($"tenant:{key.Tenant}", Of(key).ConcurrentRequests);
    }

    private bool Enter(string name, int? limit)
    {
        if (limit is null)
        {
            return true;
        }

        var running = _running.GetOrAdd(name, _ => new StrongBox());
        if (Interlocked.Increment(ref running.Value) <= limit)
        {
            return true;
        }

        Interlocked.Decrement(ref running.Value);
        return false;
    }

    private void Leave(string name, int? limit)
    {
        if (limit is not null && _running.TryGetValue(name, out var running))
        {
            Interlocked.Decrement(ref running.Value);
        }
    }

    private RateState? Take(string name, int? perMinute, long amount)
    {
        if (perMinute is not { } limit || limit < 1)
        {
            return null;
        }

        var bucket = _buckets.GetOrAdd(name, _ => new Bucket { Level = limit, At = time.GetTimestamp() });
        lock (bucket)
        {
            var now = time.GetTimestamp();
            var perSecond = limit / 60.0;
            bucket.Limit = limit;
            bucket.Level = Math.Min(limit, bucket.Level + (time.GetElapsedTime(bucket.At, now).TotalSeconds * perSecond));
            bucket.At = now;

            // A request for more than a whole minute's worth may go when the bucket is full: otherwise it never could.
            var needed = Math.Min(amount, limit);
            var allowed = bucket.Level >= needed;
            if (allowed)
            {
                bucket.Level -= amount;
            }

            return new RateState(
                allowed, limit, (int)Math.Max(0, bucket.Level), TimeSpan.FromSeconds((limit - bucket.Level) / perSecond), TimeSpan.FromSeconds(Math.Max(0, (needed - bucket.Level) / perSecond)));
        }
    }

    private void Put(string name, double amount) => _buckets[name].Put(amount);

    private sealed class StrongBox
    {
        public int Value;
    }
}

/// <summary>How full a bucket is.</summary>
internal sealed class Bucket
{
    public double Level { get; set; }

    public double Limit { get; set; }

    public long At { get; set; }

    public void Put(double amount)
    {
        lock (this)
        {
            Level = Math.Min(Limit, Level + amount);
        }
    }
}

/// <summary>Tokens that a request holds until it ends.</summary>
internal sealed class TokenHold(RateState state, long most, IReadOnlyList<Bucket> buckets)
{
    public RateState State { get; } = state;

    /// <summary>Puts back what was not used.</summary>
    public void Settle(long used)
    {
        foreach (var bucket in buckets)
        {
            bucket.Put(most - used);
        }
    }
}

/// <param name="Allowed">False = the request must wait.</param>
/// <param name="Limit">Requests or tokens a minute.</param>
/// <param name="Remaining">What is left now.</param>
/// <param name="ResetAfter">Until the bucket is full.</param>
/// <param name="RetryAfter">Until the request is allowed.</param>
internal sealed record RateState(bool Allowed, int Limit, int Remaining, TimeSpan ResetAfter, TimeSpan RetryAfter);
