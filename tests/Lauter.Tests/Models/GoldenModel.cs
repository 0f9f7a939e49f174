using Lauter.Models.Conversion;
using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Natives;
using Lauter.Tests.Support;

namespace Lauter.Tests.Models;

/// <summary>The tiny reference models, converted; and the comparison with reference logits of 2 × 48 tokens over 320.</summary>
internal static class GoldenModel
{
    public static string Convert(string golden, TemporaryFolder folder, GgufTensorType type = GgufTensorType.F32)
    {
        using var checkpoint = ModelWeights.Open(SharedData.Require($"golden/{golden}"));
        var path = folder.File($"{golden}-{type}.gguf");
        var writer = GgufWriter.Create(path);
        ModelFamily.Named(checkpoint.Config.Family).WriteKeys(checkpoint.Config, writer);
        writer.Add("tokenizer.ggml.model", "no_vocab");
        WeightExport.AddWeights(writer, checkpoint.Config, _ => type, checkpoint.Read);
        writer.Finish();
        return path;
    }

    public static void AssertLogits(ServedModel served, long[] tokens, float[] logits, double tolerance)
    {
        for (var row = 0; row < 2; row++)
        {
            var logs = served.LogProbabilities(Array.ConvertAll(tokens[(row * 48)..((row + 1) * 48)], id => (int)id));
            for (var i = 0; i < 48; i++)
            {
                var reference = logits.AsSpan(((row * 48) + i) * 320, 320).ToArray();
                var sum = Math.Log(reference.Sum(value => Math.Exp(value)));
                Assert.All(Enumerable.Range(0, 320), id => Assert.Equal(reference[id] - sum, logs[i][id], tolerance));
            }
        }
    }
}
