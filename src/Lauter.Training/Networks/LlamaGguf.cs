using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Training.Natives;

namespace Lauter.Training.Networks;

/// <summary>Reads and writes a network as GGUF, architecture "llama". In memory q, k, v and gate, up are one matrix each; in the file they are apart.</summary>
internal static class LlamaGguf
{
    public static LlamaNetwork Load(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        Torch.EnsureLoaded();
        var config = LlamaConfig.FromGguf(file);
        var factors = file.TryGetTensor(LlamaWeights.RotaryFactors, out _) ? file.ReadFloat32(LlamaWeights.RotaryFactors) : null;
        RefuseOtherTensors(file, config);
        List<NetworkParameter> parameters = [];
        try
        {
            foreach (var (name, shape) in LlamaWeights.Parameters(config))
            {
                parameters.Add(new NetworkParameter(name, shape, Read(file, config, name, shape)));
            }
        }
        catch
        {
            parameters.ForEach(p => p.Dispose());
            throw;
        }

        return new LlamaNetwork(config, parameters, factors);
    }

    /// <summary>Declares every tensor, fp32; the values are read from the network when the writer finishes.</summary>
    public static void AddTensors(LlamaNetwork network, GgufWriter writer)
    {
        foreach (var parameter in network.Parameters)
        {
            long row = 0;
            foreach (var (name, shape) in LlamaWeights.FileTensors(network.Config, parameter.Name, parameter.Shape))
            {
                var (start, count) = ((int)(row * (shape.Length > 1 ? shape[1] : 1)), (int)shape.Aggregate(1L, (a, b) => a * b));
                writer.AddTensor(name, GgufTensorType.F32, shape, () => parameter.Values.Slice(start, count).ToArray());
                row += shape[0];
            }
        }

        if (network.RotaryFactors is { } factors)
        {
            writer.AddTensor(LlamaWeights.RotaryFactors, GgufTensorType.F32, [factors.Length], factors);
        }
    }

    /// <summary>A bias or an extra norm left out would give a network that runs and is wrong.</summary>
    private static void RefuseOtherTensors(GgufFile file, LlamaConfig config)
    {
        var known = LlamaWeights.Parameters(config).SelectMany(p => LlamaWeights.FileTensors(config, p.Name, p.Shape)).Select(t => t.Name).Append(LlamaWeights.RotaryFactors).ToHashSet();
        if (file.Tensors.FirstOrDefault(t => !known.Contains(t.Name)) is { } other)
        {
            throw new GgufFormatException($"{file.Path}: the tensor {other.Name} is not part of a Llama network here, so the model cannot be trained or compared.");
        }
    }

    private static float[] Read(GgufFile file, LlamaConfig config, string name, long[] shape)
    {
        List<float> values = new((int)shape.Aggregate(1L, (a, b) => a * b));
        foreach (var (part, partShape) in LlamaWeights.FileTensors(config, name, shape))
        {
            var tensor = file.Tensor(part);
            if (!tensor.Shape.SequenceEqual(partShape))
            {
                throw new GgufFormatException($"{file.Path}: {part} is [{string.Join(", ", tensor.Shape)}], but the shape of the network asks for [{string.Join(", ", partShape)}].");
            }

            values.AddRange(file.ReadFloat32(part));
        }

        return [.. values];
    }
}
