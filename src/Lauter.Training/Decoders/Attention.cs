using System.Runtime.Intrinsics;
using Lauter.Training.Natives;

namespace Lauter.Training.Decoders;

/// <summary>
/// Grouped-query attention within each document of a pack. The query heads that share a key head are stacked as rows of one matrix, so that
/// each (document, key head) costs a few products over memory that stays in the core's cache; long documents go in blocks of queries.
/// Nothing of the size queries × keys is kept: the backward pass computes the scores again from the saved log-sums (Dao et al. 2022, arXiv:2205.14135).
/// </summary>
internal sealed unsafe class Attention : IDisposable
{
    /// <summary>Query tokens scored at once.</summary>
    private const int Block = 64;

    private readonly DecoderShape _shape;
    private readonly NativeBuffer _keys = new(), _values = new(), _keyGradients = new(), _valueGradients = new();
    private readonly NativeBuffer _queries = new(), _outputs = new(), _scores = new(), _slopes = new(), _queryGradients = new();

    public Attention(DecoderShape shape) => _shape = shape;

    /// <summary>Fills <paramref name="output"/> [queries, heads × size] and <paramref name="logSums"/> [queries, heads].</summary>
    /// <param name="rows">The rows of <paramref name="qkv"/> whose attention is wanted, ascending.</param>
    public void Forward(float* qkv, Pack pack, ReadOnlySpan<int> rows, int window, float* output, float* logSums)
    {
        int size = _shape.HeadSize, group = _shape.Group;
        foreach (var part in new Parts(pack, rows))
        {
            for (var head = 0; head < _shape.KvHeads; head++)
            {
                GatherKeys(qkv, part, head);
                for (var start = 0; start < part.Count; start += Block)
                {
                    var block = Take(qkv, part, rows, start, head);
                    Blas.Linear(block.Queries, size, _keys.Pointer, size, block.Scores, block.Keys, block.Rows, block.Keys, size);
                    Normalise(block, part, rows, start, window, logSums + ((long)(part.First + start) * _shape.Heads) + (head * group), known: false);
                    var target = _outputs.Reserve((long)Block * group * size);
                    Blas.Product(block.Scores, block.Keys, _values.Pointer, size, target, size, block.Rows, size, block.Keys);
                    Scatter(target, output + ((long)(part.First + start) * _shape.Attention) + (head * group * size), _shape.Attention, block.Count, group * size);
                }
            }
        }
    }

