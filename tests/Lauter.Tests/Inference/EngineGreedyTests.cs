using System.Text;
using Lauter.Inference.Engine;
using Lauter.Models.Natives;
using Lauter.Tests.Support;
using LLama.Native;

namespace Lauter.Tests.Inference;

/// <summary>A real model through the engine beside llama.cpp called directly on the same file: the same tokens, alone and in a crowd.</summary>
public sealed class EngineGreedyTests
{
    private const int Length = 12;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Completions_SmolLm2_AreThoseOfLlamaCpp()
    {
        var path = SharedData.Require("models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
        string[] prompts = ["The capital of France is", "def add(a, b):\n    return", "Water boils at", "今天天气"];
        var expected = Native(path, prompts);
        await using var alone = await EngineProcess.StartAsync(EngineChildEntry.Launch, new EngineOptions { ModelPath = path, Deterministic = true, Threads = 1 }, cancellationToken: Token);
        foreach (var (prompt, text) in prompts.Zip(expected))
        {
            Assert.Equal(text, (await alone.Client.GreedyAsync(prompt, Length, Token)).Text);
        }
    }

    /// <summary>llama.cpp without anything of ours: one sequence, one decode a token, the largest logit.</summary>
    private static List<string> Native(string path, string[] prompts)
    {
        NativeModels.EnsureLoaded();
        var modelParameters = LLamaModelParams.Default();
        modelParameters.n_gpu_layers = 0;
        using var model = SafeLlamaModelHandle.LoadFromFile(path, modelParameters);
        var parameters = LLamaContextParams.Default();
        (parameters.n_ctx, parameters.n_batch, parameters.n_threads, parameters.n_threads_batch) = (512, 512, 1, 1);
        var texts = new List<string>();
        foreach (var prompt in prompts)
        {
            using var context = SafeLLamaContextHandle.Create(model, parameters);
            var tokens = model.Tokenize(prompt, true, false, Encoding.UTF8);
            var batch = new LLamaBatch();
            var bytes = new List<byte>();
            var piece = new byte[64];
            var position = 0;
            for (var count = 0; count < Length; count++)
            {
                batch.Clear();
                var output = 0;
                foreach (var token in tokens)
                {
                    output = batch.Add(token, (LLamaPos)position, (LLamaSeqId)0, true);
                    position++;
                }

                Assert.Equal(DecodeResult.Ok, context.Decode(batch));
                var logits = context.GetLogitsIth(output);
                var best = (LLamaToken)System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(logits);
                if (best.IsEndOfGeneration(model))
                {
                    break;
                }

                bytes.AddRange(piece[..(int)model.TokenToSpan(best, piece)]);
                tokens = [best];
            }

            texts.Add(Encoding.UTF8.GetString([.. bytes]));
        }

        return texts;
    }
}
