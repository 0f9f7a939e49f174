using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Lauter.Data.Dedup;

/// <summary>
/// Near-copies of a corpus that does not fit into memory and grows version by version: (1) workers cut texts into shingles and make band
/// keys, (2) equal contents are set aside, (3) keys go to sorted segments on disk, (4) segments are merged band by band, those of earlier versions too, and
/// what meets there is a candidate, (5) candidates are verified by exact Jaccard, (6) <see cref="Decide"/> clusters and chooses who stays. A version reads
/// only its own texts; the result of two versions is that of one, and neither the number of workers nor the order of the rows changes it. Memory: 12 to 24
/// bytes for each document, some 150 for each that has a copy, and a few times <see cref="DuplicateIndexOptions.SegmentBytes"/>. Not thread-safe.
/// </summary>
public sealed class DuplicateIndex : IDisposable
{
    private const string PairsFile = "pairs.bin";

    /// <summary>Candidates that are held before they are verified.</summary>
    private const int MostCandidates = 1 << 22;

    private readonly DuplicateIndexOptions _options;
    private readonly int _bands;
    private readonly IndexFiles _files;
    private readonly List<SimilarPair> _pairs;
    private readonly ContentTable _first;
    private readonly List<(int Copy, int First)> _copies = [];
    private readonly List<ulong> _keys = [];
    private readonly List<int> _keyed = [];

    private DuplicateIndex(string? directory, DuplicateIndexOptions options)
    {
        _options = options;
        _bands = options.Bands?.Bands ?? 0;
        _files = new IndexFiles(directory, _bands);
        _pairs = _files.Header is { } header ? _files.Load<SimilarPair>(PairsFile, header.Pairs) : [];
        _first = new ContentTable(number => _files.Document(number).Content);
        for (var i = 0; i < _files.Documents; i++)
        {
            var document = _files.NextDocument(i);
            if (_first.FirstOf(document.Content, i) is var first && first != i)
            {
                _copies.Add((i, first));
            }
        }
    }

    /// <summary>Documents of all versions; they are numbered from 0 in the order in which they came.</summary>
    public int Count => _files.Documents;

    /// <summary>How often <see cref="Add"/> has finished.</summary>
    public int Versions => _files.Header?.Versions ?? 0;

    /// <summary>Candidates that were compared exactly since the index was opened.</summary>
    public long Verified { get; private set; }

    /// <summary>Pairs of different contents with an exact similarity of at least <see cref="DuplicateIndexOptions.Lowest"/>, by number.</summary>
    public IReadOnlyList<SimilarPair> Pairs => _pairs;

    /// <summary>Documents whose content an earlier one has, with the first that has it.</summary>
    public IReadOnlyList<(int Copy, int First)> ExactCopies => _copies;

    /// <summary>Opens or creates an index.</summary>
    /// <param name="directory">Where the state lies; null: in a temporary folder that goes with the object.</param>
    /// <param name="options">Must agree with those under which the index was made.</param>
    /// <exception cref="InvalidDataException">The index was made with other options or by another format.</exception>
    public static DuplicateIndex Open(string? directory, DuplicateIndexOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(options.ShingleSize, Math.Clamp(options.ShingleSize, 1, Shingles.LargestSize));
        options.Bands?.Checked();
        var index = new DuplicateIndex(directory, options);
        if (index._files.Header is { } found)
        {
            var wanted = found with { Format = IndexHeader.CurrentFormat, ShingleSize = options.ShingleSize, Bands = options.Bands?.Bands ?? 0, Rows = options.Bands?.Rows ?? 0, Lowest = options.Lowest };
            if (wanted != found)
            {
                index.Dispose();
                throw new InvalidDataException(
                    $"The duplicate index in '{directory}' was made in format {found.Format} with shingles of {found.ShingleSize}, {found.Bands} x {found.Rows} bands and pairs from {found.Lowest:0.###}; "
                    + $"asked for are format {IndexHeader.CurrentFormat}, shingles of {options.ShingleSize}, {wanted.Bands} x {wanted.Rows} bands and pairs from {options.Lowest:0.###}. Use the same options or another folder.");
            }
        }

        return index;
    }

