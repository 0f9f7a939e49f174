using Lauter.Models.Natives;
using Lauter.Training.Parity;
using LLama;
using LLama.Common;
using LLama.Native;

namespace Lauter.Tests.Training.Networks;

/// <summary>A model in llama.cpp, asked for log-probabilities directly: the other side of parity without a server between.</summary>
internal sealed class LlamaCppModel : IDisposable
{
    private readonly LLamaWeights _weights;
    private readonly ModelParams _parameters;
    private readonly LoraAdapter? _adapter;

    /// <param name="path">A GGUF file.</param>
    /// <param name="adapter">A LoRA adapter for it, or null.</param>
    public LlamaCppModel(string path, string? adapter = null)
    {
        NativeModels.EnsureLoaded();
        // llama.cpp's flash attention multiplies in fp16, which alone costs up to 1e-2 in the log-probability of an unlikely token.
        _parameters = new ModelParams(path)
        {
            ContextSize = 256, Threads = 1, BatchThreads = 1, GpuLayerCount = 0, FlashAttention = false,
            TypeK = GGMLType.GGML_TYPE_F32, TypeV = GGMLType.GGML_TYPE_F32,
        };
        _weights = LLamaWeights.LoadFromFile(_parameters);
        _adapter = adapter is null ? null : _weights.NativeHandle.LoadLoraFromFile(adapter);
    }

    public ParityEngine AsParityEngine(IReadOnlySet<int> endTokens) => new(
        (ids, _) =>
        {
            var logs = LogProbabilities(ids);
            return Task.FromResult(Enumerable.Range(1, ids.Length - 1).Select(i => logs[i - 1][ids[i]]).ToArray());
        },
        (ids, count, _) =>
        {
            List<int> all = [.. ids];
            while (all.Count < ids.Length + count)
            {
                var last = LogProbabilities([.. all])[^1];
                var next = Array.IndexOf(last, last.Max());
                if (endTokens.Contains(next))
                {
                    break;
                }

                all.Add(next);
            }

            return Task.FromResult(all.Skip(ids.Length).ToArray());
        });

    public float[][] LogProbabilities(int[] ids)
    {
        using var context = _weights.CreateContext(_parameters);
        if (_adapter is not null)
        {
            context.NativeHandle.SetLoraAdapters((_adapter, 1f));
        }

        var batch = new LLamaBatch();
        for (var i = 0; i < ids.Length; i++)
        {
            batch.Add(ids[i], i, LLamaSeqId.Zero, logits: true);
        }

        Assert.Equal(DecodeResult.Ok, context.NativeHandle.Decode(batch));
        return [.. Enumerable.Range(0, ids.Length).Select(i =>
        {
            var logits = context.NativeHandle.GetLogitsIth(i).ToArray();
            var largest = logits.Max();
            var sum = largest + Math.Log(logits.Sum(l => Math.Exp(l - largest)));
            return Array.ConvertAll(logits, l => (float)(l - sum));
        })];
    }

    public void Dispose() => _weights.Dispose();
}
