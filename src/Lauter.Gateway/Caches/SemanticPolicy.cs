namespace Lauter.Gateway.Caches;

/// <summary>How an application gives answers to questions that only mean the same.</summary>
/// <param name="Embeddings">The embedder of this machine, or the application served by a provider, that turns questions into vectors.</param>
public sealed record SemanticPolicy(string Embeddings)
{
    /// <summary>Largest share of wrong answers among those given from the cache, at a confidence of 95 %. Default 0.02; above 0, at most 0.5.</summary>
    public double FalseHits { get; init; } = 0.02;

    /// <summary>Share of the answers that could be given which are asked for all the same and compared. Default 0.1; above 0, at most 1.</summary>
    public double Checks { get; init; } = 0.1;
}
