using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Lauter.Training.Natives;

namespace Lauter.Training.Decoders;

/// <summary>The last norm and the output matrix, widened once; the embedding too, since it is the same matrix when tied. Reading is thread-safe.</summary>
internal sealed unsafe class OutputHead : IDisposable
{
    private readonly DecoderWeights _weights;
    private readonly NativeBuffer _matrix, _norm;

    public OutputHead(DecoderWeights weights)
    {
        const int Rows = 1024;
        _weights = weights;
        var shape = weights.Shape;
        (_matrix, _norm) = (new NativeBuffer((long)shape.Vocabulary * shape.Width), new NativeBuffer(shape.Width));
        weights.ReadOutputNorm(_norm.Span(0, shape.Width));
        for (var row = 0; row < shape.Vocabulary; row += Rows)
        {
            weights.ReadOutput(row, _matrix.Span((long)row * shape.Width, Math.Min(Rows, shape.Vocabulary - row) * shape.Width));
        }

        weights.ForgetOutput();
    }

    public float* Matrix => _matrix.Pointer;

    public float* Norm => _norm.Pointer;

    /// <summary>Fills [tokens, width] with scaled embeddings.</summary>
    public void Embed(int[] tokens, nint destination)
    {
        var shape = _weights.Shape;
        for (var i = 0; i < tokens.Length; i++)
        {
            var target = (float*)destination + ((long)i * shape.Width);
            if (shape.Config.TiedEmbeddings)
            {
                Kernels.Copy(Matrix + ((long)tokens[i] * shape.Width), target, shape.Width);
            }
            else
            {
                _weights.ReadEmbedding(tokens[i], new Span<float>(target, shape.Width));
            }

            if (shape.EmbeddingScale != 1)
            {
                Kernels.Scale(target, shape.EmbeddingScale, shape.Width);
            }
        }
    }

    public void Dispose()
    {
        _matrix.Dispose();
        _norm.Dispose();
    }
}

/// <summary>
/// One lane's way from features to log-probabilities and back. The vocabulary is wide and targets are few, so logits exist only for a chunk of rows at
/// a time, and only for rows that predict a target. Not thread-safe.
/// </summary>
internal sealed unsafe class HeadPass(DecoderShape shape, OutputHead head) : IDisposable
{
    private const int ChunkRows = 64;

    private readonly NativeBuffer _normed = new(), _logits = new(), _gradient = new();

    /// <summary>Log-probability (natural) of each target.</summary>
    /// <param name="features">[targets, width] before the last norm; with <paramref name="slopes"/> they become their own gradient.</param>
    /// <param name="targets">A token per row.</param>
    /// <param name="logs">Receives a value per row.</param>
    /// <param name="slopes">d loss / d log-probability per row, or null for no gradient.</param>
    /// <param name="hits">Receives whether the target is the most probable token; may be null.</param>
    /// <param name="teacher">Distributions that take the place of single targets where they are; a row's value is then Σ q·log p. May be null.</param>
    public void Score(float* features, ReadOnlySpan<int> targets, Span<float> logs, float[]? slopes, bool[]? hits, TeacherTarget?[]? teacher = null)
    {
        int width = shape.Width, vocabulary = shape.Vocabulary;
        for (var start = 0; start < targets.Length; start += ChunkRows)
        {
            var rows = Math.Min(ChunkRows, targets.Length - start);
            var here = features + ((long)start * width);
            var logits = Logits(here, rows);
            for (var row = 0; row < rows; row++)
            {
                var line = logits + ((long)row * vocabulary);
                var target = targets[start + row];
                var soft = teacher?[start + row];
                float largest = Kernels.Max(line, vocabulary), score = line[target], wanted = soft?.Expected(line) ?? score;
                if (hits is not null)
                {
                    hits[start + row] = score >= largest;
                }

                var sum = Kernels.ExpSum(line, vocabulary, 1, largest);
                logs[start + row] = wanted - largest - MathF.Log(sum);
                if (slopes is not null)
                {
                    // d log p(target) / d logit = [target] − p.
                    var slope = slopes[start + row];
                    Multiply(line, -slope / sum, vocabulary);
                    if (soft is null)
                    {
                        line[target] += slope;
                    }
                    else
                    {
                        soft.AddTo(line, slope);
                    }
                }
            }

            if (slopes is not null)
            {
                var gradient = _gradient.Reserve(ChunkRows * (long)width);
                Blas.Product(logits, vocabulary, head.Matrix, width, gradient, width, rows, width, vocabulary);
                Kernels.RmsNormBackward(here, width, head.Norm, gradient, width, here, width, rows, width, shape.NormEpsilon, add: false);
            }
        }
    }

    /// <summary>Logits of up to <see cref="ChunkRows"/> rows [rows, vocabulary]; valid until the next call.</summary>
    public float* Logits(float* features, int rows)
    {
        int width = shape.Width, vocabulary = shape.Vocabulary;
        var normed = _normed.Reserve(ChunkRows * (long)width);
        var logits = _logits.Reserve(ChunkRows * (long)vocabulary);
        Kernels.RmsNorm(features, width, head.Norm, normed, width, rows, width, shape.NormEpsilon);
        Blas.Linear(normed, width, head.Matrix, width, logits, vocabulary, rows, vocabulary, width);
        return logits;
    }

    /// <summary>All log-probabilities of the next token, row by row.</summary>
    public void Distributions(float* features, int rows, float[,] destination)
    {
        for (var start = 0; start < rows; start += ChunkRows)
        {
            var count = Math.Min(ChunkRows, rows - start);
            var logits = Logits(features + ((long)start * shape.Width), count);
            for (var row = 0; row < count; row++)
            {
                var line = logits + ((long)row * shape.Vocabulary);
                var target = MemoryMarshal.CreateSpan(ref destination[start + row, 0], shape.Vocabulary);
                new ReadOnlySpan<float>(line, shape.Vocabulary).CopyTo(target);
                var largest = Kernels.Max(line, shape.Vocabulary);
                var shift = largest + MathF.Log(Kernels.ExpSum(line, shape.Vocabulary, 1, largest));
                for (var i = 0; i < target.Length; i++)
                {
                    target[i] -= shift;
                }
            }
        }
    }

    public void Dispose()
    {
        _normed.Dispose();
        _logits.Dispose();
        _gradient.Dispose();
    }

    private static void Multiply(float* x, float factor, int count)
    {
        var factors = Vector512.Create(factor);
        var i = 0;
        for (; i <= count - 16; i += 16)
        {
            (Vector512.Load(x + i) * factors).Store(x + i);
        }

        for (; i < count; i++)
        {
            x[i] *= factor;
        }
    }
}
