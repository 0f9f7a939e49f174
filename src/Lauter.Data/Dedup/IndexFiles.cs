using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Microsoft.Win32.SafeHandles;

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
}

/// <summary>The file <c>index.json</c>: what of the other files is valid. Bytes behind these lengths come from a run that was stopped, and are written over.</summary>
internal sealed record IndexHeader(int Format, int ShingleSize, int Bands, int Rows, double Lowest, int Versions, int Documents, long UnitBytes, long IdBytes, int Pairs, IReadOnlyList<int> Segments)
{
    public const int CurrentFormat = 1;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IndexHeader))]
internal sealed partial class IndexJson : JsonSerializerContext;

/// <summary>
/// The files of a <see cref="DuplicateIndex"/>: <c>documents.bin</c>, <c>units.bin</c>, <c>ids.bin</c>, <c>pairs.bin</c>, one
/// <c>segment-N.bin</c> for each sorted run of band keys, and <c>index.json</c>, which is replaced last and so makes a version valid as a whole.
/// Little-endian. Reads are thread-safe, appends come from one thread.
/// </summary>
internal sealed class IndexFiles : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private readonly SafeHandleWriter _units;
    private readonly SafeHandleWriter _ids;
    private readonly bool _temporary;

    public IndexFiles(string? directory)
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
        _units = new SafeHandleWriter(PathOf("units.bin"), Header?.UnitBytes ?? 0, BufferBytes);
        _ids = new SafeHandleWriter(PathOf("ids.bin"), Header?.IdBytes ?? 0, BufferBytes);
    }

    /// <summary>Where the files lie.</summary>
    public string Root { get; }

    /// <summary>The last valid state, or null for a new index.</summary>
    public IndexHeader? Header { get; private set; }

    public List<T> Load<T>(string name, int count) where T : unmanaged
    {
        var list = new List<T>(count);
        CollectionsMarshal.SetCount(list, count);
        var bytes = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(list));
        if (bytes.Length > 0)
        {
            using var handle = File.OpenHandle(PathOf(name));
            ReadExactly(handle, bytes, 0);
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

    public (long At, int Bytes) AppendId(string id)
    {
        var bytes = Encoding.UTF8.GetBytes(id);
        return (_ids.Append(bytes), bytes.Length);
    }

    public long AppendUnits(ReadOnlySpan<uint> units) => _units.Append(MemoryMarshal.AsBytes(units));

    public string ReadId(long at, int length)
    {
        var bytes = new byte[length];
        _ids.Read(bytes, at);
        return Encoding.UTF8.GetString(bytes);
    }

    public void ReadUnits(long at, Span<uint> units) => _units.Read(MemoryMarshal.AsBytes(units), at);

    /// <summary>Makes the appended units readable.</summary>
    public void Flush()
    {
        _units.Flush();
        _ids.Flush();
    }

    /// <summary>Creates the file of a segment: for each band its keys, ascending, then their documents.</summary>
    public SafeFileHandle CreateSegment(int number) => File.OpenHandle(SegmentPath(number), FileMode.Create, FileAccess.Write);

    public static void WriteBand(SafeFileHandle segment, int band, ReadOnlySpan<ulong> keys, ReadOnlySpan<int> documents)
    {
        var at = (long)band * keys.Length * (sizeof(ulong) + sizeof(int));
        RandomAccess.Write(segment, MemoryMarshal.AsBytes(keys), at);
        RandomAccess.Write(segment, MemoryMarshal.AsBytes(documents), at + ((long)keys.Length * sizeof(ulong)));
    }

    public (ulong[] Keys, int[] Documents) ReadBand(int segment, int count, int band)
    {
        var (keys, documents) = (new ulong[count], new int[count]);
        using var handle = File.OpenHandle(SegmentPath(segment));
        var at = (long)band * count * (sizeof(ulong) + sizeof(int));
        ReadExactly(handle, MemoryMarshal.AsBytes(keys.AsSpan()), at);
        ReadExactly(handle, MemoryMarshal.AsBytes(documents.AsSpan()), at + ((long)count * sizeof(ulong)));
        return (keys, documents);
    }

    /// <summary>Makes everything written so far the valid state.</summary>
    public void Commit(Func<long, long, IndexHeader> header)
    {
        Flush();
        _units.FlushToDisk();
        _ids.FlushToDisk();
        Header = header(_units.Length, _ids.Length);
        AtomicFile.WriteJson(PathOf("index.json"), Header, IndexJson.Default.IndexHeader);
    }

    public void Dispose()
    {
        _units.Dispose();
        _ids.Dispose();
        if (_temporary)
        {
            Directory.Delete(Root, recursive: true);
        }
    }

    internal static void ReadExactly(SafeFileHandle handle, Span<byte> target, long at)
    {
        while (target.Length > 0)
        {
            var read = RandomAccess.Read(handle, target, at);
            if (read == 0)
            {
                throw new InvalidDataException("A file of the duplicate index is shorter than index.json says: it was changed from outside. Delete the index's folder and build it again.");
            }

            target = target[read..];
            at += read;
        }
    }

    private string PathOf(string name) => Path.Combine(Root, name);

    private string SegmentPath(int number) => PathOf($"segment-{number:D5}.bin");

    /// <summary>Appends through a buffer at a known length and reads anywhere below what was flushed.</summary>
    private sealed class SafeHandleWriter(string path, long length, int capacity) : IDisposable
    {
        private readonly SafeFileHandle _handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        private readonly byte[] _buffer = new byte[capacity];
        private int _buffered;

        public long Length { get; private set; } = length;

        public long Append(ReadOnlySpan<byte> bytes)
        {
            var at = Length;
            Length += bytes.Length;
            if (_buffered + bytes.Length > _buffer.Length)
            {
                Flush(at);
            }

            if (bytes.Length > _buffer.Length)
            {
                RandomAccess.Write(_handle, bytes, at);
            }
            else
            {
                bytes.CopyTo(_buffer.AsSpan(_buffered));
                _buffered += bytes.Length;
            }

            return at;
        }

        public void Read(Span<byte> target, long at) => ReadExactly(_handle, target, at);

        public void Flush() => Flush(Length);

        public void FlushToDisk() => RandomAccess.FlushToDisk(_handle);

        public void Dispose() => _handle.Dispose();

        /// <param name="end">Where the buffered bytes end in the file.</param>
        private void Flush(long end)
        {
            RandomAccess.Write(_handle, _buffer.AsSpan(0, _buffered), end - _buffered);
            _buffered = 0;
        }
    }
}
