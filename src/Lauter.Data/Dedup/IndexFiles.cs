using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;

namespace Lauter.Data.Dedup;

/// <summary>One document of the index, 64 bytes, as it stands in the file.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal struct IndexedDocument
{
    public UInt128 Content;
    public long UnitsAt;
    public long IdAt;
    public double Rank;
    public int Units;
    public int Length;
    public int IdBytes;
    public int Version;

    /// <summary>Number of the first document with the same content; only that one has units and band keys.</summary>
    public int First;

    public readonly ulong Name => (ulong)(Content >> 64);
}

/// <summary>The file <c>index.json</c>: what of the other files is valid. Bytes behind these lengths come from a run that was stopped, and are written over.</summary>
internal sealed record IndexHeader(int Format, int ShingleSize, int Bands, int Rows, double Lowest, int Versions, int Documents, long UnitBytes, long IdBytes, int Pairs, IReadOnlyList<int> Segments)
{
    public const int CurrentFormat = 2;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IndexHeader))]
internal sealed partial class IndexJson : JsonSerializerContext;

/// <summary>
/// The files of a <see cref="DuplicateIndex"/>: <c>documents.bin</c>, <c>units.bin</c>, <c>ids.bin</c>, <c>pairs.bin</c>, <c>bands.bin</c> (segments of
/// sorted band keys, one after the other) and <c>index.json</c>, which is replaced last and so makes a version valid as a whole. Little-endian. Reads are
/// thread-safe, appends come from one thread.
/// </summary>
internal sealed class IndexFiles : IDisposable
{
    private const int BufferBytes = 1 << 20;
    private const int PageDocuments = 256;

    private static readonly int DocumentBytes = System.Runtime.CompilerServices.Unsafe.SizeOf<IndexedDocument>();

    private readonly AppendFile _documents;
    private readonly AppendFile _units;
    private readonly AppendFile _ids;
    private readonly bool _temporary;
    private Page? _page;

    private sealed record Page(int Number, IndexedDocument[] Documents);

    /// <param name="directory">Null: a temporary one that goes with the object.</param>
    /// <param name="bands">Bands of a new index.</param>
    public IndexFiles(string? directory, int bands)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("The index is written on little-endian machines only.");
        }

        _temporary = directory is null;
        Root = directory ?? Path.Combine(Path.GetTempPath(), $"lauter-dedup-{Guid.CreateVersion7():N}");
        Directory.CreateDirectory(Root);
        var header = PathOf("index.json");
        Header = File.Exists(header) ? JsonSerializer.Deserialize(File.ReadAllBytes(header), IndexJson.Default.IndexHeader) : null;
        _documents = new AppendFile(PathOf("documents.bin"), (long)(Header?.Documents ?? 0) * DocumentBytes, BufferBytes);
        _units = new AppendFile(PathOf("units.bin"), Header?.UnitBytes ?? 0, BufferBytes);
        _ids = new AppendFile(PathOf("ids.bin"), Header?.IdBytes ?? 0, BufferBytes);
        var segments = BandSegments.Of(Header);
        Bands = new BandSegments(new AppendFile(PathOf("bands.bin"), segments.Bytes, BufferBytes), segments.Counts, Header?.Bands ?? bands);
    }

    /// <summary>Where the files lie.</summary>
    public string Root { get; }

    /// <summary>The last valid state, or null for a new index.</summary>
    public IndexHeader? Header { get; private set; }

    /// <summary>Sorted band keys.</summary>
    public BandSegments Bands { get; }

    /// <summary>Documents, those of an unfinished version included.</summary>
    public int Documents => (int)(_documents.Length / DocumentBytes);

    public List<T> Load<T>(string name, int count) where T : unmanaged
    {
        var list = new List<T>(count);
        CollectionsMarshal.SetCount(list, count);
        var bytes = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(list));
        if (bytes.Length > 0)
        {
            using var file = new AppendFile(PathOf(name), bytes.Length, 0);
            file.Read(bytes, 0);
        }

        return list;
    }

    /// <summary>Appends the values from <paramref name="from"/> on; what stood there before is written over.</summary>
    public void Store<T>(string name, List<T> values, int from) where T : unmanaged
    {
        var size = System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
        using var handle = File.OpenHandle(PathOf(name), FileMode.OpenOrCreate, FileAccess.Write);
        RandomAccess.Write(handle, MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(values)[from..]), (long)from * size);
        RandomAccess.SetLength(handle, (long)values.Count * size);
        RandomAccess.FlushToDisk(handle);
    }

    public void AppendDocument(in IndexedDocument document) => _documents.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<IndexedDocument>(in document)));

    /// <summary>One document, from anywhere.</summary>
    public IndexedDocument Document(int number)
    {
        IndexedDocument document = default;
        _documents.Read(MemoryMarshal.AsBytes(new Span<IndexedDocument>(ref document)), (long)number * DocumentBytes);
        return document;
    }

    /// <summary>One document, for readers that go from the first to the last.</summary>
    public IndexedDocument NextDocument(int number)
    {
        var (pageNumber, place) = Math.DivRem(number, PageDocuments);
        var page = _page;
        if (page is null || page.Number != pageNumber || place >= page.Documents.Length)
        {
            var first = pageNumber * PageDocuments;
            page = new Page(pageNumber, new IndexedDocument[Math.Min(PageDocuments, Documents - first)]);
            _documents.Read(MemoryMarshal.AsBytes(page.Documents.AsSpan()), (long)first * DocumentBytes);
            _page = page;
        }

        return page.Documents[place];
    }

    public (long At, int Bytes) AppendId(string id)
    {
        var bytes = Encoding.UTF8.GetBytes(id);
        return (_ids.Append(bytes), bytes.Length);
    }

    public long AppendUnits(ReadOnlySpan<uint> units) => _units.Append(MemoryMarshal.AsBytes(units));

    public string ReadId(int number)
    {
        var document = Document(number);
        var bytes = new byte[document.IdBytes];
        _ids.Read(bytes, document.IdAt);
        return Encoding.UTF8.GetString(bytes);
    }

    public void ReadUnits(long at, Span<uint> units) => _units.Read(MemoryMarshal.AsBytes(units), at);

    /// <summary>Empties the buffers, so that threads may read side by side until the next append.</summary>
    public void Flush()
    {
        _documents.Flush();
        _units.Flush();
        _ids.Flush();
    }

    /// <summary>Makes everything written so far the valid state.</summary>
    public void Commit(Func<int, long, long, IReadOnlyList<int>, IndexHeader> header)
    {
        _documents.FlushToDisk();
        _units.FlushToDisk();
        _ids.FlushToDisk();
        Bands.FlushToDisk();
        Header = header(Documents, _units.Length, _ids.Length, Bands.Counts);
        AtomicFile.WriteJson(PathOf("index.json"), Header, IndexJson.Default.IndexHeader);
    }

    public void Dispose()
    {
        _documents.Dispose();
        _units.Dispose();
        _ids.Dispose();
        Bands.Dispose();
        if (_temporary)
        {
            Directory.Delete(Root, recursive: true);
        }
    }

    private string PathOf(string name) => Path.Combine(Root, name);
}
