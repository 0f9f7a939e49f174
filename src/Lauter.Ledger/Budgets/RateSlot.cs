namespace Lauter.Ledger.Budgets;

/// <summary>
/// What one account has left. A level is kept in units × microseconds a minute: in one microsecond a limit of n gains n, one request or token costs
/// 60,000,000, so no fraction is ever rounded.
/// </summary>
internal sealed class RateSlot(TimeProvider time)
{
    private const long MicrosecondsPerMinute = 60_000_000;
    private const long MostPerMinute = 100_000_000_000; // × 60,000,000 still fits a long

    private readonly Lock _gate = new();
    private long _at = time.GetTimestamp();
    private long _requestsUsed;
    private long _tokensUsed;
    private int _running;
    private bool _closed;
    private RateLimit? _last;

    /// <returns>Not entered and no refusal = the slot is closed. Entered and a refusal = a limit that only measures would have refused.</returns>
    public (bool Entered, RateRefusal? Refusal) TryEnter(RateLimit limit, long tokens)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return (false, null);
            }

            Refill(limit);
            var refusal = Refusal(limit, tokens);
            if (refusal is not null && !limit.Shadow)
            {
                return (false, refusal);
            }

            _running++;
            _requestsUsed = checked(_requestsUsed + MicrosecondsPerMinute);
            _tokensUsed = checked(_tokensUsed + (Math.Min(tokens, MostPerMinute) * MicrosecondsPerMinute));
            return (true, refusal);
        }
    }

    /// <summary>Takes tokens for a request that has entered. Taken and a refusal = a limit that only measures would have refused.</summary>
    public RateRefusal? TryTake(RateLimit limit, long tokens, out bool taken)
    {
        lock (_gate)
        {
            Refill(limit);
            var refusal = TokenRefusal(limit, tokens);
            taken = refusal is null || limit.Shadow;
            if (taken)
            {
                _tokensUsed = checked(_tokensUsed + (Math.Min(tokens, MostPerMinute) * MicrosecondsPerMinute));
            }

            return refusal;
        }
    }

    /// <summary>As if it had never entered.</summary>
    public void TakeBack(long tokens)
    {
        lock (_gate)
        {
            _running--;
            _requestsUsed = Math.Max(0, _requestsUsed - MicrosecondsPerMinute);
            _tokensUsed = Math.Max(0, _tokensUsed - (Math.Min(tokens, MostPerMinute) * MicrosecondsPerMinute));
        }
    }

    public void End(long unused)
    {
        lock (_gate)
        {
            _running--;
        }

        GiveBack(unused);
    }

    /// <summary>Tokens that were taken and not used; fewer than none when more were used.</summary>
    public void GiveBack(long unused)
    {
        lock (_gate)
        {
            _tokensUsed = Math.Max(0, _tokensUsed - (Math.Clamp(unused, -MostPerMinute, MostPerMinute) * MicrosecondsPerMinute));
        }
    }

    public IReadOnlyList<RateHeadroom> Headroom(RateLimit limit)
    {
        lock (_gate)
        {
            Refill(limit);
            List<RateHeadroom> headroom = [];
            Add(RateKind.Requests, limit.RequestsPerMinute, _requestsUsed);
            Add(RateKind.Tokens, limit.TokensPerMinute, _tokensUsed);
            if (limit.Concurrent is { } most)
            {
                headroom.Add(new RateHeadroom(RateKind.Concurrency, most, Math.Max(0, most - _running), TimeSpan.Zero));
            }

            return headroom;

            void Add(RateKind kind, long? perMinute, long used)
            {
                if (perMinute is { } n)
                {
                    headroom.Add(new RateHeadroom(
                        kind, n, Math.Max(0, ((n * MicrosecondsPerMinute) - used) / MicrosecondsPerMinute), TimeSpan.FromMicroseconds(Math.Ceiling((double)used / n))));
                }
            }
        }
    }

    /// <summary>Ends a slot that has nothing running and everything left by <paramref name="limit"/>, or by the limit that it saw last.</summary>
    public bool TryClose(RateLimit? limit)
    {
        lock (_gate)
        {
            if ((limit ?? _last) is { } known)
            {
                Refill(known);
            }

            return _closed |= _running == 0 && _requestsUsed == 0 && _tokensUsed == 0;
        }
    }

    private RateRefusal? Refusal(RateLimit limit, long tokens)
    {
        if (limit.Concurrent is { } most && _running >= most)
        {
            return new RateRefusal(limit, RateKind.Concurrency, most, 1, TimeSpan.FromSeconds(1));
        }

        if (limit.RequestsPerMinute is { } requests && Wait(requests, _requestsUsed, 1) is { } first && first > 0)
        {
            return new RateRefusal(limit, RateKind.Requests, requests, 1, TimeSpan.FromMicroseconds(first));
        }

        return TokenRefusal(limit, tokens);
    }

    private RateRefusal? TokenRefusal(RateLimit limit, long tokens)
    {
        if (limit.TokensPerMinute is { } perMinute && tokens > 0)
        {
            if (tokens > perMinute)
            {
                return new RateRefusal(limit, RateKind.Tokens, perMinute, tokens, null);
            }

            var wait = Wait(perMinute, _tokensUsed, tokens);
            return wait > 0 ? new RateRefusal(limit, RateKind.Tokens, perMinute, tokens, TimeSpan.FromMicroseconds(wait)) : null;
        }

        return null;
    }

    /// <summary>Microseconds until <paramref name="count"/> fit; 0 = now.</summary>
    private static long Wait(long perMinute, long used, long count)
    {
        var over = used + (count * MicrosecondsPerMinute) - (perMinute * MicrosecondsPerMinute);
        return over <= 0 ? 0 : (over + perMinute - 1) / perMinute;
    }

    private void Refill(RateLimit limit)
    {
        _last = limit;
        var now = time.GetTimestamp();
        var elapsed = (long)Math.Min(time.GetElapsedTime(_at, now).TotalMicroseconds, MicrosecondsPerMinute * 60d);
        if (elapsed <= 0)
        {
            return;
        }

        _at = now;
        _requestsUsed = Less(_requestsUsed, limit.RequestsPerMinute);
        _tokensUsed = Less(_tokensUsed, limit.TokensPerMinute);

        // Without a limit nothing needs to be remembered.
        long Less(long used, long? perMinute) => perMinute is { } n ? (long)Int128.Max(0, used - ((Int128)elapsed * n)) : 0;
    }
}
