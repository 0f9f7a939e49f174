using CsCheck;
using Lauter.Ledger.Budgets;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Ledger;

public sealed class RateGateTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 31, 22, 30, 0, TimeSpan.Zero));

    [Fact]
    public void Enter_AnyTraffic_NeverAdmitsMoreThanALimitAndAMinutesWorth() =>
        Gen.Select(Gen.Int[1, 500], Gen.Int[1, 20_000], Gen.Select(Gen.Int[0, 3_000_000], Gen.Int[0, 4_000], Gen.Int[0, 100]).Array[1, 300]).Sample((requests, tokens, traffic) =>
        {
            var time = new FakeTimeProvider();
            var gate = new RateGate([new RateLimit("key:k") { RequestsPerMinute = requests, TokensPerMinute = tokens }], time);
            var start = time.GetUtcNow();
            long admitted = 0;
            long used = 0;
            foreach (var (microseconds, asked, share) in traffic)
            {
                time.Advance(TimeSpan.FromMicroseconds(microseconds));
                if (gate.Enter(["key:k"], asked).Admission is { } admission)
                {
                    admitted++;
                    var actual = asked * share / 100;
                    used += actual;
                    admission.End(actual);
                }

                var minutes = (decimal)(time.GetUtcNow() - start).TotalMicroseconds / 60_000_000;
                Assert.True(admitted <= requests * (1 + minutes), $"{admitted} requests in {minutes} minutes at {requests}");
                Assert.True(used <= tokens * (1 + minutes), $"{used} tokens in {minutes} minutes at {tokens}");
            }
        }, iter: 500);

    [Fact]
    public void Enter_AfterRetryAfter_IsAdmittedAndNotBefore() =>
        Gen.Select(Gen.Int[1, 3_000], Gen.Int[1, 100_000], Gen.Int[1, 50_000]).Sample((requests, tokens, asked) =>
        {
            var time = new FakeTimeProvider();
            var gate = new RateGate([new RateLimit("key:k") { RequestsPerMinute = requests, TokensPerMinute = tokens }], time);
            RateRefusal? refusal;
            while (true)
            {
                var result = gate.Enter(["key:k"], Math.Min(asked, tokens));
                result.Admission?.End(null);
                if ((refusal = result.Refusal) is not null)
                {
                    break;
                }
            }

            time.Advance(refusal.RetryAfter!.Value - TimeSpan.FromMicroseconds(1));
            Assert.NotNull(gate.Enter(["key:k"], Math.Min(asked, tokens)).Refusal);
            time.Advance(TimeSpan.FromMicroseconds(1));
            Assert.NotNull(gate.Enter(["key:k"], Math.Min(asked, tokens)).Admission);
        }, iter: 300);

    [Fact]
    public void Enter_InnerLimitRefuses_TakesNothingOfTheOuterOne()
    {
        var gate = new RateGate([new RateLimit("tenant:t") { RequestsPerMinute = 2, TokensPerMinute = 100, Concurrent = 2 }, new RateLimit("key:*") { TokensPerMinute = 10 }], _time);
        for (var i = 0; i < 50; i++)
        {
            var refusal = gate.Enter(["tenant:t", "key:a"], 11).Refusal!;
            Assert.Equal((RateKind.Tokens, null), (refusal.Kind, refusal.RetryAfter));
        }

        Assert.NotNull(gate.Enter(["tenant:t", "key:a"], 10).Admission);
        Assert.NotNull(gate.Enter(["tenant:t", "key:b"], 10).Admission);
        Assert.Equal(RateKind.Concurrency, gate.Enter(["tenant:t", "key:c"], 10).Refusal!.Kind);
        Assert.Equal(80, gate.Headroom("tenant:t").Single(h => h.Kind == RateKind.Tokens).Remaining);
    }

    [Fact]
    public async Task Enter_ManyAtOnce_NeverMoreThanTheLimitRun()
    {
        var gate = new RateGate([new RateLimit("application:a") { Concurrent = 7 }], TimeProvider.System);
        var running = 0;
        var most = 0;
        var served = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++)
            {
                if (gate.Enter(["application:a"], 1).Admission is { } admission)
                {
                    var now = Interlocked.Increment(ref running);
                    InterlockedMax(ref most, now);
                    await Task.Yield();
                    Interlocked.Decrement(ref running);
                    admission.End(1);
                    Interlocked.Increment(ref served);
                }
            }
        }, TestContext.Current.CancellationToken)));

        Assert.InRange(most, 1, 7);
        Assert.True(served > 0);
        Assert.Equal(7, gate.Headroom("application:a").Single().Remaining);
        static void InterlockedMax(ref int target, int value)
        {
            int seen;
            while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
            {
            }
        }
    }

    [Fact]
    public void Enter_Shadow_AdmitsAndSaysWhatItWouldHaveRefused()
    {
        var gate = new RateGate([new RateLimit("key:k") { RequestsPerMinute = 1, Shadow = true }], _time);

        Assert.Empty(gate.Enter(["key:k"], 1).Admission!.ExceedsMeasuredLimits);
        Assert.Equal(RateKind.Requests, Assert.Single(gate.Enter(["key:k"], 1).Admission!.ExceedsMeasuredLimits).Kind);
    }

    [Fact]
    public void Forget_QuietAccounts_TakeNoMemory()
    {
        var gate = new RateGate([new RateLimit("user:*") { RequestsPerMinute = 10 }], _time);
        for (var i = 0; i < 100; i++)
        {
            gate.Enter([$"user:{i}"], 1).Admission!.End(1);
        }

        var running = gate.Enter(["user:busy"], 1).Admission!;
        gate.Forget();
        Assert.Equal(101, gate.Count);
        _time.Advance(TimeSpan.FromMinutes(1));
        gate.Forget();

        Assert.Equal(1, gate.Count);
        running.End(1);
        Assert.Throws<InvalidOperationException>(() => running.End(1));
    }
}
