namespace Lauter.Gateway.Caches;

/// <summary>Which answers are kept and given again to the same tenant.</summary>
public enum CachePolicy
{
    /// <summary>None.</summary>
    Off,

    /// <summary>Answers to requests with <c>temperature</c> 0, embeddings and rankings: asking again would give the same.</summary>
    Exact,

    /// <summary>Every whole answer to an equal request, whatever its temperature.</summary>
    Always,

    /// <summary>As <see cref="Always"/>, and for questions that only mean the same; see <see cref="SemanticPolicy"/>.</summary>
    Semantic,
}
