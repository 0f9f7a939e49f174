using System.Text;

namespace Lauter.Retrieval.Bm25;

/// <summary>
/// The postings file: magic <c>LBM25\0</c>, version, k1, b, document lengths, then per term (ordinal order) its text and postings as
/// (document gap, frequency) pairs of 7-bit integers. The same index gives the same bytes.
/// </summary>
internal static class Bm25File
{
    private const int Version = 1;
    private static readonly byte[] Magic = "LBM25\0"u8.ToArray();

    public static void Write(string path, Bm25Index index)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(index.Parameters.K1);
        writer.Write(index.Parameters.B);
        writer.Write(index.Count);
        writer.Write(index.TermCount);
        foreach (var length in index.Lengths)
        {
            writer.Write7BitEncodedInt(length);
        }

        for (var term = 0; term < index.TermCount; term++)
        {
            writer.Write(index.Terms[term]);
            int from = index.Offsets[term], to = index.Offsets[term + 1];
            writer.Write7BitEncodedInt(to - from);
            var previous = -1;
            for (var i = from; i < to; i++)
            {
                writer.Write7BitEncodedInt(index.Documents[i] - previous);
                writer.Write7BitEncodedInt(index.Frequencies[i]);
                previous = index.Documents[i];
            }
        }
    }

    public static Bm25Index Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            using var reader = new BinaryReader(stream, Encoding.UTF8);
            if (!reader.ReadBytes(Magic.Length).AsSpan().SequenceEqual(Magic))
            {
                throw new RetrievalException($"{path} is not a postings file (it does not begin with LBM25). Build the index again.");
            }

            var version = reader.ReadInt32();
            if (version != Version)
            {
                throw new RetrievalException($"{path} has postings format {version}, this program reads {Version}. Build the index again.");
            }

            var parameters = new Bm25Parameters { K1 = reader.ReadDouble(), B = reader.ReadDouble() };
            int count = reader.ReadInt32(), termCount = reader.ReadInt32();
            if (count < 0 || termCount < 0 || count > stream.Length || termCount > stream.Length)
            {
                throw new RetrievalException($"{path} claims {count} passages and {termCount} terms in {stream.Length} bytes. The file is damaged; build the index again.");
            }

            return ReadBody(reader, stream.Length, count, termCount, parameters);
        }
        catch (Exception fault) when (fault is IOException or FormatException or ArgumentException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new RetrievalException($"{path} cannot be read as a postings file: {fault.Message} Build the index again.", fault);
        }
    }

    private static Bm25Index ReadBody(BinaryReader reader, long fileLength, int count, int termCount, Bm25Parameters parameters)
    {
        var lengths = new int[count];
        for (var i = 0; i < count; i++)
        {
            lengths[i] = reader.Read7BitEncodedInt();
        }

        var terms = new string[termCount];
        var offsets = new int[termCount + 1];
        var documents = new List<int>();
        var frequencies = new List<int>();
        for (var term = 0; term < termCount; term++)
        {
            terms[term] = reader.ReadString();
            var postings = reader.Read7BitEncodedInt();
            if (postings < 0 || postings > count || postings > fileLength)
            {
                throw new InvalidDataException($"term {term} claims {postings} postings among {count} passages.");
            }

            var document = -1;
            for (var i = 0; i < postings; i++)
            {
                document += reader.Read7BitEncodedInt();
                if ((uint)document >= (uint)count)
                {
                    throw new InvalidDataException($"term {term} points to passage {document} of {count}.");
                }

                documents.Add(document);
                frequencies.Add(reader.Read7BitEncodedInt());
            }

            offsets[term + 1] = documents.Count;
        }

        return new Bm25Index(terms, offsets, [.. documents], [.. frequencies], lengths, parameters);
    }
}
