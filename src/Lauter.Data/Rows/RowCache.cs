using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Lauter.Catalog.Objects;

namespace Lauter.Data.Rows;

/// <summary>
/// What earlier runs found out about the rows of one shard, by hash: where a line holds its text, what an edit made of a text, what a measure found. A
/// record's key is the hash of its input plus the key of the operator with version and arguments, so it can't be stale. One file a shard, read whole,
/// written whole. Not thread-safe: a worker has the caches of its own shards.
/// </summary>
internal sealed class RowCache
{
    private static ReadOnlySpan<byte> Magic => "LTRC0001"u8;

    private const int KeyBytes = 16;
    private const int HeaderBytes = KeyBytes + 4;

    private readonly string _path;
    private readonly byte[] _stored;
    private readonly Dictionary<UInt128, (int Start, int Length)> _old = [];
    private readonly ArrayBufferWriter<byte> _fresh = new(1 << 16);
    private readonly HashSet<UInt128> _added = [];
    private readonly List<(UInt128 Key, int Start, int Length)> _freshRecords = [];

    private RowCache(string path, byte[] stored)
    {
        (_path, _stored) = (path, stored);
        var at = Magic.Length;
        while (at + HeaderBytes <= stored.Length)
        {
            var key = BinaryPrimitives.ReadUInt128LittleEndian(stored.AsSpan(at));
            var length = BinaryPrimitives.ReadInt32LittleEndian(stored.AsSpan(at + KeyBytes));
            if (length < 0 || at + HeaderBytes + length > stored.Length)
            {
                // A file that does not end with a whole record was not written by this class: what was read so far is still right.
                break;
            }

            _old[key] = (at + HeaderBytes, length);
            at += HeaderBytes + length;
        }
    }

    /// <summary>Opens the cache of a shard; a missing or foreign file is an empty cache.</summary>
    public static RowCache Open(string directory, string shardKey)
    {
        var path = Path.Combine(directory, shardKey + ".rows");
        var stored = File.Exists(path) ? File.ReadAllBytes(path) : [];
        return new RowCache(path, stored.AsSpan().StartsWith(Magic) ? stored : []);
    }

    /// <summary>True when this run found something new.</summary>
    public bool IsChanged => _freshRecords.Count > 0;

    /// <summary>The record that an earlier run kept under this key.</summary>
    public bool TryGet(UInt128 key, out ReadOnlySpan<byte> value)
    {
        if (_old.TryGetValue(key, out var place))
        {
            value = _stored.AsSpan(place.Start, place.Length);
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>Keeps a record for later runs; equal rows of one shard keep one.</summary>
    public void Add(UInt128 key, ReadOnlySpan<byte> value)
    {
        if (_added.Add(key))
        {
            _freshRecords.Add((key, _fresh.WrittenCount, value.Length));
            _fresh.Write(value);
        }
    }

    /// <summary>Keeps a text.</summary>
    public void AddText(UInt128 key, string text)
    {
        if (_added.Add(key))
        {
            var start = _fresh.WrittenCount;
            Encoding.UTF8.GetBytes(text, _fresh);
            _freshRecords.Add((key, start, _fresh.WrittenCount - start));
        }
    }

    /// <summary>Keeps numbers.</summary>
    public void AddNumbers(UInt128 key, ReadOnlySpan<double> numbers) => Add(key, MemoryMarshal.AsBytes(numbers));

    /// <summary>
    /// Writes the file when there is something new. Records of earlier runs stay, so that going back to an earlier recipe is free, until they outgrow
    /// <paramref name="limit"/> bytes: then only those of this run stay.
    /// </summary>
    public void Save(long limit)
    {
        if (!IsChanged)
        {
            return;
        }

        var file = new ArrayBufferWriter<byte>(_stored.Length + _fresh.WrittenCount + (_freshRecords.Count * HeaderBytes) + Magic.Length);
        if (_stored.Length > 0 && _stored.Length + _fresh.WrittenCount <= limit)
        {
            file.Write(_stored);
        }
        else
        {
            file.Write(Magic);
        }

        Span<byte> header = stackalloc byte[HeaderBytes];
        foreach (var (key, start, length) in _freshRecords)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(header, key);
            BinaryPrimitives.WriteInt32LittleEndian(header[KeyBytes..], length);
            file.Write(header);
            file.Write(_fresh.WrittenSpan.Slice(start, length));
        }

        AtomicFile.WriteAllBytes(_path, file.WrittenSpan);
    }
}
