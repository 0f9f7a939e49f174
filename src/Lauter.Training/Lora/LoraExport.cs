using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Peft;
using Lauter.Training.Decoders;

namespace Lauter.Training.Lora;

/// <summary>Carries a trained adapter out: to PEFT's form (from which llama.cpp's follows) and into its base.</summary>
internal static class LoraExport
{
    /// <summary>The adapter as PEFT knows it. Pairs that sit on one fused matrix of the file become one pair, block by block.</summary>
    public static PeftAdapter ToPeft(LoraAdapter adapter, DecoderWeights weights, string? baseModel)
    {
        var options = adapter.Options;
        var pairs = adapter.Modules.GroupBy(m => weights.Name(m.Layer, m.Projection)).Select(group => Pair(adapter, weights, group.Key, [.. group])).ToArray();

        // PEFT scales by alpha ÷ rank of the pair; a pair whose rank is not the file's gets the alpha that gives it its own scale.
        var alphas = adapter.Modules.GroupBy(m => weights.Name(m.Layer, m.Projection).Module).Select(group =>
        {
            var rank = group.Sum(m => m.Rank);
            return (Module: group.Key, Rank: rank, Alpha: group.First().Scale * (options.RankStabilised ? Math.Sqrt(rank) : rank));
        }).ToArray();
        var alpha = options.Alpha ?? 2.0 * options.Rank;
        return new PeftAdapter
        {
            BaseModel = baseModel,
            Rank = options.Rank,
            Alpha = alpha,
            RankStabilised = options.RankStabilised,
            TargetModules = [.. pairs.Select(p => p.Module.Split('.')[^1]).Distinct(StringComparer.Ordinal)],
            RankPattern = alphas.Where(a => a.Rank != options.Rank).ToDictionary(a => a.Module, a => a.Rank),
            AlphaPattern = alphas.Where(a => Math.Abs(a.Alpha - alpha) > 1e-6 * alpha).ToDictionary(a => a.Module, a => a.Alpha),
            Pairs = pairs,
        };
    }

