using TorchSharp;
using static TorchSharp.torch;

namespace Lauter.Training.Networks;

/// <summary>
/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) over adjacent pairs, the layout of llama.cpp's architecture "llama": a pair is
/// one complex number, so a rotation is one complex product, and exported q and k rows need no permutation.
/// </summary>
internal sealed class RotaryTable : IDisposable
{
    private readonly float[] _frequencies;
    private Tensor? _table;

    /// <param name="headDimension">Even number of features of one head.</param>
    /// <param name="frequencyBase">Usually 10,000.</param>
    /// <param name="factors">Divisors of the frequencies ("rope_freqs.weight" of Llama 3), or null.</param>
    public RotaryTable(int headDimension, double frequencyBase, float[]? factors)
    {
        _frequencies = new float[headDimension / 2];
        for (var i = 0; i < _frequencies.Length; i++)
        {
            _frequencies[i] = (float)(Math.Pow(frequencyBase, -2.0 * i / headDimension) / (factors?[i] ?? 1f));
        }
    }

    /// <summary>Rotates <paramref name="heads"/> [batch, time, heads, features]; position 0 is the first of the time axis.</summary>
    public Tensor Rotate(Tensor heads)
    {
        long batch = heads.shape[0], time = heads.shape[1], count = heads.shape[2], features = heads.shape[3];
        var pairs = heads.reshape(batch, time, count, features / 2, 2).view_as_complex();
        return (pairs * Table((int)time)).view_as_real().reshape(batch, time, count, features);
    }

    public void Dispose() => _table?.Dispose();

    /// <summary>[time, 1, features / 2] of complex numbers of modulus one.</summary>
    private Tensor Table(int time)
    {
        if (_table is null || _table.shape[0] < time)
        {
            var length = (int)Math.Max(64, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)time));
            var values = new float[length * _frequencies.Length * 2];
            for (var t = 0; t < length; t++)
            {
                for (var i = 0; i < _frequencies.Length; i++)
                {
                    var (sine, cosine) = Math.SinCos((double)t * _frequencies[i]);
                    values[2 * ((t * _frequencies.Length) + i)] = (float)cosine;
                    values[(2 * ((t * _frequencies.Length) + i)) + 1] = (float)sine;
                }
            }

            using var real = tensor(values, [length, 1, _frequencies.Length, 2]);
            _table?.Dispose();
            _table = real.view_as_complex().DetachFromDisposeScope();
        }

        return _table.narrow(0, 0, time);
    }
}
