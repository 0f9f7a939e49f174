using System.Runtime.InteropServices;

namespace Lauter.Data.Dedup;

/// <summary>
/// The band keys of all documents on disk, as sorted segments: for each band of a segment its keys, ascending, then their documents. A segment is as large as
/// the memory that was spent on it; reading merges them all.
/// </summary>
internal sealed class BandSegments : IDisposable
{
    private const int EntryBytes = sizeof(ulong) + sizeof(int);

    /// <summary>Memory of the merge of one band, shared by its segments.</summary>
    private const int MergeBytes = 4 << 20;

    private readonly AppendFile _file;
    private readonly List<int> _counts;
    private readonly List<long> _starts = [];
    private readonly int _bands;

    public BandSegments(AppendFile file, IReadOnlyList<int> counts, int bands)
    {
        (_file, _counts, _bands) = (file, [.. counts], bands);
        var at = 0L;
        foreach (var count in counts)
        {
            _starts.Add(at);
            at += (long)count * bands * EntryBytes;
        }
    }

    /// <summary>Documents of each segment.</summary>
    public IReadOnlyList<int> Counts => [.. _counts];

    /// <summary>What a header says about the file.</summary>
    public static (IReadOnlyList<int> Counts, long Bytes) Of(IndexHeader? header) =>
        (header?.Segments ?? [], header is null ? 0 : header.Segments.Sum(s => (long)s) * header.Bands * EntryBytes);

    /// <summary>Appends a segment, band after band.</summary>
    /// <param name="count">Documents.</param>
    /// <param name="bands">Keys, ascending, with their documents, for each band.</param>
    public void Append(int count, IEnumerable<(ulong[] Keys, int[] Documents)> bands)
    {
        _starts.Add(_file.Length);
        foreach (var (keys, documents) in bands)
        {
            _file.Append(MemoryMarshal.AsBytes(keys.AsSpan()));
            _file.Append(MemoryMarshal.AsBytes(documents.AsSpan()));
        }

        _counts.Add(count);
        _file.Flush();
    }

    /// <summary>Documents with equal keys in one band, over all segments; only groups of two and more. The list is used again for the next group.</summary>
    public IEnumerable<List<int>> Groups(int band)
    {
        var queue = new PriorityQueue<Run, ulong>(_counts.Count);
        var buffer = Math.Clamp(MergeBytes / EntryBytes / Math.Max(1, _counts.Count), 256, 1 << 14);
        for (var s = 0; s < _counts.Count; s++)
        {
            var start = _starts[s] + ((long)band * _counts[s] * EntryBytes);
            var run = new Run(_file, start, start + ((long)_counts[s] * sizeof(ulong)), _counts[s], buffer);
            if (run.Next())
            {
                queue.Enqueue(run, run.Key);
            }
        }

        var group = new List<int>();
        ulong? key = null;
        while (queue.TryPeek(out var run, out var next))
        {
            if (next != key)
            {
                if (group.Count > 1)
                {
                    yield return group;
                }

                group.Clear();
                key = next;
            }

            group.Add(run.Document);
            if (!run.Next())
            {
                queue.Dequeue();
            }
            else if (run.Key != next)
            {
                // While the key stays the same, so does the run's place at the head.
                queue.DequeueEnqueue(run, run.Key);
            }
        }

        if (group.Count > 1)
        {
            yield return group;
        }
    }

    public void FlushToDisk() => _file.FlushToDisk();

    public void Dispose() => _file.Dispose();

    /// <summary>Reads one band of one segment from its first key to its last.</summary>
    private sealed class Run(AppendFile file, long keysAt, long documentsAt, int count, int capacity)
    {
        private readonly ulong[] _keys = new ulong[Math.Min(count, capacity)];
        private readonly int[] _documents = new int[Math.Min(count, capacity)];
        private int _read;
        private int _held;
        private int _at;

        public ulong Key => _keys[_at];

        public int Document => _documents[_at];

        public bool Next()
        {
            if (++_at < _held)
            {
                return true;
            }

            if (_read == count)
            {
                return false;
            }

            _held = Math.Min(_keys.Length, count - _read);
            file.Read(MemoryMarshal.AsBytes(_keys.AsSpan(0, _held)), keysAt + ((long)_read * sizeof(ulong)));
            file.Read(MemoryMarshal.AsBytes(_documents.AsSpan(0, _held)), documentsAt + ((long)_read * sizeof(int)));
            (_read, _at) = (_read + _held, 0);
            return true;
        }
    }
}
