using System.Numerics.Tensors;
using Lauter.Training.Decoders;
using Lauter.Training.Natives;

namespace Lauter.Training.Lora;

/// <summary>One module's pair of matrices in the flat memory of an adapter.</summary>
/// <param name="Layer">From 0.</param>
/// <param name="Projection">Which matrix.</param>
/// <param name="Rank">Inner size.</param>
/// <param name="Scale">The factor s.</param>
/// <param name="In">Columns of A.</param>
/// <param name="Out">Rows of B.</param>
/// <param name="A">Where A [rank, in] begins.</param>
/// <param name="B">Where B [out, rank] begins.</param>
/// <param name="Magnitude">Where DoRA's row lengths [out] begin; -1 = none.</param>
internal sealed record LoraModule(int Layer, Projection Projection, int Rank, float Scale, int In, int Out, long A, long B, long Magnitude = -1);

/// <summary>
/// The trainable part: all A and B in one flat piece of memory, so that the optimiser, the norm and a checkpoint are one pass each. Modules that share an
/// input (q, k, v; gate, up) have their A side by side and go through one product.
/// </summary>
internal sealed unsafe class LoraAdapter : ILayerAdapter, IDisposable
{
    private readonly NativeBuffer _values, _lengths = new();
    private readonly LoraModule?[,] _modules;

    public LoraAdapter(DecoderShape shape, LoraOptions options)
    {
        (Shape, Options) = (shape, options);
        _modules = new LoraModule?[shape.Layers, LoraOptions.AllTargets.Count];
        List<LoraModule> modules = [];
        long at = 0;
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            foreach (var group in Groups)
            {
                var ranks = group.Select(p => options.RankOf(layer, LoraOptions.AllTargets[(int)p])).ToArray();
                var first = at;
                at += group.Zip(ranks).Sum(pair => (long)pair.Second * shape.Size(pair.First).In);
                for (var i = 0; i < group.Length; i++)
                {
                    var (inputs, outputs) = shape.Size(group[i]);
                    if (ranks[i] > 0)
                    {
                        modules.Add(_modules[layer, (int)group[i]] = new LoraModule(layer, group[i], ranks[i], (float)options.Scale(ranks[i]), inputs, outputs, first, at));
                        first += (long)ranks[i] * inputs;
                        at += (long)ranks[i] * outputs;
                    }
                }
            }
        }

        FirstMagnitude = at;
        for (var i = 0; options.WeightDecomposed && i < modules.Count; i++)
        {
            var m = modules[i];
            modules[i] = _modules[m.Layer, (int)m.Projection] = m with { Magnitude = at };
            at += m.Out;
        }

        _lengths.Reserve(at - FirstMagnitude);
        Modules = modules;
        Count = checked((int)at);
        _values = new NativeBuffer(at);
        _values.Clear();
    }

    /// <summary>Projections that share their input, in their order in a fused matrix.</summary>
    public static IReadOnlyList<Projection[]> Groups { get; } =
        [[Projection.Query, Projection.Key, Projection.Value], [Projection.Output], [Projection.Gate, Projection.Up], [Projection.Down]];

    public DecoderShape Shape { get; }

    public LoraOptions Options { get; }

    public IReadOnlyList<LoraModule> Modules { get; }

    /// <summary>Trainable values: all A and B, then DoRA's row lengths.</summary>
    public int Count { get; }

    /// <summary>Where DoRA's row lengths begin.</summary>
    public long FirstMagnitude { get; }

    /// <summary>Keeps the row lengths that were measured last: DoRA's gradient takes them as constants, and a difference quotient must too.</summary>
    public bool FixesLengths { get; set; }

    public float* Pointer => _values.Pointer;

    public Span<float> Values => _values.Span(0, Count);

    public LoraModule? Module(int layer, Projection projection) => _modules[layer, (int)projection];

    public Span<float> A(LoraModule module) => _values.Span(module.A, module.Rank * module.In);

    public Span<float> B(LoraModule module) => _values.Span(module.B, module.Out * module.Rank);

    /// <summary>
    /// B = 0, A uniform in ±1/√in, a function of (seed, module, place) alone: u = splitmix64(seed·2⁵⁶ + module·2³² + place), its upper 24 bits.
    /// </summary>
    public void Initialise(ulong seed)
    {
        Values.Clear();
        foreach (var module in Modules)
        {
            var number = ((ulong)module.Layer * 7) + (ulong)module.Projection;
            var bound = 1 / Math.Sqrt(module.In);
            var a = A(module);
            for (var k = 0; k < a.Length; k++)
            {
                var u = (Mix((seed << 56) + (number << 32) + (ulong)k) >> 40) / (double)(1 << 24);
                a[k] = (float)(((2 * u) - 1) * bound);
            }
        }
    }

    /// <summary>Makes DoRA's magnitudes the row lengths of the base, so that training starts from it.</summary>
    public void InitialiseMagnitudes(DecoderWeights weights)
    {
        foreach (var m in Modules.Where(m => m.Magnitude >= 0))
        {
            RowLengths(weights, m.Layer, m.Projection).CopyTo(_values.Span(m.Magnitude, m.Out));
        }
    }

    /// <summary>Euclidean length of each row of a frozen matrix.</summary>
    public static float[] RowLengths(DecoderWeights weights, int layer, Projection projection)
    {
        var (inputs, outputs) = weights.Shape.Size(projection);
        var row = new float[inputs];
        var lengths = new float[outputs];
        for (var i = 0; i < outputs; i++)
        {
            weights.Read(layer, projection, i, row);
            lengths[i] = TensorPrimitives.Norm<float>(row);
        }

        return lengths;
    }

    /// <summary>What DoRA multiplies each row of W + s·B·A by: magnitude ÷ length.</summary>
    public float Factor(LoraModule m, int row) => _values.Pointer[m.Magnitude + row] / _lengths.Pointer[m.Magnitude - FirstMagnitude + row];

    public void AddTo(int layer, Projection projection, int row, int rows, float* matrix)
    {
        if (Module(layer, projection) is not { } m)
        {
            return;
        }

        Blas.Product(Pointer + m.B + ((long)row * m.Rank), m.Rank, Pointer + m.A, m.In, matrix, m.In, rows, m.In, m.Rank, m.Scale, beta: 1);
        for (var i = 0; m.Magnitude >= 0 && i < rows; i++)
        {
            var line = new Span<float>(matrix + ((long)i * m.In), m.In);
            if (!FixesLengths)
            {
                _lengths.Pointer[m.Magnitude - FirstMagnitude + row + i] = TensorPrimitives.Norm<float>(line);
            }

            TensorPrimitives.Multiply(line, Factor(m, row + i), line);
        }
    }

    public void Dispose()
    {
        _values.Dispose();
        _lengths.Dispose();
    }

    /// <summary>SplitMix64 as a hash of a counter (Steele, Lea and Flood 2014).</summary>
    private static ulong Mix(ulong x)
    {
        var z = x + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