    /// <summary>Adds to <paramref name="gradient"/> [rows, qkv columns], which begins at zero.</summary>
    public void Backward(float* qkv, Pack pack, ReadOnlySpan<int> rows, int window, float* output, float* logSums, float* outputGradient, float* gradient)
    {
        int size = _shape.HeadSize, group = _shape.Group;
        foreach (var part in new Parts(pack, rows))
        {
            for (var head = 0; head < _shape.KvHeads; head++)
            {
                GatherKeys(qkv, part, head);
                float* keyGradients = _keyGradients.Reserve((long)part.Keys * size), valueGradients = _valueGradients.Reserve((long)part.Keys * size);
                new Span<float>(keyGradients, part.Keys * size).Clear();
                new Span<float>(valueGradients, part.Keys * size).Clear();
                for (var start = 0; start < part.Count; start += Block)
                {
                    var block = Take(qkv, part, rows, start, head);
                    Blas.Linear(block.Queries, size, _keys.Pointer, size, block.Scores, block.Keys, block.Rows, block.Keys, size);
                    Normalise(block, part, rows, start, window, logSums + ((long)(part.First + start) * _shape.Heads) + (head * group), known: true);

                    // dV += Pᵀ·dO, dP = dO·Vᵀ, dS = P∘(dP − Σ dO∘O)·scale, dQ = dS·K, dK += dSᵀ·Q.
                    var upstream = _outputs.Reserve((long)Block * group * size);
                    var offset = ((long)(part.First + start) * _shape.Attention) + (head * group * size);
                    Gather(outputGradient + offset, _shape.Attention, upstream, block.Count, group * size);
                    Blas.Transposed(block.Scores, block.Keys, upstream, size, valueGradients, size, block.Keys, size, block.Rows, beta: 1);
                    var slopes = _slopes.Reserve((long)Block * group * part.Keys);
                    Blas.Linear(upstream, size, _values.Pointer, size, slopes, block.Keys, block.Rows, block.Keys, size);
                    for (var row = 0; row < block.Rows; row++)
                    {
                        var sum = Kernels.Dot(upstream + ((long)row * size), output + offset + ((long)(row / group) * _shape.Attention) + (row % group * size), size);
                        Slope(block.Scores + ((long)row * block.Keys), slopes + ((long)row * block.Keys), sum, _shape.AttentionScale, block.Keys);
                    }

                    var queryGradients = _queryGradients.Reserve((long)Block * group * size);
                    Blas.Product(slopes, block.Keys, _keys.Pointer, size, queryGradients, size, block.Rows, size, block.Keys);
                    Blas.Transposed(slopes, block.Keys, block.Queries, size, keyGradients, size, block.Keys, size, block.Rows, beta: 1);
                    for (var i = 0; i < block.Count; i++)
                    {
                        Kernels.Copy(queryGradients + ((long)i * group * size), gradient + ((long)rows[part.First + start + i] * _shape.Qkv) + (head * group * size), group * size);
                    }
                }

                ScatterKeys(gradient, part, head);
            }
        }
    }

    public void Dispose()
    {
        foreach (var buffer in new[] { _keys, _values, _keyGradients, _valueGradients, _queries, _outputs, _scores, _slopes, _queryGradients })
        {
            buffer.Dispose();
        }
    }

    private static void Slope(float* probabilities, float* slopes, float sum, float scale, int count)
    {
        var sums = Vector512.Create(sum);
        var scales = Vector512.Create(scale);
        var i = 0;
        for (; i <= count - 16; i += 16)
        {
            var p = Vector512.Load(probabilities + i);
            (p * (Vector512.Load(slopes + i) - sums) * scales).Store(slopes + i);
        }

        for (; i < count; i++)
        {
            slopes[i] = probabilities[i] * (slopes[i] - sum) * scale;
        }
    }

    private static void Gather(float* source, int stride, float* target, int count, int width)
    {
        for (var i = 0; i < count; i++)
        {
            Kernels.Copy(source + ((long)i * stride), target + ((long)i * width), width);
        }
    }

    private static void Scatter(float* source, float* target, int stride, int count, int width)
    {
        for (var i = 0; i < count; i++)
        {
            Kernels.Copy(source + ((long)i * width), target + ((long)i * stride), width);
        }
    }

    /// <summary>Scores to probabilities, causal and within the window; rows are (token, query head of the group).</summary>
    private void Normalise(BlockOf block, Part part, ReadOnlySpan<int> rows, int start, int window, float* logSums, bool known)
    {
        var group = _shape.Group;
        for (var row = 0; row < block.Rows; row++)
        {
            var scores = block.Scores + ((long)row * block.Keys);
            var end = part.KeyOf(rows[part.First + start + (row / group)]) + 1;
            var begin = Math.Max(0, end - window);
            var logSum = logSums + ((long)(row / group) * _shape.Heads) + (row % group);
            if (known)
            {
                Kernels.ExpSum(scores + begin, end - begin, _shape.AttentionScale, *logSum);
            }
            else
            {
                var largest = Kernels.Max(scores + begin, end - begin) * _shape.AttentionScale;
                var sum = Kernels.ExpSum(scores + begin, end - begin, _shape.AttentionScale, largest);
                Kernels.Scale(scores + begin, 1 / sum, end - begin);
                *logSum = largest + MathF.Log(sum);
            }

            new Span<float>(scores, begin).Clear();
            new Span<float>(scores + end, block.Keys - end).Clear();
        }
    }

