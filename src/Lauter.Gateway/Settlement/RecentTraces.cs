using System.Collections.Concurrent;
using Lauter.Traces;

namespace Lauter.Gateway.Settlement;

/// <summary>What feedback must know about the newest traces while they are still on their way from the journal to the store.</summary>
internal sealed class RecentTraces
{
    private const int Capacity = 16_384;
    private readonly ConcurrentDictionary<Guid, (string Tenant, string Application)> _known = new();
    private readonly ConcurrentQueue<Guid> _order = new();

    public void Add(TraceRecord record)
    {
        if (_known.TryAdd(record.Id, (record.Tenant, record.Application)))
        {
            _order.Enqueue(record.Id);
            while (_known.Count > Capacity && _order.TryDequeue(out var oldest))
            {
                _known.TryRemove(oldest, out _);
            }
        }
    }

    public (string Tenant, string Application)? Find(Guid id) => _known.TryGetValue(id, out var found) ? found : null;
}
