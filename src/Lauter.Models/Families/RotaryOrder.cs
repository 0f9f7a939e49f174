namespace Lauter.Models.Families;

/// <summary>
/// Row order of query and key weights. llama.cpp rotates neighbouring features (0,1)(2,3)… for architecture "llama", transformers rotates
/// features half a head apart; so rows move: GGUF row h·d + 2i + j is checkpoint row h·d + j·d/2 + i (d = features of a head, j ∈ {0, 1}).
/// </summary>
public static class RotaryOrder
{
    /// <summary>Half-split rows (transformers) → interleaved rows (GGUF).</summary>
    /// <param name="values">[rows, columns], row-major.</param>
    /// <param name="heads">Heads among the rows.</param>
    /// <param name="rows">Number of rows, heads × features of a head.</param>
    public static float[] Interleave(ReadOnlySpan<float> values, int heads, int rows) => Move(values, heads, rows, toInterleaved: true);

    /// <summary>Interleaved rows (GGUF) → half-split rows (transformers).</summary>
    /// <param name="values">[rows, columns], row-major.</param>
    /// <param name="heads">Heads among the rows.</param>
    /// <param name="rows">Number of rows, heads × features of a head.</param>
    public static float[] Split(ReadOnlySpan<float> values, int heads, int rows) => Move(values, heads, rows, toInterleaved: false);

    private static float[] Move(ReadOnlySpan<float> values, int heads, int rows, bool toInterleaved)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        if (rows % heads != 0 || rows / heads % 2 != 0 || values.Length % rows != 0)
        {
            throw new ArgumentException($"{values.Length} values in {rows} rows do not split into {heads} heads of an even size.", nameof(rows));
        }

        int columns = values.Length / rows, size = rows / heads;
        var moved = new float[values.Length];
        for (var head = 0; head < heads; head++)
        {
            for (var i = 0; i < size / 2; i++)
            {
                for (var j = 0; j < 2; j++)
                {
                    var interleaved = (head * size) + (2 * i) + j;
                    var split = (head * size) + (j * size / 2) + i;
                    var (from, to) = toInterleaved ? (split, interleaved) : (interleaved, split);
                    values.Slice(from * columns, columns).CopyTo(moved.AsSpan(to * columns, columns));
                }
            }
        }

        return moved;
    }
}
