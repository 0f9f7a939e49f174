using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Safetensors;
using Lauter.Tests.Support;

namespace Lauter.Tests.Models;

public sealed class LlamaFamilyTests
{
    [Theory]
    [InlineData("golden/llama-gqa", false, 10_000)]
    [InlineData("golden/llama-tied", true, 100_000)]
    public void FromHuggingFace_GoldenCheckpoint_ShapeFitsTheWeights(string folder, bool tied, double ropeBase)
    {
        var config = LlamaConfig.FromHuggingFace(File.ReadAllText(SharedData.Require(folder + "/config.json")));
        using var weights = SafetensorsFile.Open(SharedData.Require(folder + "/model.safetensors"));

        Assert.Equal((320, 64, 3, 8, 4, 160, 256, 8), (config.VocabularySize, config.Width, config.Layers, config.Heads, config.KvHeads, config.FeedForward, config.ContextLength, config.HeadDimension));
        Assert.Equal((tied, ropeBase), (config.TiedEmbeddings, config.RopeBase));
        Assert.All(GgufNames.Of(config), name => Assert.Equal(name.Shape, weights.Tensors[name.HuggingFace].Shape));
    }

    [Fact]
    public void AddTensors_RealCheckpoint_EqualsTheGgufOfOthers()
    {
        using var folder = new TemporaryFolder();
        using var theirs = GgufFile.Open(SharedData.Require("models/stories260k/stories260k-f32.gguf"));
        using var checkpoint = SafetensorsFile.Open(SharedData.Require("models/stories260k/model.safetensors"));
        var config = LlamaConfig.FromHuggingFace(File.ReadAllText(SharedData.Require("models/stories260k/config.json")));
        var writer = GgufWriter.Create(folder.File("m.gguf"));
        config.WriteTo(writer);
        LlamaConversion.AddTensors(checkpoint, config, writer, GgufTensorType.F32);
        writer.Finish();

        using var ours = GgufFile.Open(folder.File("m.gguf"));

        Assert.Equal(config with { NormEpsilon = 1e-5f }, LlamaConfig.FromGguf(ours));
        Assert.All(ours.Tensors, tensor => Assert.Equal(theirs.ReadFloat32(tensor.Name), ours.ReadFloat32(tensor.Name)));
    }

    [Fact]
    public void Split_AfterInterleave_GivesTheSameRows()
    {
        var values = Enumerable.Range(0, 24 * 5).Select(i => (float)i).ToArray();

        var moved = RotaryOrder.Interleave(values, heads: 3, rows: 24);

        Assert.Equal(values[(4 * 5)..(5 * 5)], moved[(1 * 5)..(2 * 5)]);
        Assert.Equal(values, RotaryOrder.Split(moved, heads: 3, rows: 24));
    }

    [Theory]
    [InlineData("golden/qwen2", "model_type")]
    [InlineData("golden/llama3-rope", "rope")]
    public void FromHuggingFace_UnsupportedFeature_IsRefusedByName(string folder, string message)
    {
        var exception = Assert.Throws<InvalidDataException>(() => LlamaConfig.FromHuggingFace(File.ReadAllText(SharedData.Require(folder + "/config.json"))));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }
}
