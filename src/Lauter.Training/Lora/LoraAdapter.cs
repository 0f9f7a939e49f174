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
internal sealed record LoraModule(int Layer, Projection Projection, int Rank, float Scale, int In, int Out, long A, long B);

/// <summary>
/// The trainable part: all A and B in one flat piece of memory, so that the optimiser, the norm and a checkpoint are one pass each. Modules that share an
/// input (q, k, v; gate, up) have their A side by side and go through one product.
/// </summary>
internal sealed unsafe class LoraAdapter : ILayerAdapter, IDisposable
{
    private readonly NativeBuffer _values;
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

    /// <summary>Trainable values.</summary>
    public int Count { get; }

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

    public void AddTo(int layer, Projection projection, int row, int rows, float* matrix)
    {
        if (Module(layer, projection) is { } m)
        {
            Blas.Product(Pointer + m.B + ((long)row * m.Rank), m.Rank, Pointer + m.A, m.In, matrix, m.In, rows, m.In, m.Rank, m.Scale, beta: 1);
        }
    }

    public void Dispose() => _values.Dispose();

    /// <summary>SplitMix64 as a hash of a counter (Steele, Lea and Flood 2014).</summary>
    private static ulong Mix(ulong x)
    {
        var z = x + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