    private BlockOf Take(float* qkv, Part part, ReadOnlySpan<int> rows, int start, int head)
    {
        int size = _shape.HeadSize, group = _shape.Group, count = Math.Min(Block, part.Count - start);
        var queries = _queries.Reserve((long)Block * group * size);
        for (var i = 0; i < count; i++)
        {
            Kernels.Copy(qkv + ((long)rows[part.First + start + i] * _shape.Qkv) + (head * group * size), queries + ((long)i * group * size), group * size);
        }

        // Keys after the block's last query are never seen, so they are not computed.
        var keys = part.KeyOf(rows[part.First + start + count - 1]) + 1;
        return new BlockOf(queries, _scores.Reserve((long)Block * group * part.Keys), count, count * group, keys);
    }

    private void GatherKeys(float* qkv, Part part, int head)
    {
        int size = _shape.HeadSize, key = _shape.Attention + (head * size), value = key + _shape.Shared;
        float* keys = _keys.Reserve((long)part.Keys * size), values = _values.Reserve((long)part.Keys * size);
        for (var i = 0; i < part.Keys; i++)
        {
            var source = qkv + ((long)part.RowOfKey(i) * _shape.Qkv);
            Kernels.Copy(source + key, keys + ((long)i * size), size);
            Kernels.Copy(source + value, values + ((long)i * size), size);
        }
    }

    private void ScatterKeys(float* gradient, Part part, int head)
    {
        int size = _shape.HeadSize, key = _shape.Attention + (head * size), value = key + _shape.Shared;
        for (var i = 0; i < part.Keys; i++)
        {
            var target = gradient + ((long)part.RowOfKey(i) * _shape.Qkv);
            Kernels.AddScaled(target + key, _keyGradients.Pointer + ((long)i * size), 1, size);
            Kernels.AddScaled(target + value, _valueGradients.Pointer + ((long)i * size), 1, size);
        }
    }

    private readonly record struct BlockOf(nint QueryAddress, nint ScoreAddress, int Count, int Rows, int Keys)
    {
        public BlockOf(float* queries, float* scores, int count, int rows, int keys)
            : this((nint)queries, (nint)scores, count, rows, keys)
        {
        }

        public float* Queries => (float*)QueryAddress;

        public float* Scores => (float*)ScoreAddress;
    }

    /// <summary>A document and the queries wanted of it: rows [<paramref name="First"/>, + <paramref name="Count"/>) of the list of rows.</summary>
    private readonly record struct Part(int Prefix, int Start, int Length, int First, int Count)
    {
        /// <summary>Tokens that can be attended to, the shared prefix first.</summary>
        public int Keys => Prefix + Length;

        public int KeyOf(int row) => row - Start + Prefix;

        public int RowOfKey(int key) => key < Prefix ? key : Start + key - Prefix;
    }

    /// <summary>Walks over the prefix, as a document of its own, and the documents; those without a wanted row are left out.</summary>
    private ref struct Parts(Pack pack, ReadOnlySpan<int> rows)
    {
        private readonly ReadOnlySpan<int> _rows = rows;
        private int _document = -2;
        private int _next;

        public Part Current { get; private set; }

        public readonly Parts GetEnumerator() => this;

        public bool MoveNext()
        {
            while (++_document < pack.Documents)
            {
                var (prefix, start, length) = _document < 0 ? (0, 0, pack.Prefix) : (pack.Prefix, pack.Starts[_document], pack.Lengths[_document]);
                var first = _next;
                while (_next < _rows.Length && _rows[_next] < start + length)
                {
                    _next++;
                }

                if (_next > first)
                {
                    Current = new Part(prefix, start, length, first, _next - first);
                    return true;
                }
            }

            return false;
        }
    }
}
