using Lauter.Training.Loop;

namespace Lauter.Training.Examples;

/// <summary>
/// Which examples a step sees: a function of (seed, step) only, so a resumed run continues the very same sequence. Each epoch shuffles all
/// examples, sorts windows of them by length so that a batch wastes little padding, cuts batches, and shuffles the batches.
/// </summary>
internal sealed class BatchOrder
{
    private const int WindowBatches = 24;

    private readonly int[] _lengths;
    private readonly int _batchExamples;
    private readonly ulong _seed;
    private int _epoch = -1;
    private int[][] _batches = [];

    /// <param name="lengths">Tokens of each example.</param>
    /// <param name="batchExamples">Examples a step, at least 1.</param>
    /// <param name="seed">Any number.</param>
    public BatchOrder(int[] lengths, int batchExamples, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfZero(lengths.Length);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchExamples);
        (_lengths, _batchExamples, _seed) = (lengths, batchExamples, seed);
    }

    /// <summary>Every example is seen once in so many steps.</summary>
    public int StepsPerEpoch => (_lengths.Length + _batchExamples - 1) / _batchExamples;

    /// <summary>The examples of <paramref name="step"/> (from 0).</summary>
    public IReadOnlyList<int> Step(int step)
    {
        var epoch = step / StepsPerEpoch;
        if (epoch != _epoch)
        {
            _batches = Plan(epoch);
            _epoch = epoch;
        }

        return _batches[step % StepsPerEpoch];
    }

    private int[][] Plan(int epoch)
    {
        var random = new SeededRandom(_seed, 2, (ulong)epoch);
        int[] order = [.. Enumerable.Range(0, _lengths.Length)];
        random.Shuffle(order.AsSpan());
        int[][] batches = [.. order
            .Chunk(WindowBatches * _batchExamples)
            .SelectMany(window => window.OrderBy(i => _lengths[i]).ThenBy(i => i).Chunk(_batchExamples))];
        random.Shuffle(batches.AsSpan());
        return batches;
    }
}
