namespace Lauter.Data.Dedup;

/// <summary>How copies are recognised.</summary>
public enum DedupMethod
{
    /// <summary>Near-copies: MinHash candidates, exact Jaccard decides.</summary>
    MinHash,

    /// <summary>Only texts that are equal after folding.</summary>
    Exact,

    /// <summary>Near-copies by 64-bit SimHash; the similarity is 1 − differing bits / 64.</summary>
    SimHash,

    /// <summary>Copies in meaning: cosine of vectors that the rows bring along.</summary>
    Semantic,

    /// <summary>Repeated sentences are cut out of the texts.</summary>
    Sentence,

    /// <summary>Repeated paragraphs are cut out of the texts.</summary>
    Paragraph,
}

/// <summary>Deduplication of one plain file of rows.</summary>
public sealed record DedupRequest
{
    /// <summary>JSON Lines or Parquet (by suffix).</summary>
    public required string Input { get; init; }

    /// <summary>Folder for the results; created when missing.</summary>
    public required string Output { get; init; }

    /// <summary>See <see cref="DedupMethod"/>.</summary>
    public DedupMethod Method { get; init; }

    /// <summary>Fields whose texts are compared, one after the other. Default <c>text</c>.</summary>
    public IReadOnlyList<string> Fields { get; init; } = ["text"];

    /// <summary>Field with the row's name; rows without it are called by their line number.</summary>
    public string IdField { get; init; } = "id";

    /// <summary>Field with a number or an ISO 8601 time, for <see cref="KeepPolicy.Newest"/> and <see cref="KeepPolicy.Best"/>.</summary>
    public string? RankField { get; init; }

    /// <summary>Field with the vector, an array of numbers, for <see cref="DedupMethod.Semantic"/>.</summary>
    public string VectorField { get; init; } = "vector";

    /// <summary>Similarity from which a row is a copy, 0.5 to 1; null: 0.7 for MinHash, 0.92 (5 bits) for SimHash, 0.95 for vectors.</summary>
    public double? Threshold { get; init; }

    /// <summary>Who stays.</summary>
    public KeepPolicy Keep { get; init; }

    /// <summary>Bands of MinHash.</summary>
    public LshBands Bands { get; init; } = LshBands.Default;

    /// <summary>Units in a shingle, 1 to 32.</summary>
    public int ShingleSize { get; init; } = 5;

    /// <summary>Sentences that must repeat together.</summary>
    public int Window { get; init; } = 1;

    /// <summary>Folder with the index of earlier versions, for MinHash and Exact: rows that copy an earlier row go. Null: this file alone.</summary>
    public string? State { get; init; }

    /// <summary>Write Parquet instead of JSON Lines; null: as the input.</summary>
    public bool? Parquet { get; init; }

    /// <summary>Threads; changes no result.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
}

/// <summary>What a deduplication did.</summary>
public sealed record DedupReport
{
    /// <summary>Rows read, faulty lines not counted.</summary>
    public required int Rows { get; init; }

    /// <summary>Rows kept.</summary>
    public required int Kept { get; init; }

    /// <summary>Rows dropped whose folded text equals that of the kept row.</summary>
    public required int ExactCopies { get; init; }

    /// <summary>Rows dropped as near-copies.</summary>
    public required int NearCopies { get; init; }

    /// <summary>Lines that were no JSON object or had no text.</summary>
    public required int Rejected { get; init; }

    /// <summary>Rows of earlier versions that were kept and now copy a row that the policy prefers.</summary>
    public int Superseded { get; init; }

    /// <summary>Clusters with at least two members.</summary>
    public int Clusters { get; init; }

    /// <summary>Members of the largest cluster.</summary>
    public int LargestCluster { get; init; }

    /// <summary>Candidates that were compared exactly.</summary>
    public long Verified { get; init; }

    /// <summary>Passages removed, for the passage methods.</summary>
    public int PassagesRemoved { get; init; }

    /// <summary>Passages seen, for the passage methods.</summary>
    public int Passages { get; init; }

    /// <summary>Versions in the state, this one included; 0 without a state.</summary>
    public int Versions { get; init; }

    /// <summary>The curve: chance that a pair of this similarity becomes a candidate. Empty for other methods than MinHash.</summary>
    public IReadOnlyDictionary<string, double> Curve { get; init; } = new Dictionary<string, double>();

    /// <summary>Kept-row pairs by exact similarity, to see what lies just below the threshold.</summary>
    public IReadOnlyDictionary<string, int> PairsBySimilarity { get; init; } = new Dictionary<string, int>();

    /// <summary>UTF-8 bytes of the input file.</summary>
    public long InputBytes { get; init; }

    /// <summary>Wall time.</summary>
    public TimeSpan Elapsed { get; init; }
}