    /// <summary>Fills an adapter of the same modules and ranks from PEFT's form.</summary>
    /// <exception cref="AdapterException">It belongs to another base, or has other modules, ranks or scales.</exception>
    public static void FromPeft(PeftAdapter source, LoraAdapter adapter, DecoderWeights weights)
    {
        var pairs = source.On(adapter.Shape.Config).ToDictionary(p => p.Weight.Gguf, StringComparer.Ordinal);
        if (pairs.Count != adapter.Modules.Count)
        {
            throw new AdapterException($"The adapter has {pairs.Count} pairs, but this training has {adapter.Modules.Count}; give it the same targets.");
        }

        foreach (var m in adapter.Modules)
        {
            var name = weights.Name(m.Layer, m.Projection);
            if (!pairs.TryGetValue(name.Gguf, out var found) || found.Pair.Rank != m.Rank || found.Pair.Outputs != m.Out || Math.Abs(source.Scale(found.Pair) - m.Scale) > 1e-6 * m.Scale)
            {
                throw new AdapterException($"The adapter's pair for '{name.Module}' is {(found.Pair is { } p ? $"of rank {p.Rank} and scale {source.Scale(p):0.###}" : "missing")}, but this training has rank {m.Rank} and scale {m.Scale:0.###}.");
            }

            found.Pair.A.CopyTo(adapter.A(m));
            found.Pair.GgufB(name).CopyTo(adapter.B(m));
            if (m.Magnitude >= 0)
            {
                name.ToGguf(found.Pair.Magnitude ?? throw new AdapterException($"The adapter's pair for '{name.Module}' has no magnitudes, but this training decomposes weights.")).CopyTo(adapter.Values[(int)m.Magnitude..]);
            }
        }
    }

    /// <summary>
    /// Writes base + adapter as a complete model. The sum is made in fp32 of the very values that were trained on (a quantised base counts as its widened values) and stored with
    /// at least 16 bits.
    /// </summary>
    /// <param name="basePath">The GGUF file that was trained on.</param>
    /// <param name="adapter">The trained adapter.</param>
    /// <param name="path">Receives the model.</param>
    /// <param name="name">Its name.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    public static void WriteMerged(string basePath, LoraAdapter adapter, string path, string name, GgufTensorType type)
    {
        using var file = GgufFile.Open(basePath);
        using var weights = ModelWeights.Of(file);
        var modules = adapter.Modules.ToLookup(m => (m.Layer, m.Projection));
        var writer = GgufWriter.Create(path);
        writer.AddFrom(file.Metadata, key => key is not ("general.file_type" or "general.alignment" or "general.name" or "general.quantization_version"));
        writer.Add("general.name", name).Add("general.file_type", type switch { GgufTensorType.F32 => 0u, GgufTensorType.F16 => 1u, _ => 32u });
        foreach (var weight in weights.Names)
        {
            writer.AddTensor(weight.Gguf, weight.IsMatrix ? type : GgufTensorType.F32, [.. weight.Shape], () => Sum(weights.Read(weight), adapter, weight.Gguf));
        }

        const string Factors = "rope_freqs.weight";
        if (file.TryGetTensor(Factors, out var factors))
        {
            writer.AddTensor(Factors, GgufTensorType.F32, [.. factors.Shape], () => file.ReadFloat32(Factors));
        }

        writer.Finish();
    }

    private static unsafe float[] Sum(float[] values, LoraAdapter adapter, string name)
    {
        if (!name.StartsWith("blk.", StringComparison.Ordinal))
        {
            return values;
        }

        var parts = name.Split('.');
        var layer = int.Parse(parts[1]);
        Projection[] projections = parts[2] switch
        {
            "attn_qkv" => [Projection.Query, Projection.Key, Projection.Value],
            "attn_q" => [Projection.Query],
            "attn_k" => [Projection.Key],
            "attn_v" => [Projection.Value],
            "attn_output" => [Projection.Output],
            "ffn_gate" => [Projection.Gate],
            "ffn_up" => adapter.Shape.Config.FusedGateUp ? [Projection.Gate, Projection.Up] : [Projection.Up],
            "ffn_down" => [Projection.Down],
            _ => [],
        };
        if (parts[^1] != "weight")
        {
            return values;
        }

        fixed (float* start = values)
        {
            var at = start;
            foreach (var projection in projections)
            {
                var (inputs, outputs) = adapter.Shape.Size(projection);
                adapter.AddTo(layer, projection, 0, outputs, at);
                at += (long)inputs * outputs;
            }
        }

        return values;
    }

    private static LoraPair Pair(LoraAdapter adapter, DecoderWeights weights, WeightName name, LoraModule[] modules)
    {
        int rank = modules.Sum(m => m.Rank), inputs = modules[0].In, outputs = (int)name.Shape[0], at = 0;
        float[] a = new float[rank * inputs], b = new float[outputs * rank];
        foreach (var m in modules)
        {
            adapter.A(m).CopyTo(a.AsSpan(at * inputs));
            var first = weights.FirstRow(m.Layer, m.Projection);
            var source = adapter.B(m);
            for (var row = 0; row < m.Out; row++)
            {
                // Members of a fused matrix have one scale each; the pair has the first one's.
                for (var k = 0; k < m.Rank; k++)
                {
                    b[((first + row) * rank) + at + k] = source[(row * m.Rank) + k] * (m.Scale / modules[0].Scale);
                }
            }

            at += m.Rank;
        }

        return LoraPair.FromGguf(name, rank, a, b, adapter.Options.WeightDecomposed ? Magnitudes(adapter, weights, modules, outputs) : null);
    }

    /// <summary>Row lengths of a whole matrix of the file; parts of it that are not trained have the base's.</summary>
    private static float[] Magnitudes(LoraAdapter adapter, DecoderWeights weights, LoraModule[] modules, int outputs)
    {
        var all = new float[outputs];
        var name = weights.Name(modules[0].Layer, modules[0].Projection);
        foreach (var projection in Enum.GetValues<Projection>().Where(p => weights.Name(modules[0].Layer, p) == name))
        {
            var own = modules.FirstOrDefault(m => m.Projection == projection);
            (own is null ? LoraAdapter.RowLengths(weights, modules[0].Layer, projection) : adapter.Values.Slice((int)own.Magnitude, own.Out)).CopyTo(all.AsSpan(weights.FirstRow(modules[0].Layer, projection)));
        }

        return all;
    }
}
