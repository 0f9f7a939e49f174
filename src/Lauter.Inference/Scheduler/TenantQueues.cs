using System.Diagnostics;

namespace Lauter.Inference.Scheduler;

/// <summary>
/// Waiting jobs, deficit round robin over tenants (Shreedhar and Varghese 1995): each turn gives a tenant <see cref="Quantum"/> tokens of
/// credit, a job leaves when its tenant can pay for it. Inside a tenant they stand in the order of arrival, priorities being worth a fixed
/// time of waiting: so a low one is overtaken for a while, but not for ever. Used by the scheduler's thread only.
/// </summary>
internal sealed class TenantQueues
{
    /// <summary>What one step of priority is worth.</summary>
    public static readonly TimeSpan PriorityStep = TimeSpan.FromSeconds(10);

    /// <summary>Tokens of credit per turn; below the smallest usual job more turns are spent, above it a tenant bursts.</summary>
    public const int Quantum = 256;

    private readonly Dictionary<string, Tenant> _byName = new(StringComparer.Ordinal);
    private readonly LinkedList<Tenant> _turn = [];

    public int Count { get; private set; }

    public void Add(GenerationJob job)
    {
        if (!_byName.TryGetValue(job.Key.Tenant, out var tenant))
        {
            tenant = new Tenant(job.Key.Tenant);
            _byName.Add(job.Key.Tenant, tenant);
            _turn.AddLast(tenant);
        }

        var before = tenant.Jobs.Last;
        while (before is not null && Place(before.Value) > Place(job))
        {
            before = before.Previous;
        }

        if (before is null)
        {
            tenant.Jobs.AddFirst(job);
        }
        else
        {
            tenant.Jobs.AddAfter(before, job);
        }

        Count++;
    }

    /// <summary>
    /// The job whose turn it is, or null when none waits. It stays in the queue until <see cref="Take"/>, so a job that does not fit yet
    /// keeps its turn and is not overtaken for ever by smaller ones.
    /// </summary>
    public GenerationJob? Peek()
    {
        while (_turn.First is { } node)
        {
            var tenant = node.Value;
            if (!tenant.HasTurn)
            {
                tenant.HasTurn = true;
                tenant.Credit += Quantum;
            }

            if (tenant.Credit >= tenant.Jobs.First!.Value.Charge)
            {
                return tenant.Jobs.First.Value;
            }

            // One grant a turn: a tenant that is served twice must not be granted twice.
            tenant.HasTurn = false;
            _turn.RemoveFirst();
            _turn.AddLast(node);
        }

        return null;
    }

    /// <summary>Removes the job that <see cref="Peek"/> returned and charges its tenant.</summary>
    public void Take(GenerationJob job)
    {
        var tenant = _byName[job.Key.Tenant];
        tenant.Credit -= job.Charge;
        tenant.Jobs.RemoveFirst();
        Count--;
        Leave(tenant);
    }

    /// <summary>Removes and returns every job that <paramref name="match"/> names.</summary>
    public List<GenerationJob> Remove(Predicate<GenerationJob> match)
    {
        var removed = new List<GenerationJob>();
        foreach (var tenant in _byName.Values.ToArray())
        {
            for (var node = tenant.Jobs.First; node is not null;)
            {
                var next = node.Next;
                if (match(node.Value))
                {
                    removed.Add(node.Value);
                    tenant.Jobs.Remove(node);
                    Count--;
                }

                node = next;
            }

            Leave(tenant);
        }

        return removed;
    }

    private static long Place(GenerationJob job) => job.Submitted - (job.Priority * (long)(PriorityStep.TotalSeconds * Stopwatch.Frequency));

    /// <summary>A tenant without jobs gives its credit back, else it could save up for a burst.</summary>
    private void Leave(Tenant tenant)
    {
        if (tenant.Jobs.Count == 0 && _byName.Remove(tenant.Name))
        {
            _turn.Remove(tenant);
        }
    }

    private sealed class Tenant(string name)
    {
        public string Name => name;

        public LinkedList<GenerationJob> Jobs { get; } = [];

        public long Credit { get; set; }

        /// <summary>Whether this turn's credit was given.</summary>
        public bool HasTurn { get; set; }
    }
}
