using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;
using Lauter.Retrieval.Chunks;

namespace Lauter.Retrieval;

/// <summary>The file <c>index.json</c>: what the index is made of, and the size of every other file, so that a cut copy is noticed.</summary>
internal sealed record IndexHeader
{
    public required int Format { get; init; }

    public required IndexOptions Options { get; init; }

    public required IndexReport Report { get; init; }

    public required SortedDictionary<string, long> Files { get; init; }
}

/// <summary>Names and forms of the files of an index directory.</summary>
internal static class IndexFiles
{
    public const int Format = 1;
    public const string Header = "index.json";
    public const string Chunks = "chunks.jsonl.gz";
    public const string Postings = "postings.bm25";
    public const string Vectors = "vectors.f32";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        // The files are read by people and never put into HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly JsonSerializerOptions Indented = new(Json) { WriteIndented = true, NewLine = "\n" };

    public static void WriteChunks(string path, IEnumerable<Chunk> chunks)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None);
        using var zip = new GZipStream(file, CompressionLevel.Optimal);
        foreach (var chunk in chunks)
        {
            JsonSerializer.Serialize(zip, chunk, Json);
            zip.WriteByte((byte)'\n');
        }
    }

    public static Chunk[] ReadChunks(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            using var reader = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
            var chunks = new List<Chunk>();
            while (reader.ReadLine() is { } line)
            {
                chunks.Add(JsonSerializer.Deserialize<Chunk>(line, Json) ?? throw new InvalidDataException($"line {chunks.Count + 1} is null."));
            }

            return [.. chunks];
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or JsonException or UnauthorizedAccessException)
        {
            throw new RetrievalException($"{path} cannot be read as the passages of an index: {fault.Message} Build the index again.", fault);
        }
    }

    public static void WriteHeader(string directory, IndexHeader header) =>
        File.WriteAllText(Path.Combine(directory, Header), JsonSerializer.Serialize(header, Indented) + "\n");

    public static IndexHeader ReadHeader(string directory)
    {
        var path = Path.Combine(directory, Header);
        IndexHeader header;
        try
        {
            header = JsonSerializer.Deserialize<IndexHeader>(File.ReadAllText(path), Json) ?? throw new InvalidDataException("it holds null.");
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or JsonException or UnauthorizedAccessException)
        {
            throw new RetrievalException($"{path} cannot be read as the head of an index: {fault.Message} Build the index again.", fault);
        }

        if (header.Format != Format)
        {
            throw new RetrievalException($"{path} has index format {header.Format}, this program reads {Format}. Build the index again.");
        }

        foreach (var (name, length) in header.Files)
        {
            // Opened, not asked by name: the file may be a link into the object store, whose own length says nothing.
            var file = Path.Combine(directory, name);
            var found = File.Exists(file) ? LengthOf(file) : 0;
            if (found != length)
            {
                throw new RetrievalException($"{file} has {found} bytes, the index wrote {length}. Build the index again.");
            }
        }

        return header;
    }

    private static long LengthOf(string path)
    {
        using var handle = File.OpenHandle(path);
        return RandomAccess.GetLength(handle);
    }
}
