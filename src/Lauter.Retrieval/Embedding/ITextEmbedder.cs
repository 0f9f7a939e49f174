namespace Lauter.Retrieval.Embedding;

/// <summary>Which side of a search a text stands on; some encoders mark it with a prefix.</summary>
public enum EmbeddingKind
{
    /// <summary>What somebody asks.</summary>
    Query,

    /// <summary>What is to be found.</summary>
    Passage,
}

/// <summary>Turns texts into unit vectors. Implementations are thread-safe and give the same vector for the same text, whatever else is in the batch.</summary>
public interface ITextEmbedder
{
    /// <summary>Stable name of model and version; an index refuses an embedder of another name.</summary>
    string Name { get; }

    /// <summary>Numbers in one vector.</summary>
    int Dimensions { get; }

    /// <summary>One vector of length 1 a text, in order.</summary>
    ValueTask<float[][]> EmbedAsync(IReadOnlyList<string> texts, EmbeddingKind kind, CancellationToken cancellationToken);

    /// <summary>Whether the model was trained on the language (<c>en</c>, <c>zh</c>, <c>und</c>); decides the weight of the vector ranking. True by default.</summary>
    bool Knows(string language) => true;
}
