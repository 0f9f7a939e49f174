using System.Text.Json.Nodes;

namespace Lauter.Evaluation.Suites;

/// <summary>One question of a suite with its right answer. Candidates see everything but <paramref name="Reference"/>.</summary>
/// <param name="Id">Unique in the suite.</param>
/// <param name="Input">The input fields of the application.</param>
/// <param name="Reference">The right output fields.</param>
/// <param name="Language"><c>en</c>, <c>zh</c> or <c>und</c>: the stratum every report shows.</param>
/// <param name="Cluster">Items of one cluster (near-duplicates, one source document) do not count as independent evidence.</param>
public sealed record SuiteItem(string Id, JsonObject Input, JsonObject Reference, string Language, string Cluster)
{
    /// <summary>The main text of the input, for candidates that read text only; empty when the suite has none.</summary>
    public string Text { get; init; } = "";

    /// <summary>Further strata by name, for example <c>difficulty</c>; <c>language</c> is always there through <see cref="Language"/>.</summary>
    public IReadOnlyDictionary<string, string> Strata { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The value of this item in <paramref name="dimension"/>, or null when it has none.</summary>
    public string? Stratum(string dimension) =>
        dimension == "language" ? Language : Strata.TryGetValue(dimension, out var value) ? value : null;
}
