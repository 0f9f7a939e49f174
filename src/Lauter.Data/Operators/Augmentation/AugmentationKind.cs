namespace Lauter.Data.Operators.Augmentation;

/// <summary>What a provider's model makes of a row.</summary>
public enum AugmentationKind
{
    /// <summary>The same meaning in other words; every other member of the row, its label above all, stays.</summary>
    Paraphrase,

    /// <summary>Questions that the text answers, each with its answer in the text's own words.</summary>
    Questions,
}

/// <summary>A row that a model made, or why one was not taken.</summary>
/// <param name="Row">Null when it was not taken.</param>
/// <param name="Reason">Stable code; null when it was taken.</param>
/// <param name="Detail">For a person.</param>
public sealed record AugmentedRow(System.Text.Json.Nodes.JsonObject? Row, string? Reason = null, string? Detail = null);
