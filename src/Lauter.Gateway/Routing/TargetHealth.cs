using System.Collections.Concurrent;
using Lauter.Gateway.Providers;

namespace Lauter.Gateway.Routing;

/// <summary>
/// What was seen of each (provider, model) lately: whether it is cooling down, and how fast it answers. A target cools down after
/// <see cref="FailuresToCool"/> failures in a row or at once when it names a time to wait; afterwards a single request probes it.
/// </summary>
/// <remarks>Safe for concurrent use. Shared by all applications: a provider that is down is down for everyone.</remarks>
internal sealed class TargetHealth(TimeProvider time)
{
    /// <summary>Failures in a row after which a target is left alone for a while.</summary>
    public const int FailuresToCool = 3;

    /// <summary>The share of the newest latency in the running mean.</summary>
    private const double Newest = 0.2;
    private static readonly TimeSpan ShortestCool = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestCool = TimeSpan.FromSeconds(120);
    private readonly ConcurrentDictionary<string, State> _states = new(StringComparer.Ordinal);

    /// <summary>True when the target may be asked. After a cool-down one caller gets true until its result is known.</summary>
    public bool MayAsk(ProviderTarget target)
    {
        if (!_states.TryGetValue(target.Key, out var state) || Volatile.Read(ref state.CoolUntil) == 0)
        {
            return true;
        }

        lock (state)
        {
            if (state.CoolUntil == 0)
            {
                return true;
            }

            if (time.GetTimestamp() < state.CoolUntil || state.Probing)
            {
                return false;
            }

            return state.Probing = true;
        }
    }

    /// <summary>It answered; <paramref name="firstByte"/> is how long the first byte took.</summary>
    public void Succeeded(ProviderTarget target, TimeSpan firstByte)
    {
        var state = Of(target);
        lock (state)
        {
            state.Failures = 0;
            state.Cools = 0;
            state.CoolUntil = 0;
            state.Probing = false;
            state.Latency = state.Latency == 0 ? firstByte.TotalMilliseconds : state.Latency + (Newest * (firstByte.TotalMilliseconds - state.Latency));
        }
    }

    /// <summary>It failed; <paramref name="wait"/> is what it asked for.</summary>
    public void Failed(ProviderTarget target, TimeSpan? wait)
    {
        var state = Of(target);
        lock (state)
        {
            state.Failures++;
            if (wait is null && state.Failures < FailuresToCool && !state.Probing)
            {
                return;
            }

            var cool = wait ?? TimeSpan.FromSeconds(Math.Min(LongestCool.TotalSeconds, ShortestCool.TotalSeconds * Math.Pow(2, Math.Min(state.Cools, 5))));
            state.Cools++;
            state.Probing = false;
            state.CoolUntil = time.GetTimestamp() + (long)(Math.Clamp(cool.TotalSeconds, 0.05, LongestCool.TotalSeconds) * time.TimestampFrequency);
        }
    }

    /// <summary>The caller went away before it was known how the request ends: a probe may be made again.</summary>
    public void Unknown(ProviderTarget target)
    {
        if (_states.TryGetValue(target.Key, out var state))
        {
            lock (state)
            {
                state.Probing = false;
            }
        }
    }

    /// <summary>Milliseconds to the first byte, a running mean; 0 = never measured.</summary>
    public double Latency(ProviderTarget target) => _states.TryGetValue(target.Key, out var state) ? state.Latency : 0;

    /// <summary>Every target that was asked, for the admin API and the console.</summary>
    public IReadOnlyList<(string Target, bool Cooling, int Failures, double LatencyMilliseconds)> Report()
    {
        var now = time.GetTimestamp();
        return [.. _states.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => (s.Key, s.Value.CoolUntil > now, s.Value.Failures, s.Value.Latency))];
    }

    private State Of(ProviderTarget target) => _states.GetOrAdd(target.Key, static _ => new State());

    private sealed class State
    {
        public long CoolUntil;
        public int Failures;
        public int Cools;
        public bool Probing;
        public double Latency;
    }
}
