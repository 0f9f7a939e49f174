using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Lauter.Data.Export;
using Lauter.Retrieval.Embedding;
using Lauter.Retrieval.Vectors;

namespace Lauter.Retrieval.Nearest;

/// <summary>Answers with the label of the example whose vector is nearest. Immutable after building; thread-safe.</summary>
public sealed class NearestVectors
{
    private const int Format = 1;
    private readonly ExampleRow[] _rows;
    private readonly VectorScan _vectors;
    private readonly ITextEmbedder _embedder;

    private NearestVectors(ExampleRow[] rows, VectorScan vectors, ITextEmbedder embedder)
    {
        _rows = rows;
        _vectors = vectors;
        _embedder = embedder;
    }

    /// <summary>Number of examples.</summary>
    public int Count => _rows.Length;

    /// <summary>Embeds <paramref name="rows"/>; both sides of a comparison are questions.</summary>
    public static async Task<NearestVectors> BuildAsync(
        IEnumerable<ExampleRow> rows, ITextEmbedder embedder, IProgress<IndexProgress>? progress, CancellationToken cancellationToken)
    {
        var kept = rows.ToArray();
        var values = new float[kept.Length * embedder.Dimensions];
        for (var start = 0; start < kept.Length; start += 64)
        {
            var texts = kept.Skip(start).Take(64).Select(row => row.Text).ToArray();
            var vectors = await embedder.EmbedAsync(texts, EmbeddingKind.Query, cancellationToken);
            for (var i = 0; i < vectors.Length; i++)
            {
                vectors[i].CopyTo(values, (start + i) * embedder.Dimensions);
            }

            progress?.Report(new IndexProgress("vectors", start + vectors.Length, kept.Length));
        }

        return new NearestVectors(kept, new VectorScan(values, embedder.Dimensions), embedder);
    }

    /// <summary>The nearest example and the cosine; among equals the earliest row.</summary>
    /// <exception cref="InvalidOperationException">There are no examples.</exception>
    public async ValueTask<NearestPrediction> PredictAsync(string text, CancellationToken cancellationToken)
    {
        if (_rows.Length == 0)
        {
            throw new InvalidOperationException("No labelled examples to compare with: the training part of the dataset is empty.");
        }

        var vector = (await _embedder.EmbedAsync([text], EmbeddingKind.Query, cancellationToken))[0];
        var best = _vectors.Search(vector, 1)[0];
        return new NearestPrediction(_rows[best.Number], best.Score);
    }

    /// <summary>Writes everything into one file.</summary>
    public void Save(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None);
        file.Write("LNEV\0"u8);
        file.WriteByte(Format);
        using var zip = new GZipStream(file, CompressionLevel.Fastest);
        using var writer = new BinaryWriter(zip, Encoding.UTF8);
        writer.Write(_embedder.Name);
        writer.Write(_vectors.Dimensions);
        writer.Write(JsonSerializer.Serialize(_rows));
        writer.Write(MemoryMarshal.AsBytes(_vectors.Values));
    }

    /// <summary>Reads a file that <see cref="Save"/> wrote with the same embedder.</summary>
    /// <exception cref="RetrievalException">The file is missing, damaged, of another format, or made with another embedder.</exception>
    public static NearestVectors Load(string path, ITextEmbedder embedder)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            Span<byte> head = stackalloc byte[6];
            file.ReadExactly(head);
            if (!head[..5].SequenceEqual("LNEV\0"u8) || head[5] != Format)
            {
                throw new RetrievalException($"{path} is not a nearest-vector file of format {Format}. Run the training step again.");
            }

            using var reader = new BinaryReader(new GZipStream(file, CompressionMode.Decompress), Encoding.UTF8);
            var name = reader.ReadString();
            var dimensions = reader.ReadInt32();
            if (!string.Equals(name, embedder.Name, StringComparison.Ordinal) || dimensions != embedder.Dimensions)
            {
                throw new RetrievalException($"{path} was made with {name} ({dimensions} dimensions), not with {embedder.Name} ({embedder.Dimensions}). Use that embedder or run the training step again.");
            }

            var rows = JsonSerializer.Deserialize<ExampleRow[]>(reader.ReadString()) ?? [];
            var values = new float[rows.Length * dimensions];
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            return new NearestVectors(rows, new VectorScan(values, dimensions), embedder);
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or JsonException or ArgumentException or FormatException or UnauthorizedAccessException)
        {
            throw new RetrievalException($"{path} cannot be read as a nearest-vector file: {fault.Message} Run the training step again.", fault);
        }
    }
}
