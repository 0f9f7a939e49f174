using CsCheck;
using Lauter.Inference.Sampling;
using Lauter.Inference.Scheduler;

namespace Lauter.Tests.Inference;

public sealed class TenantQueuesTests
{
    [Fact]
    public void Peek_BusyTenantsOfAnyJobSizes_GetEqualSharesOfCells() =>
        Gen.Select(Gen.Int[1, 900].Array[2, 6], Gen.Int[2_000, 4_000]).Sample(
            (sizes, turns) =>
            {
                var queues = new TenantQueues();
                for (var tenant = 0; tenant < sizes.Length; tenant++)
                {
                    queues.Add(Job($"t{tenant}", sizes[tenant]));
                }

                var served = new long[sizes.Length];
                for (var turn = 0; turn < turns; turn++)
                {
                    var job = queues.Peek()!;
                    var tenant = int.Parse(job.Key.Tenant[1..]);
                    served[tenant] += job.Cells;
                    // The tenant always has another job waiting, so its credit is kept.
                    queues.Add(Job(job.Key.Tenant, sizes[tenant]));
                    queues.Take(job);
                }

                var unfair = served.Max() - served.Min();
                Assert.True(unfair <= 2 * (sizes.Max() + 1) + 2 * TenantQueues.Quantum, $"served {string.Join(", ", served)}");
            },
            iter: 50);

    [Fact]
    public void Remove_InTheMiddle_KeepsTheOrderOfTheRest()
    {
        var queues = new TenantQueues();
        var jobs = Enumerable.Range(0, 6).Select(index => Job(index % 2 == 0 ? "a" : "b", 10 + index)).ToArray();
        Array.ForEach(jobs, queues.Add);
        Assert.Equal([jobs[2]], queues.Remove(job => job == jobs[2]));
        var order = new List<GenerationJob>();
        while (queues.Peek() is { } job)
        {
            queues.Take(job);
            order.Add(job);
        }

        Assert.Equal(0, queues.Count);
        Assert.Equal([jobs[0], jobs[4]], order.Where(job => job.Key.Tenant == "a"));
        Assert.Equal([jobs[1], jobs[3], jobs[5]], order.Where(job => job.Key.Tenant == "b"));
    }

    private static GenerationJob Job(string tenant, int prompt) => new()
    {
        Prompt = new int[prompt], MaxTokens = 0, Key = new Lauter.Inference.Prefixes.PrefixKey(tenant, "", "", ""), Sampling = new SamplingOptions(),
    };
}
