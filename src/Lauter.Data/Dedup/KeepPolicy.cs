namespace Lauter.Data.Dedup;

/// <summary>Which text of several near-copies stays. Ties are broken by the content's hash and then by id, so the order of the rows decides nothing.</summary>
public enum KeepPolicy
{
    /// <summary>The text with the most characters.</summary>
    Longest,

    /// <summary>The row with the greatest <see cref="DuplicateDocument.Rank"/>, read as a time.</summary>
    Newest,

    /// <summary>The row with the greatest <see cref="DuplicateDocument.Rank"/>, read as a quality score.</summary>
    Best,

    /// <summary>The row that came first: the only policy under which the order of the rows matters.</summary>
    First,
}

/// <summary>One text to look for copies of.</summary>
/// <param name="Id">The row's name; need not be unique.</param>
/// <param name="Text">What is compared.</param>
/// <param name="Rank">For <see cref="KeepPolicy.Newest"/> and <see cref="KeepPolicy.Best"/>: the greater one stays; NaN is the least.</param>
public readonly record struct DuplicateDocument(string Id, string Text, double Rank = double.NaN);

/// <summary>How near-copies are found and kept.</summary>
public sealed record DuplicateIndexOptions
{
    /// <summary>Units in a shingle, 1 to 32: words, and in Chinese characters. Default 5.</summary>
    public int ShingleSize { get; init; } = 5;

    /// <summary>Default <see cref="LshBands.Default"/>. Null: only texts that are equal after folding are copies, and nothing is compared.</summary>
    public LshBands? Bands { get; init; } = LshBands.Default;

    /// <summary>Pairs below this exact Jaccard similarity are forgotten, 0 to 1. Default 0.5.</summary>
    public double Lowest { get; init; } = NearDuplicates.LowestThreshold;

    /// <summary>Bytes of band keys that are held before a sorted segment is written, at least 1 MiB; as much goes to the tables of texts that are compared. Default 16 MiB. Changes no result.</summary>
    public long SegmentBytes { get; init; } = 16L << 20;

    /// <summary>Threads, 1 or more. Default: one for each core. Changes no result.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
}

/// <summary>What became of one document.</summary>
/// <param name="Name">Identifier of its cluster as a number; stays the same when a later version adds members.</param>
/// <param name="ClusterSize">Members, kept and dropped, this one included.</param>
/// <param name="Leader">Number of the kept document that this one copies; its own number when it is kept.</param>
/// <param name="Similarity">Exact Jaccard similarity to the leader; 1 for a kept one.</param>
/// <param name="Exact">True when the folded texts are equal.</param>
public readonly record struct DuplicateVerdict(ulong Name, int ClusterSize, int Leader, double Similarity, bool Exact)
{
    /// <summary>Identifier of its cluster, 16 hexadecimal digits.</summary>
    public string Cluster => Name.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
}
