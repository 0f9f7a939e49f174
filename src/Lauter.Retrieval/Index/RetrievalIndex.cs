using Lauter.Data.Export;
using Lauter.Data.Text;
using Lauter.Retrieval.Bm25;
using Lauter.Retrieval.Chunks;
using Lauter.Retrieval.Embedding;
using Lauter.Retrieval.Fusion;
using Lauter.Retrieval.Vectors;

namespace Lauter.Retrieval;

/// <summary>
/// Passages of a dataset of documents, found by words (BM25) and by meaning (vectors), the two rankings fused by reciprocal rank.
/// Held in memory after opening; searching is thread-safe.
/// </summary>
public sealed class RetrievalIndex
{
    private const int EmbeddingStep = 64;
    private readonly Chunk[] _chunks;
    private readonly Bm25Index _terms;
    private readonly VectorScan _vectors;
    private readonly ITextEmbedder _embedder;
    private readonly FusionOptions _fusion;

    private RetrievalIndex(Chunk[] chunks, Bm25Index terms, VectorScan vectors, ITextEmbedder embedder, IndexHeader header)
    {
        _chunks = chunks;
        _terms = terms;
        _vectors = vectors;
        _embedder = embedder;
        _fusion = header.Options.Fusion;
        Report = header.Report;
    }

    /// <summary>What the index holds.</summary>
    public IndexReport Report { get; }

    /// <summary>Number of passages.</summary>
    public int Count => _chunks.Length;

    /// <summary>
    /// Builds an index into <paramref name="outputDirectory"/> (created when missing): 1. cut documents into passages, 2. postings, 3. vectors,
    /// 4. <c>index.json</c> last, so that a directory without it is an unfinished build. The same rows, options and embedder give the same bytes.
    /// </summary>
    public static async Task<IndexReport> BuildAsync(
        IEnumerable<DocumentRow> documents, IndexOptions options, ITextEmbedder embedder, string outputDirectory,
        IProgress<IndexProgress>? progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(outputDirectory);
        var chunker = new Chunker(options.Chunks);
        var chunks = new List<Chunk>();
        int read = 0, empty = 0;
        foreach (var document in documents)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var cut = chunker.Cut(document);
            empty += cut.Count == 0 ? 1 : 0;
            chunks.AddRange(cut);
            read++;
            progress?.Report(new IndexProgress("chunks", read, 0));
        }

        string PathOf(string name) => Path.Combine(outputDirectory, name);
        IndexFiles.WriteChunks(PathOf(IndexFiles.Chunks), chunks);

        var postings = Bm25Index.Build(chunks.Select(chunk => Segmenter.Terms(chunk.SearchText())), options.Bm25);
        Bm25File.Write(PathOf(IndexFiles.Postings), postings);
        progress?.Report(new IndexProgress("terms", chunks.Count, chunks.Count));

        var vectors = await EmbedAsync(chunks, embedder, progress, cancellationToken);
        VectorFile.Write(PathOf(IndexFiles.Vectors), vectors);