    /// <summary>Adds a version.</summary>
    /// <param name="batches">Documents; a batch is the work of one worker at a time.</param>
    /// <param name="cancellation">Stops between batches and leaves the last version as it was.</param>
    public void Add(IEnumerable<IReadOnlyList<DuplicateDocument>> batches, CancellationToken cancellation = default) => Add(batches, b => b, cancellation);

    /// <summary>Adds a version whose documents are made from <paramref name="source"/> by the workers.</summary>
    public void Add<T>(IEnumerable<T> source, Func<T, IReadOnlyList<DuplicateDocument>> documents, CancellationToken cancellation = default)
    {
        var (oldDocuments, oldPairs, version) = (Count, _pairs.Count, Versions);
        foreach (var sketch in OrderedMap.Run(source, item => Sketch.Of(documents(item), _options), _options.Workers, cancellation))
        {
            Append(sketch, version);
            if ((long)_keys.Count * (sizeof(ulong) + sizeof(int)) >= _options.SegmentBytes)
            {
                WriteSegment(cancellation);
            }
        }

        WriteSegment(cancellation);
        FindPairs(oldDocuments, oldPairs, cancellation);
        _files.Store(PairsFile, _pairs, oldPairs);
        _files.Commit((count, units, ids, segments) => new IndexHeader(
            IndexHeader.CurrentFormat, _options.ShingleSize, _bands, _options.Bands?.Rows ?? 0, _options.Lowest, version + 1, count, units, ids, _pairs.Count, segments));
    }

    /// <summary>The id of a document.</summary>
    public string IdOf(int number) => _files.ReadId(number);

    /// <summary>Name of a document's content: equal for texts that are equal after folding, the same in every index. A cluster of one has it as its name.</summary>
    public string ContentOf(int number) => _files.NextDocument(number).Name.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The version, from 0, in which a document came.</summary>
    public int VersionOf(int number) => _files.Document(number).Version;

    /// <summary>Clusters and chooses for all documents of all versions. Reads no text.</summary>
    /// <param name="threshold">Exact Jaccard similarity from which two texts are copies, <see cref="DuplicateIndexOptions.Lowest"/> to 1.</param>
    /// <param name="policy">Who stays.</param>
    /// <param name="versions">How many versions count, so that a decision can be compared with an earlier one; null: all.</param>
    public DuplicateVerdicts Decide(double threshold, KeepPolicy policy, int? versions = null)
    {
        if (threshold < _options.Lowest)
        {
            throw new ArgumentOutOfRangeException(nameof(threshold), threshold, $"pairs below {_options.Lowest:0.###} were not kept.");
        }

        var count = versions is { } limit ? FirstOfVersion(limit) : Count;
        return Survivors.Choose(
            count, _copies.Where(c => c.Copy < count), _pairs.Where(p => p.First < count && p.Second < count), _files.Document, number => _files.NextDocument(number).Name, IdOf, threshold, policy);
    }

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();

    private void Append(Sketch sketch, int version)
    {
        var at = 0;
        for (var i = 0; i < sketch.Entries.Length; i++)
        {
            var entry = sketch.Entries[i];
            var number = Count;
            var first = _first.FirstOf(entry.Content, number);
            var (idAt, idBytes) = _files.AppendId(entry.Id);
            var units = sketch.Units.Written.Slice(at, entry.Units);
            at += entry.Units;
            _files.AppendDocument(new IndexedDocument
            {
                Content = entry.Content, UnitsAt = first == number ? _files.AppendUnits(units) : 0, IdAt = idAt, IdBytes = idBytes, Rank = entry.Rank,
                Units = entry.Units, Length = entry.Length, Version = version, First = first,
            });
            if (first != number)
            {
                _copies.Add((number, first));
            }
            else if (entry.Units > 0 && _bands > 0)
            {
                _keyed.Add(number);
                _keys.AddRange(sketch.Keys.AsSpan(i * _bands, _bands));
            }
        }
    }

    private void WriteSegment(CancellationToken cancellation)
    {
        if (_keyed.Count > 0)
        {
            _files.Bands.Append(_keyed.Count, OrderedMap.Run(Enumerable.Range(0, _bands), SortedBand, _options.Workers, cancellation));
            _keyed.Clear();
            _keys.Clear();
        }
    }

