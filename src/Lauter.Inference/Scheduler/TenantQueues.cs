namespace Lauter.Inference.Scheduler;

/// <summary>
/// Waiting jobs, first come first served inside a tenant and deficit round robin over tenants (Shreedhar and Varghese 1995): each turn
/// gives a tenant <see cref="Quantum"/> cells of credit, a job leaves when its tenant can pay for it. Used by the scheduler's thread only.
/// </summary>
internal sealed class TenantQueues
{
    /// <summary>Cells of credit per turn; below the smallest usual job more turns are spent, above it a tenant bursts.</summary>
    public const int Quantum = 256;

    private readonly Dictionary<string, Tenant> _byName = new(StringComparer.Ordinal);
    private readonly LinkedList<Tenant> _turn = [];

    public int Count { get; private set; }

    public void Add(GenerationJob job)
    {
        if (!_byName.TryGetValue(job.Tenant, out var tenant))
        {
            tenant = new Tenant(job.Tenant);
            _byName.Add(job.Tenant, tenant);
            _turn.AddLast(tenant);
        }

        tenant.Jobs.AddLast(job);
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

            if (tenant.Credit >= tenant.Jobs.First!.Value.Cells)
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
        var tenant = _byName[job.Tenant];
        tenant.Credit -= job.Cells;
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