        var files = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var name in (string[])[IndexFiles.Chunks, IndexFiles.Postings, IndexFiles.Vectors])
        {
            files.Add(name, new FileInfo(PathOf(name)).Length);
        }

        var report = new IndexReport
        {
            Documents = read,
            EmptyDocuments = empty,
            Chunks = chunks.Count,
            ChunksByLanguage = new SortedDictionary<string, int>(
                chunks.GroupBy(chunk => chunk.Language, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal), StringComparer.Ordinal),
            Terms = postings.TermCount,
            Postings = postings.PostingCount,
            Embedder = embedder.Name,
            Dimensions = embedder.Dimensions,
            Bytes = files.Values.Sum(),
        };
        IndexFiles.WriteHeader(outputDirectory, new IndexHeader { Format = IndexFiles.Format, Options = options, Report = report, Files = files });
        return report;
    }

    /// <summary>Opens an index; every file is checked for its format and size first.</summary>
    /// <exception cref="RetrievalException">A file is missing, cut or of another format, or the embedder is not the one that built the index.</exception>
    public static RetrievalIndex Open(string directory, ITextEmbedder embedder)
    {
        var header = IndexFiles.ReadHeader(directory);
        if (!string.Equals(header.Report.Embedder, embedder.Name, StringComparison.Ordinal) || header.Report.Dimensions != embedder.Dimensions)
        {
            throw new RetrievalException(
                $"The index in {directory} was built with {header.Report.Embedder} ({header.Report.Dimensions} dimensions), not with {embedder.Name} ({embedder.Dimensions}). Use that embedder or build the index again.");
        }

        var chunks = IndexFiles.ReadChunks(Path.Combine(directory, IndexFiles.Chunks));
        var terms = Bm25File.Read(Path.Combine(directory, IndexFiles.Postings));
        var vectors = VectorFile.Read(Path.Combine(directory, IndexFiles.Vectors));
        if (chunks.Length != header.Report.Chunks || terms.Count != chunks.Length || vectors.Count != chunks.Length)
        {
            throw new RetrievalException(
                $"The index in {directory} holds {chunks.Length} passages, postings of {terms.Count} and vectors of {vectors.Count}; its head says {header.Report.Chunks}. Build the index again.");
        }

        return new RetrievalIndex(chunks, terms, vectors, embedder, header);
    }

    /// <summary>The <paramref name="k"/> best passages for a question, best first.</summary>
    public ValueTask<IReadOnlyList<Hit>> SearchAsync(string query, int k, CancellationToken cancellationToken) =>
        SearchAsync(query, k, SearchLegs.Fused, cancellationToken);

    /// <summary>The <paramref name="k"/> best passages by the chosen rankings, best first; fewer when fewer match.</summary>
    public async ValueTask<IReadOnlyList<Hit>> SearchAsync(string query, int k, SearchLegs legs, CancellationToken cancellationToken)
    {
        if (k <= 0 || _chunks.Length == 0 || string.IsNullOrWhiteSpace(query))
        {
            return [];
        }

        var depth = Math.Max(k, _fusion.Depth);
        var vectorWeight = legs switch
        {
            SearchLegs.Lexical => 0,
            SearchLegs.Vectors => 1,
            _ => _embedder.Knows(LanguageDetector.Detect(query)) ? _fusion.VectorWeight : _fusion.ForeignVectorWeight,
        };
        var lexical = legs == SearchLegs.Vectors ? [] : _terms.Search(Segmenter.Terms(query), depth);
        IReadOnlyList<ScoredItem> near = [];
        if (vectorWeight > 0)
        {
            var vector = (await _embedder.EmbedAsync([query], EmbeddingKind.Query, cancellationToken))[0];
            near = _vectors.Search(vector, depth);
        }

        var fused = legs switch
        {
            SearchLegs.Lexical => lexical,
            SearchLegs.Vectors => near,
            _ => ReciprocalRankFusion.Fuse([Leg(lexical, _fusion.LexicalWeight), Leg(near, vectorWeight)], _fusion.K),
        };
        return [.. fused.Take(k).Select(item => ToHit(item, RankOf(lexical, item.Number), RankOf(near, item.Number)))];
    }

    private static async Task<VectorScan> EmbedAsync(List<Chunk> chunks, ITextEmbedder embedder, IProgress<IndexProgress>? progress, CancellationToken cancellationToken)
    {
        var values = new float[chunks.Count * embedder.Dimensions];
        for (var start = 0; start < chunks.Count; start += EmbeddingStep)
        {
            var texts = chunks.Skip(start).Take(EmbeddingStep).Select(chunk => chunk.SearchText()).ToArray();
            var rows = await embedder.EmbedAsync(texts, EmbeddingKind.Passage, cancellationToken);
            for (var i = 0; i < rows.Length; i++)
            {
                rows[i].CopyTo(values, (start + i) * embedder.Dimensions);
            }

            progress?.Report(new IndexProgress("vectors", start + rows.Length, chunks.Count));
        }

        return new VectorScan(values, embedder.Dimensions);
    }

    private static RankedLeg Leg(IReadOnlyList<ScoredItem> items, double weight) => new([.. items.Select(item => item.Number)], weight);

    private static int? RankOf(IReadOnlyList<ScoredItem> items, int number)
    {
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].Number == number)
            {
                return i + 1;
            }
        }

        return null;
    }

    private Hit ToHit(ScoredItem item, int? bm25Rank, int? vectorRank)
    {
        var chunk = _chunks[item.Number];
        return new Hit(
            chunk.Id, chunk.DocumentId, chunk.Path, chunk.Title, chunk.HeadingPath, chunk.Text, chunk.Start, chunk.Length, chunk.Page,
            item.Score, bm25Rank, vectorRank);
    }
}
