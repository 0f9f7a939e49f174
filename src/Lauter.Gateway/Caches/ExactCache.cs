using System.Security.Cryptography;
using System.Text;
using Lauter.Gateway.Api;
using Lauter.Gateway.Applications;

namespace Lauter.Gateway.Caches;

/// <summary>
/// Answers to equal requests, in memory. The key covers the tenant, the application as it is configured now, and every member of the request that
/// can change the answer; so two tenants never meet, and a new release or a new route begins with nothing. Only whole answers are
/// kept: none that was cut, filtered, failed or left by its caller. The oldest use goes first when the space is used up; a tenant may use at
/// most a quarter of it.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class ExactCache(GatewayOptions options, TimeProvider time)
{
    /// <summary>A tenant's part of the space: one tenant's flood does not push out everybody else.</summary>
    private const int TenantShare = 4;

    /// <summary>Members that do not change the answer.</summary>
    internal static readonly HashSet<string> Ignored = new(StringComparer.Ordinal)
    {
        "stream_options", "user", "metadata", "store", "safety_identifier", "prompt_cache_key", "service_tier",
    };

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<CachedAnswer>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<CachedAnswer> _order = new();
    private readonly Dictionary<string, long> _tenants = new(StringComparer.Ordinal);
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Looks for a kept answer; when there is none and this one may be kept, returns where it is recorded.</summary>
    public CacheRecording? Look(string tenant, LiveApplication live, ChatCall call, out CachedAnswer? hit)
    {
        hit = null;
        if (live.Cache == CachePolicy.Off || (live.Cache == CachePolicy.Exact && call.Surface.Generates && call.Members.Number("temperature") is not 0.0))
        {
            return null;
        }

        var key = KeyOf(tenant, live, call);
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var node))
            {
                if (time.GetElapsedTime(node.Value.Kept) <= options.CacheLifetime)
                {
                    _order.Remove(node);
                    _order.AddLast(node);
                    hit = node.Value;
                    return null;
                }

                Remove(node);
            }
        }

        return new CacheRecording(this, key, tenant, call.Stream);
    }

    public void Keep(CachedAnswer answer)
    {
        if (answer.Size > options.CacheBytes / (TenantShare * 4))
        {
            return;
        }

        lock (_gate)
        {
            if (_entries.TryGetValue(answer.Key, out var old))
            {
                Remove(old);
            }

            _entries[answer.Key] = _order.AddLast(answer);
            _bytes += answer.Size;
            _tenants[answer.Tenant] = _tenants.GetValueOrDefault(answer.Tenant) + answer.Size;
            while (_tenants[answer.Tenant] > options.CacheBytes / TenantShare && FirstOf(answer.Tenant) is { } own)
            {
                Remove(own);
            }

            while (_bytes > options.CacheBytes && _order.First is { } first)
            {
                Remove(first);
            }
        }
    }

    internal long Timestamp() => time.GetTimestamp();

    private LinkedListNode<CachedAnswer>? FirstOf(string tenant)
    {
        var node = _order.First;
        while (node is not null && node.Value.Tenant != tenant)
        {
            node = node.Next;
        }

        return node;
    }

    private void Remove(LinkedListNode<CachedAnswer> node)
    {
        _order.Remove(node);
        _entries.Remove(node.Value.Key);
        _bytes -= node.Value.Size;
        _tenants[node.Value.Tenant] -= node.Value.Size;
    }

    private static string KeyOf(string tenant, LiveApplication live, ChatCall call)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(Encoding.UTF8.GetBytes(tenant));
        Add(Encoding.UTF8.GetBytes(live.Name));
        Add(BitConverter.GetBytes(live.Generation));
        Add(Encoding.UTF8.GetBytes(call.Surface.Path));
        foreach (var name in call.Members.Names.Where(n => !Ignored.Contains(n)).Order(StringComparer.Ordinal))
        {
            Add(Encoding.UTF8.GetBytes(name));
            Add(call.Members.Raw(name).Span);
        }

        return Convert.ToHexString(hash.GetHashAndReset());

        void Add(ReadOnlySpan<byte> part)
        {
            // With its length in front: ("ab", "c") and ("a", "bc") differ.
            hash.AppendData(BitConverter.GetBytes(part.Length));
            hash.AppendData(part);
        }
    }
}

/// <summary>A kept answer: one whole body, or the events of a stream, in OpenAI's shape.</summary>
internal sealed record CachedAnswer(string Key, string Tenant, bool Stream, byte[] Bytes, IReadOnlyList<int> Ends, string? FinishReason, string Text, string? Target, long Kept)
{
    public long Size => Bytes.Length + (Ends.Count * 4L) + (Text.Length * 2L) + 512;
}
