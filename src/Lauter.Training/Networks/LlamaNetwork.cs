using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Training.Natives;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Lauter.Training.Networks;

/// <summary>
/// A Llama-shaped network in fp32: token embedding, then per layer RMSNorm → grouped-query attention with rotary positions → residual,
/// RMSNorm → SwiGLU → residual, then RMSNorm and the output matrix (the embedding itself when tied). The same forward pass trains and checks
/// what the engine serves. Not thread-safe.
/// </summary>
public sealed class LlamaNetwork : LanguageNetwork
{
    private readonly RotaryTable _rotary;
    private readonly Dictionary<string, NetworkParameter> _byName;

    internal LlamaNetwork(LlamaConfig config, IEnumerable<NetworkParameter> parameters, float[]? rotaryFactors)
    {
        Config = config;
        Parameters = [.. parameters];
        _byName = Parameters.ToDictionary(p => p.Name);
        _rotary = new RotaryTable(config.HeadDimension, config.RopeBase, rotaryFactors);
        RotaryFactors = rotaryFactors;
    }

    /// <summary>The shape of the network.</summary>
    public LlamaConfig Config { get; }

    /// <summary>Number of trainable values; a tied matrix counts once.</summary>
    public long ParameterCount => Parameters.Sum(p => (long)p.Count);

    internal IReadOnlyList<NetworkParameter> Parameters { get; }

    internal float[]? RotaryFactors { get; }

    /// <summary>Reads every weight of a GGUF file of architecture "llama", widened to fp32.</summary>
    /// <exception cref="TorchUnavailableException">libtorch does not load on this machine.</exception>
    public static LlamaNetwork Load(GgufFile file) => LlamaGguf.Load(file);

    /// <inheritdoc/>
    public override float[,] LogProbabilities(int[] ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var tokens = tensor(Array.ConvertAll(ids, id => (long)id), [1, ids.Length]);
        var logs = F.log_softmax(Logits(Forward(tokens, rows: null, dropout: 0)), 1);
        var result = new float[ids.Length, Config.VocabularySize];
        logs.bytes.CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(
            System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref result[0, 0], result.Length)));
        return result;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var parameter in Parameters)
        {
            parameter.Dispose();
        }

        _rotary.Dispose();
    }

    /// <summary>
    /// The normalised features [n, width] before the output matrix.
    /// </summary>
    /// <param name="tokens">int64 [batch, time]. Padding goes to the right: causal attention keeps it from every real token.</param>
    /// <param name="rows">Flat positions (batch × time) whose features are wanted, or null for all. From the last attention on only these rows
    /// are computed, which in completion-only training is most of a layer and nearly all of the output matrix saved.</param>
    /// <param name="dropout">Probability in 0..1 with which features of a residual branch are dropped; 0 = evaluation.</param>
    internal Tensor Forward(Tensor tokens, Tensor? rows, double dropout)
    {
        var x = Drop(Embed(tokens), dropout);
        for (var layer = 0; layer < Config.Layers; layer++)
        {
            var attended = Attend(Normalise(x, this[LlamaWeights.AttentionNorm(layer)]), layer);
            if (layer == Config.Layers - 1)
            {
                attended = attended.reshape(-1, attended.shape[2]);
                x = x.reshape(-1, x.shape[2]);
                if (rows is not null)
                {
                    attended = attended.index_select(0, rows);
                    x = x.index_select(0, rows);
                }
            }

            x = x + Drop(F.linear(attended, this[LlamaWeights.AttentionOutput(layer)]), dropout);
            x = x + Drop(FeedForward(Normalise(x, this[LlamaWeights.FeedForwardNorm(layer)]), layer), dropout);
        }

        return Normalise(x, this[LlamaWeights.OutputNorm]);
    }

    /// <summary>[n, width] → [n, vocabulary].</summary>
    internal Tensor Logits(Tensor features) =>
        F.linear(features, this[Config.TiedEmbeddings ? LlamaWeights.Embedding : LlamaWeights.Output]);

    private static Tensor Drop(Tensor x, double probability) => probability > 0 ? F.dropout(x, probability, training: true) : x;

    private Tensor this[string name] => _byName[name].Tensor;

    private Tensor Embed(Tensor tokens) =>
        this[LlamaWeights.Embedding].index_select(0, tokens.reshape(-1)).view(tokens.shape[0], tokens.shape[1], Config.Width);

    private Tensor Normalise(Tensor x, Tensor gain)
    {
        var scale = (x.square().mean([-1], keepdim: true) + Config.NormEpsilon).rsqrt();
        return x * scale * gain;
    }

    /// <summary>[batch, time, width] → [batch, time, heads × features], before the output projection.</summary>
    private Tensor Attend(Tensor x, int layer)
    {
        long batch = x.shape[0], time = x.shape[1], features = Config.HeadDimension;
        int heads = Config.Heads, shared = Config.KvHeads;
        var all = F.linear(x, this[LlamaWeights.AttentionQkv(layer)]).view(batch, time, heads + (2 * shared), features);
        var rotated = _rotary.Rotate(all.narrow(2, 0, heads + shared));
        var queries = rotated.narrow(2, 0, heads);
        var keys = Repeat(rotated.narrow(2, heads, shared));
        var values = Repeat(all.narrow(2, heads + shared, shared));
        return F.scaled_dot_product_attention(queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), is_casual: true)
            .transpose(1, 2).reshape(batch, time, heads * features);
    }

    /// <summary>Gives each query head its own copy of the key or value head it shares.</summary>
    private Tensor Repeat(Tensor x)
    {
        var copies = Config.Heads / Config.KvHeads;
        return copies == 1 ? x : x.unsqueeze(3).expand(-1, -1, -1, copies, -1).reshape(x.shape[0], x.shape[1], Config.Heads, x.shape[3]);
    }

    private Tensor FeedForward(Tensor x, int layer)
    {
        var both = F.linear(x, this[LlamaWeights.FeedForwardGateUp(layer)]);
        var gate = both.narrow(-1, 0, Config.FeedForward);
        var up = both.narrow(-1, Config.FeedForward, Config.FeedForward);
        return F.linear(F.silu(gate) * up, this[LlamaWeights.FeedForwardDown(layer)]);
    }
}
