using Lauter.Models.Gguf;
using LLama;
using LLama.Common;
using LLama.Native;

namespace Lauter.Models.Natives;

/// <summary>
/// A model in llama.cpp, asked for log-probabilities of given ids: what a server on the same file would compute, in its most exact setting (fp32 cache, no flash attention,
/// whose fp16 products alone cost up to 1e-2 on an unlikely token). Not thread-safe.
/// </summary>
public sealed class ServedModel : IDisposable
{
    private readonly LLamaWeights _weights;
    private readonly ModelParams _parameters;
    private readonly LoraAdapter? _adapter;
    private readonly float _scale;

    private ServedModel(LLamaWeights weights, ModelParams parameters, LoraAdapter? adapter, float scale)
    {
        _weights = weights;
        _parameters = parameters;
        _adapter = adapter;
        _scale = scale;
    }

    /// <summary>Number of tokens.</summary>
    public int VocabularySize => _weights.Vocab.Count;

    /// <summary>Loads a model, and an adapter onto it.</summary>
    /// <param name="path">A GGUF file; its header is checked before llama.cpp sees it.</param>
    /// <param name="adapter">A GGUF adapter, or null.</param>
    /// <param name="scale">Strength of the adapter, 1 as trained.</param>
    /// <param name="contextLength">Most tokens of one question.</param>
    /// <param name="threads">Threads; 0 = one per core.</param>
    /// <exception cref="GgufFormatException">A file is not sound, or llama.cpp refuses it.</exception>
    public static ServedModel Open(string path, string? adapter = null, float scale = 1, int contextLength = 2048, int threads = 0)
    {
        using (var file = GgufFile.Open(path))
        {
            NativeGuard.Check(file);
            if (file.Metadata.Text("tokenizer.ggml.model") is not ("gpt2" or "llama" or "t5" or "no_vocab") and var kind)
            {
                throw new GgufFormatException($"{path}: tokenizer.ggml.model is '{kind ?? "missing"}'; decoders have gpt2, llama, t5 or no_vocab.");
            }
        }

        using (adapter is null ? null : GgufFile.Open(adapter))
        {
        }

        NativeModels.EnsureLoaded();
        var count = threads > 0 ? threads : Environment.ProcessorCount;
        var parameters = new ModelParams(path)
        {
            ContextSize = (uint)contextLength, BatchSize = (uint)contextLength, UBatchSize = (uint)Math.Min(512, contextLength), Threads = count, BatchThreads = count,
            GpuLayerCount = 0, FlashAttention = false, TypeK = GGMLType.GGML_TYPE_F32, TypeV = GGMLType.GGML_TYPE_F32, SwaFull = true,
        };
        try
        {
            var weights = LLamaWeights.LoadFromFile(parameters);
            try
            {
                return new ServedModel(weights, parameters, adapter is null ? null : weights.NativeHandle.LoadLoraFromFile(adapter), scale);
            }
            catch
            {
                // The weights must not outlive a refused adapter.
                weights.Dispose();
                throw;
            }
        }
        catch (LLama.Exceptions.LoadWeightsFailedException exception)
        {
            throw new GgufFormatException($"{path}: llama.cpp does not load this file{(adapter is null ? "" : $" with the adapter {adapter}")}; its own words come with LAUTER_TRACE=1.", exception);
        }
    }

    /// <summary>Natural-log probabilities of the next token after each prefix.</summary>
    /// <param name="ids">1 to the context length ids.</param>
    public float[][] LogProbabilities(IReadOnlyList<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentOutOfRangeException.ThrowIfZero(ids.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ids.Count, (int)_parameters.ContextSize!.Value);
        if (ids.FirstOrDefault(id => id < 0 || id >= VocabularySize, -1) is var wrong && wrong != -1)
        {
            throw new ArgumentOutOfRangeException(nameof(ids), wrong, $"The vocabulary has tokens 0 to {VocabularySize - 1}.");
        }

        using var context = _weights.CreateContext(_parameters);
        if (_adapter is not null)
        {
            context.NativeHandle.SetLoraAdapters((_adapter, _scale));
        }

        var batch = new LLamaBatch();
        for (var i = 0; i < ids.Count; i++)
        {
            batch.Add(ids[i], i, LLamaSeqId.Zero, logits: true);
        }

        var result = context.NativeHandle.Decode(batch);
        return result == DecodeResult.Ok
            ? [.. Enumerable.Range(0, ids.Count).Select(i => LogSoftmax(context.NativeHandle.GetLogitsIth(i)))]
            : throw new InvalidOperationException($"llama.cpp could not decode {ids.Count} tokens: {result}.");
    }

    /// <summary>Releases the model.</summary>
    public void Dispose() => _weights.Dispose();

    private static float[] LogSoftmax(ReadOnlySpan<float> logits)
    {
        var largest = float.NegativeInfinity;
        foreach (var logit in logits)
        {
            largest = MathF.Max(largest, logit);
        }

        var sum = 0.0;
        foreach (var logit in logits)
        {
            sum += Math.Exp(logit - largest);
        }

        var normaliser = largest + Math.Log(sum);
        var logs = new float[logits.Length];
        for (var i = 0; i < logs.Length; i++)
        {
            logs[i] = (float)(logits[i] - normaliser);
        }

        return logs;
    }
}
