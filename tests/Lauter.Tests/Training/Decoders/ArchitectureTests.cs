using Lauter.Models.Families;
using Lauter.Tests.Support;
using Lauter.Training.Decoders;

namespace Lauter.Tests.Training.Decoders;

public sealed class ArchitectureTests
{
    public static TheoryData<string> Architectures => ["llama-gqa", "llama-tied", "llama3-rope", "mistral", "qwen2", "qwen3", "glm4", "ernie45", "gemma3"];

    [Theory]
    [MemberData(nameof(Architectures))]
    public void LogProbabilities_ReferenceModel_AgreeWithTransformers(string name)
    {
        var directory = SharedData.Require($"golden/{name}");
        using var decoder = Open(directory);
        var expected = new SafetensorsReader(Path.Combine(directory, "expected.safetensors"));
        var tokens = expected.Read<long>("tokens");
        var logits = expected.Read<float>("logits");
        int length = (int)expected.Shape("tokens")[1], vocabulary = decoder.Shape.Vocabulary;
        var largest = 0.0;
        for (var row = 0; row < expected.Shape("tokens")[0]; row++)
        {
            var logs = decoder.LogProbabilities([.. tokens.AsSpan(row * length, length).ToArray().Select(t => (int)t)]);
            for (var t = 0; t < length; t++)
            {
                var reference = logits.AsSpan(((row * length) + t) * vocabulary, vocabulary).ToArray();
                var shift = reference.Max() + Math.Log(reference.Sum(l => Math.Exp(l - reference.Max())));
                for (var i = 0; i < vocabulary; i++)
                {
                    largest = Math.Max(largest, Math.Abs(logs[t, i] - (reference[i] - shift)));
                }
            }
        }

        Assert.InRange(largest, 0, 1e-4);
    }

    internal static Decoder Open(string directory, int? slots = null)
    {
        using var weights = ModelWeights.Open(directory);
        return new Decoder(new ResidentWeights(weights), slots);
    }
}
