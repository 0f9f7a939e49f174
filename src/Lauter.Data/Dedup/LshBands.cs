using System.Globalization;

namespace Lauter.Data.Dedup;

/// <summary>
/// How a signature is cut into bands: two texts become candidates when all rows of one band agree. A pair of Jaccard similarity s is found
/// with probability 1 − (1 − s^rows)^bands (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3).
/// </summary>
/// <param name="Bands">1 to 64.</param>
/// <param name="Rows">Slots in a band, 1 to 16; bands × rows is at most <see cref="MinHash.Length"/>.</param>
public sealed record LshBands(int Bands, int Rows)
{
    /// <summary>
    /// Finds 93 % of pairs at similarity 0.7 and 99.8 % at 0.8. False candidates cost only time, since every candidate is verified, so the
    /// curve may lie lower than that of <see cref="FineWeb"/>.
    /// </summary>
    public static LshBands Default { get; } = new(21, 6);

    /// <summary>The bands of FineWeb, made for clustering without verification: 56 % at 0.7, 92 % at 0.8.</summary>
    public static LshBands FineWeb { get; } = new(14, 8);

    /// <summary>Chance that a pair of Jaccard similarity <paramref name="similarity"/>, 0 to 1, becomes a candidate.</summary>
    public double Probability(double similarity) => 1 - Math.Pow(1 - Math.Pow(similarity, Rows), Bands);

    /// <summary>The similarity where the curve is steepest, (1/bands)^(1/rows).</summary>
    public double Knee => Math.Pow(1.0 / Bands, 1.0 / Rows);

    /// <summary>The curve in words: <c>0.7 0.928, 0.8 0.998</c> …</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Bands} x {Rows}: {string.Join(", ", new[] { 0.5, 0.6, 0.7, 0.8, 0.9 }.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s:0.0} {Probability(s):0.000}")))}");

    /// <summary>Throws when the numbers are out of range.</summary>
    internal LshBands Checked() => Bands is >= 1 and <= 64 && Rows is >= 1 and <= 16 && Bands * Rows <= MinHash.Length
        ? this
        : throw new ArgumentException($"{Bands} bands of {Rows} rows: bands must be 1 to 64, rows 1 to 16 and their product at most {MinHash.Length}.");

    /// <summary>One key for each band of a signature.</summary>
    internal void Keys(ReadOnlySpan<uint> signature, Span<ulong> keys)
    {
        for (var band = 0; band < Bands; band++)
        {
            var key = 0UL;
            foreach (var slot in signature.Slice(band * Rows, Rows))
            {
                key = (key ^ slot) * 0x9E37_79B9_7F4A_7C15UL;
                key ^= key >> 29;
            }

            keys[band] = key;
        }
    }
}