    private (ulong[] Keys, int[] Documents) SortedBand(int band)
    {
        var keys = new ulong[_keyed.Count];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = _keys[(i * _bands) + band];
        }

        var documents = _keyed.ToArray();
        Array.Sort(keys, documents);
        return (keys, documents);
    }

    /// <summary>Candidates of all bands, verified whenever many have come together: a pair that two portions hold is compared twice and kept once.</summary>
    private void FindPairs(int firstNew, int oldPairs, CancellationToken cancellation)
    {
        if (Count == firstNew)
        {
            return;
        }

        _files.Flush();
        var found = new List<long>();
        foreach (var candidates in OrderedMap.Run(Enumerable.Range(0, _bands), band => Candidates(band, firstNew), _options.Workers, cancellation))
        {
            found.AddRange(candidates);
            if (found.Count >= MostCandidates)
            {
                BandJoin.Distinct(found);
                if (found.Count >= MostCandidates / 2)
                {
                    Verify(found, cancellation);
                    found.Clear();
                }
            }
        }

        BandJoin.Distinct(found);
        Verify(found, cancellation);
        var fresh = CollectionsMarshal.AsSpan(_pairs)[oldPairs..];
        fresh.Sort((a, b) => (a.First, a.Second).CompareTo((b.First, b.Second)));
        var kept = 0;
        for (var i = 0; i < fresh.Length; i++)
        {
            if (i == 0 || fresh[i] != fresh[kept - 1])
            {
                fresh[kept++] = fresh[i];
            }
        }

        CollectionsMarshal.SetCount(_pairs, oldPairs + kept);
    }

    private List<long> Candidates(int band, int firstNew)
    {
        var found = new List<long>();
        foreach (var group in _files.Bands.Groups(band))
        {
            BandJoin.Pairs(group, firstNew, number => _files.Document(number).Content, found);
        }

        return found;
    }

    /// <summary>Number of the first document of a version, or of all documents when there is no such version.</summary>
    private int FirstOfVersion(int version)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _files.Document(middle).Version < version ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    /// <summary>Candidates, sorted, to pairs; in portions, each of which one worker compares.</summary>
    private void Verify(List<long> candidates, CancellationToken cancellation)
    {
        const int Portion = 1024;
        Verified += candidates.Count;
        var tables = new TableCache(this, _options.SegmentBytes);
        foreach (var pairs in OrderedMap.Run(Enumerable.Range(0, (candidates.Count + Portion - 1) / Portion), p => Compare(CollectionsMarshal.AsSpan(candidates).Slice(p * Portion, Math.Min(Portion, candidates.Count - (p * Portion))), tables), _options.Workers, cancellation))
        {
            _pairs.AddRange(pairs);
        }
    }

    private List<SimilarPair> Compare(ReadOnlySpan<long> candidates, TableCache tables)
    {
        var pairs = new List<SimilarPair>();
        foreach (var candidate in candidates)
        {
            var (first, second) = ((int)(candidate >> 32), (int)candidate);
            var similarity = ShingleTable.Jaccard(tables.Of(first), tables.Of(second), _options.Lowest);
            if (similarity >= _options.Lowest)
            {
                pairs.Add(new SimilarPair(first, second, similarity));
            }
        }

        return pairs;
    }

    /// <summary>Shingle tables that are in use; all are forgotten when they have grown to the limit.</summary>
    private sealed class TableCache(DuplicateIndex index, long limit)
    {
        private ConcurrentDictionary<int, ShingleTable> _tables = new();
        private long _bytes;

        public ShingleTable Of(int number)
        {
            var tables = _tables;
            if (tables.TryGetValue(number, out var table))
            {
                return table;
            }

            var document = index._files.Document(number);
            var units = new uint[document.Units];
            index._files.ReadUnits(document.UnitsAt, units);
            table = new ShingleTable(units, index._options.ShingleSize, new ulong[Shingles.Count(units.Length, index._options.ShingleSize)]);
            if (Interlocked.Add(ref _bytes, table.Bytes) > limit)
            {
                _tables = tables = new ConcurrentDictionary<int, ShingleTable>();
                Interlocked.Exchange(ref _bytes, table.Bytes);
            }

            tables.TryAdd(number, table);
            return table;
        }
    }
}
