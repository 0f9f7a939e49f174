namespace Lauter.Data.Dedup;

/// <summary>What a shingle is made of.</summary>
public enum ShingleUnit
{
    /// <summary>Words; every Han character is a word of its own. For documents.</summary>
    Words,

    /// <summary>Letters and digits, without blanks and punctuation. For short texts, where one changed word touches every word shingle.</summary>
    Characters,
}

/// <summary>How near-duplicates are found.</summary>
/// <param name="Unit">See <see cref="ShingleUnit"/>.</param>
/// <param name="Size">Units in a shingle, 1 to 32; character shingles of Chinese texts are half as long.</param>
/// <param name="Threshold">Jaccard similarity from which two texts count as the same, 0.5 to 1.</param>
public sealed record NearDuplicateOptions(ShingleUnit Unit, int Size, double Threshold);
