using Lauter.Training.Lora;
using Lauter.Training.Natives;

namespace Lauter.Training.Optimisers;

/// <summary>
/// AdamW over the one flat piece of memory of an adapter, on all lanes. The lanes' gradients are summed and measured in a first pass over memory and used
/// and cleared in a second; chunks are fixed, so the result does not depend on who takes which.
/// </summary>
internal sealed unsafe class FlatAdamW : IDisposable
{
    private const int Chunk = 1 << 15;

    private readonly LoraAdapter _adapter;
    private readonly IReadOnlyList<LoraGradients> _gradients;
    private readonly Lanes _lanes;
    private readonly NativeBuffer _first, _second;
    private readonly (int Start, int Length, float Ratio, bool Decays)[] _segments;

    public FlatAdamW(LoraAdapter adapter, IReadOnlyList<LoraGradients> gradients, Lanes lanes)
    {
        (_adapter, _gradients, _lanes) = (adapter, gradients, lanes);
        (_first, _second) = (new NativeBuffer(adapter.Count), new NativeBuffer(adapter.Count));
        _first.Clear();
        _second.Clear();
        _segments = [.. Segments(adapter)];
    }

    public float Beta1 { get; init; } = 0.9f;

    public float Beta2 { get; init; } = 0.999f;

    public float Epsilon { get; init; } = 1e-8f;

    public float WeightDecay { get; init; }

    public float[][] State
    {
        get => [_first.Span(0, _adapter.Count).ToArray(), _second.Span(0, _adapter.Count).ToArray()];
        set
        {
            value[0].CopyTo(_first.Span(0, _adapter.Count));
            value[1].CopyTo(_second.Span(0, _adapter.Count));
        }
    }

    /// <summary>Adds the gradients of all lanes into the first and returns their Euclidean length.</summary>
    public double SumGradients()
    {
        var chunks = (_adapter.Count + Chunk - 1) / Chunk;
        var squares = new double[chunks];
        Share(chunks, chunk =>
        {
            int start = chunk * Chunk, length = Math.Min(Chunk, _adapter.Count - start);
            var sum = _gradients[0].Pointer + start;
            for (var lane = 1; lane < _gradients.Count; lane++)
            {
                Decoders.Kernels.AddScaled(sum, _gradients[lane].Pointer + start, 1, length);
                _gradients[lane].Values.Slice(start, length).Clear();
            }

            squares[chunk] = AdamW.SumOfSquares(_gradients[0].Values.Slice(start, length));
        });
        return Math.Sqrt(squares.Sum());
    }

    /// <summary>Moves the adapter by its summed gradient × <paramref name="gradientScale"/> and clears it.</summary>
    /// <param name="step">From 1.</param>
    /// <param name="learningRate">Of A; B moves by a multiple of it with LoRA+.</param>
    /// <param name="gradientScale">Clipping factor ÷ weight of the step.</param>
    public void Step(int step, double learningRate, double gradientScale)
    {
        var correction1 = 1 - Math.Pow(Beta1, step);
        var correction2 = 1 - Math.Pow(Beta2, step);
        Share(_segments.Length, i =>
        {
            var (start, length, ratio, decays) = _segments[i];
            AdamW.Update(
                _adapter.Values.Slice(start, length),
                _gradients[0].Values.Slice(start, length),
                _first.Span(start, length),
                _second.Span(start, length),
                new AdamWFactors(
                    Beta1, Beta2, Epsilon, (float)gradientScale, (float)(learningRate * ratio / correction1), (float)(1 / Math.Sqrt(correction2)),
                    decays ? (float)(1 - (learningRate * ratio * WeightDecay)) : 1));
        });
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
    }

    private static IEnumerable<(int, int, float, bool)> Segments(LoraAdapter adapter)
    {
        var ratio = (float)adapter.Options.RateRatio;
        var pairs = (int)adapter.FirstMagnitude;
        List<(int Start, int Length, float Ratio)> parts = ratio == 1
            ? [(0, pairs, 1f)]
            : [.. adapter.Modules.SelectMany(m => new[] { ((int)m.A, m.Rank * m.In, 1f), ((int)m.B, m.Rank * m.Out, ratio) })];
        parts.Add((pairs, adapter.Count - pairs, 1f));
        foreach (var (start, length, factor) in parts)
        {
            for (var at = 0; at < length; at += Chunk)
            {
                yield return (start + at, Math.Min(Chunk, length - at), factor, start < pairs);
            }
        }
    }

    private void Share(int count, Action<int> work)
    {
        var next = -1;
        _lanes.Run(_ =>
        {
            int mine;
            while ((mine = Interlocked.Increment(ref next)) < count)
            {
                work(mine);
            }
        });
    }
}
