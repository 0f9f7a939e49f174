namespace Lauter.Retrieval.Fusion;

/// <summary>How the lexical and the vector ranking are put together.</summary>
public sealed record FusionOptions
{
    /// <summary>The constant of reciprocal rank fusion, default 60.</summary>
    public int K { get; init; } = ReciprocalRankFusion.DefaultK;

    /// <summary>How many candidates each ranking contributes, default 50.</summary>
    public int Depth { get; init; } = 50;

    /// <summary>Weight of BM25, default 1.</summary>
    public double LexicalWeight { get; init; } = 1;

    /// <summary>Weight of the vectors when the embedder knows the query's language, default 1.</summary>
    public double VectorWeight { get; init; } = 1;

    /// <summary>Weight of the vectors when the embedder does not know the query's language, default 0: its ranking is then close to chance.</summary>
    public double ForeignVectorWeight { get; init; }
}
