using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Tokens;

namespace Lauter.Tests.Inference;

/// <summary>A Llama model with seeded random weights: it says nothing sensible, but it is a real file for the real engine.</summary>
internal static class TinyModel
{
    private static readonly string Directory = System.IO.Directory.CreateTempSubdirectory("lauter-tiny-").FullName;
    private static readonly Lazy<string> Default = new(() => Write("tiny.gguf", seed: 7, context: 256));
    private static readonly Lazy<string> WideModel = new(() => Write("wide.gguf", seed: 7, context: 2_048));

    static TinyModel() => AppDomain.CurrentDomain.ProcessExit += (_, _) => System.IO.Directory.Delete(Directory, recursive: true);

    /// <summary>Two layers, context 256, byte-level vocabulary of some English and Chinese text.</summary>
    public static string Path => Default.Value;

    /// <summary>The same with a context of 2,048.</summary>
    public static string Wide => WideModel.Value;

    private static string Write(string name, int seed, int context)
    {
        string[] texts =
        [
            "{\"intent\":\"refund\",\"product\":\"router\",\"urgency\":\"high\"} {\"intent\":\"refund\",\"product\":\"router\",\"urgency\":\"high\"}",
            "the printer does not print, the printer does not start, please send help to the office",
            "打印机不工作，请尽快帮助我们。打印机不工作，请尽快帮助我们。",
        ];
        var vocabulary = BpeTrainer.Train(texts, 320, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]);
        var config = new LlamaConfig
        {
            VocabularySize = vocabulary.Count, Width = 32, Layers = 2, Heads = 4, KvHeads = 2, FeedForward = 64, ContextLength = context, TiedEmbeddings = true,
        };
        var path = System.IO.Path.Combine(Directory, name);
        var writer = GgufWriter.Create(path);
        config.WriteTo(writer);
        vocabulary.WriteTo(writer);
        var random = new Random(seed);
        foreach (var tensor in GgufNames.Of(config))
        {
            var values = new float[tensor.Shape.Aggregate(1L, (product, extent) => product * extent)];
            for (var index = 0; index < values.Length; index++)
            {
                values[index] = tensor.Shape.Length == 1 ? 1 : (float)((random.NextDouble() - 0.5) * 0.6);
            }

            writer.AddTensor(tensor.Gguf, GgufTensorType.F32, tensor.Shape, values);
        }

        writer.Finish();
        return path;
    }
}
