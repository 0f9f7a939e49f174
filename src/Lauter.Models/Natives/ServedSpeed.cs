using System.Diagnostics;
using Lauter.Models.Conversion;
using Lauter.Models.Gguf;
using LLama;
using LLama.Common;
using LLama.Native;

namespace Lauter.Models.Natives;

/// <summary>
/// How fast llama.cpp reads a prompt and writes an answer with a model on this machine, set as the engine serves it: fp32 files with an fp32 cache and
/// without the fused attention kernel, all others with both of llama.cpp's defaults. Not thread-safe.
/// </summary>
public sealed class ServedSpeed : IDisposable
{
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _context;

    private ServedSpeed(LLamaWeights weights, LLamaContext context) => (_weights, _context) = (weights, context);

    /// <summary>Loads a model.</summary>
    /// <param name="path">A GGUF file of a decoder; its header is checked before llama.cpp sees it.</param>
    /// <param name="tokens">Most tokens of prompt and answer together.</param>
    /// <param name="threads">Threads; 0 = one per core.</param>
    /// <exception cref="GgufFormatException">The file is not sound, or llama.cpp refuses it.</exception>
    public static ServedSpeed Open(string path, int tokens, int threads = 0)
    {
        bool exact;
        using (var file = GgufFile.Open(path))
        {
            NativeGuard.Check(file);
            exact = Quantisation.Of(file) is { Name: "F32" };
        }

        NativeModels.EnsureLoaded();
        var count = threads > 0 ? threads : Environment.ProcessorCount;
        var parameters = new ModelParams(path)
        {
            ContextSize = (uint)tokens, BatchSize = 512, UBatchSize = 512, Threads = count, BatchThreads = count, GpuLayerCount = 0, SwaFull = true,
            FlashAttention = exact ? false : null, TypeK = exact ? GGMLType.GGML_TYPE_F32 : null, TypeV = exact ? GGMLType.GGML_TYPE_F32 : null,
        };
        try
        {
            var weights = LLamaWeights.LoadFromFile(parameters);
            return new ServedSpeed(weights, weights.CreateContext(parameters));
        }
        catch (LLama.Exceptions.LoadWeightsFailedException exception)
        {
            throw new GgufFormatException($"{path}: llama.cpp does not load this file; its own words come with LAUTER_TRACE=1.", exception);
        }
    }

    /// <summary>Seconds to read a prompt, in steps of 512 tokens, and seconds to write an answer behind it, token by token. What the tokens are does not matter.</summary>
    /// <param name="prompt">Tokens of the prompt, 1 or more.</param>
    /// <param name="answer">Tokens of the answer, 1 or more.</param>
    public (double Prompt, double Answer) Measure(int prompt, int answer)
    {
        var native = _context.NativeHandle;
        native.MemoryClear(false);
        var batch = new LLamaBatch();
        var started = Stopwatch.GetTimestamp();
        for (var at = 0; at < prompt;)
        {
            batch.Clear();
            for (var end = Math.Min(prompt, at + 512); at < end; at++)
            {
                batch.Add(Token(at), at, LLamaSeqId.Zero, at == prompt - 1);
            }

            Decode(native, batch);
        }

        var read = Stopwatch.GetTimestamp();
        for (var at = prompt; at < prompt + answer; at++)
        {
            batch.Clear();
            batch.Add(Token(at), at, LLamaSeqId.Zero, true);
            Decode(native, batch);
        }

        return (Stopwatch.GetElapsedTime(started, read).TotalSeconds, Stopwatch.GetElapsedTime(read).TotalSeconds);
    }

    /// <summary>Releases the model.</summary>
    public void Dispose()
    {
        _context.Dispose();
        _weights.Dispose();
    }

    private LLamaToken Token(int position) => 3 + (position * 7 % Math.Max(1, _weights.Vocab.Count - 3));

    private static void Decode(SafeLLamaContextHandle native, LLamaBatch batch)
    {
        if (native.Decode(batch) is var result && result != DecodeResult.Ok)
        {
            throw new InvalidOperationException($"llama.cpp could not decode {batch.TokenCount} tokens: {result}.");
        }
    }
}
