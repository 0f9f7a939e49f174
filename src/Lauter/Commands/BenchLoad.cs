using System.Collections.Concurrent;
using System.Diagnostics;

namespace Lauter.Commands;

/// <summary>Sends requests and gathers what became of them.</summary>
/// <param name="caller">The server.</param>
/// <param name="requests">What is asked.</param>
internal sealed class BenchLoad(BenchCaller caller, BenchRequests requests)
{
    private int _sent;

    /// <summary>Closed loop: each of <paramref name="parallel"/> callers asks again as soon as it has its answer, until <paramref name="count"/> were asked.</summary>
    public async Task<BenchReport> ClosedAsync(int parallel, int count, BenchLimits limits, CancellationToken cancellationToken)
    {
        var samples = new ConcurrentBag<BenchSample>();
        var first = Interlocked.Add(ref _sent, count) - count;
        var taken = -1;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, parallel).Select(async _ =>
        {
            while (Interlocked.Increment(ref taken) is var number && number < count)
            {
                samples.Add(await caller.SendAsync(requests.Make(first + number), cancellationToken));
            }
        }));
        return new BenchReport($"closed loop, {parallel} parallel", [.. samples], Stopwatch.GetElapsedTime(started).TotalSeconds, limits);
    }

    /// <summary>
    /// Open loop: requests arrive as a Poisson process of <paramref name="perSecond"/>, whether earlier ones are answered or not, as callers who
    /// know nothing of each other do. Times count from the planned arrival, so a late sender does not hide waiting.
    /// </summary>
    public async Task<BenchReport> OpenAsync(double perSecond, int count, int seed, BenchLimits limits, CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        var first = Interlocked.Add(ref _sent, count) - count;
        var started = Stopwatch.GetTimestamp();
        var at = 0.0;
        var running = new List<Task<BenchSample>>();
        for (var number = 0; number < count; number++)
        {
            at += -Math.Log(1 - random.NextDouble()) / perSecond;
            var wait = at - Stopwatch.GetElapsedTime(started).TotalSeconds;
            if (wait > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(wait), cancellationToken);
            }

            var late = Math.Max(0, Stopwatch.GetElapsedTime(started).TotalSeconds - at);
            running.Add(SendLateAsync(requests.Make(first + number), late, cancellationToken));
        }

        var samples = await Task.WhenAll(running);
        return new BenchReport($"open loop, {perSecond:0.###} per second", samples, Stopwatch.GetElapsedTime(started).TotalSeconds, limits);
    }

    /// <summary>Raises the load step by step until the limits break; the last report is the first that broke them, or the last of the steps.</summary>
    public async Task<IReadOnlyList<BenchReport>> RampAsync(Func<double, Task<BenchReport>> run, double from, double factor, int steps)
    {
        var reports = new List<BenchReport>();
        for (var level = from; reports.Count < steps; level *= factor)
        {
            reports.Add(await run(level));
            if (!reports[^1].HoldsLimits)
            {
                break;
            }
        }

        return reports;
    }

    private async Task<BenchSample> SendLateAsync(BenchRequest request, double late, CancellationToken cancellationToken)
    {
        var sample = await caller.SendAsync(request, cancellationToken);
        return sample with { FirstToken = sample.FirstToken + late, Total = sample.Total + late };
    }
}
