using Lauter.Models.Families;
using Lauter.Models.Natives;
using Lauter.Models.Safetensors;
using Lauter.Tests.Support;

namespace Lauter.Tests.Models;

public sealed class FamilyGoldenTests
{
    public static TheoryData<string> Goldens => new("llama-gqa", "llama-tied", "llama3-rope", "mistral", "qwen2", "qwen3", "glm4", "ernie45", "gemma3");

    /// <summary>transformers' logits, and llama.cpp on the file converted here: the same weights, names, order and keys, or they could not agree.</summary>
    [Theory]
    [MemberData(nameof(Goldens))]
    public void Convert_GoldenCheckpoint_LlamaCppGivesTheReferenceLogits(string golden)
    {
        using var folder = new TemporaryFolder();
        var path = GoldenModel.Convert(golden, folder);
        using var expected = SafetensorsFile.Open(SharedData.Require($"golden/{golden}/expected.safetensors"));
        using var served = ServedModel.Open(path, contextLength: 64, threads: 1);

        GoldenModel.AssertLogits(served, expected.ReadInt64("tokens"), expected.ReadFloat32("logits"), 1e-3);
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void Read_ConvertedFile_ShapeAndWeightsEqualTheCheckpoints(string golden)
    {
        using var folder = new TemporaryFolder();
        var path = GoldenModel.Convert(golden, folder);
        using var checkpoint = ModelWeights.Open(SharedData.Require($"golden/{golden}"));
        using var file = ModelWeights.Open(path);
        var config = checkpoint.Config;

        // What GGUF cannot say: it holds floats, rotary divisors instead of Llama 3's rule, and Mistral's file is a Llama's.
        var comparable = config with
        {
            Family = golden == "mistral" ? "llama" : config.Family,
            NormEpsilon = (float)config.NormEpsilon, RopeBase = (float)config.RopeBase, SlidingRopeBase = (float)config.SlidingRopeBase, RotaryFactors = null,
            RopeScaling = config.RopeScaling is { Kind: RopeScalingKind.Llama3 } ? null : config.RopeScaling,
        };
        Assert.Equal(comparable, file.Config with { RotaryFactors = null });
        Assert.Equal(config.RotaryFactors, file.Config.RotaryFactors);
        Assert.Equal(checkpoint.Names.Select(w => w.Gguf), file.Names.Select(w => w.Gguf));
        using var stored = SafetensorsFile.Open(SharedData.Require($"golden/{golden}/model.safetensors"));
        Assert.All(checkpoint.Names.Zip(file.Names), pair =>
        {
            Assert.Equal(checkpoint.Read(pair.First), file.Read(pair.Second));
            var back = pair.First.ToHuggingFace(file.Read(pair.Second));
            Assert.All(stored.ReadFloat32(pair.First.HuggingFace).Zip(back), values => Assert.Equal(values.First, values.Second, 1e-6));
        });
    }

    [Theory]
    [InlineData("""{"model_type":"mamba"}""", "mamba")]
    [InlineData("""{"model_type":"llama","num_attention_heads":8}""", "hidden_size")]
    [InlineData("""{"model_type":"llama","num_attention_heads":0,"hidden_size":64}""", "vocab_size")]
    [InlineData("""{"model_type":"llama","num_attention_heads":8,"hidden_size":"64"}""", "whole number")]
    [InlineData("""{"model_type":"llama","num_attention_heads":8,"hidden_size":64,"rope_scaling":{"rope_type":"dynamic","factor":2}}""", "dynamic")]
    [InlineData("""{"model_type":"llama","num_attention_heads":7,"num_key_value_heads":3,"hidden_size":56,"vocab_size":9,"num_hidden_layers":1,"intermediate_size":8,"max_position_embeddings":9}""", "7 heads cannot share 3")]
    [InlineData("""{"model_type":"qwen3","attention_bias":true,"num_attention_heads":8,"hidden_size":64,"vocab_size":9,"num_hidden_layers":1,"intermediate_size":8,"max_position_embeddings":9}""", "attention_bias")]
    [InlineData("[]", "no JSON object")]
    [InlineData("{", "config.json")]
    public void Read_UnsupportedConfiguration_IsRefusedByName(string json, string message)
    {
        var exception = Assert.Throws<InvalidDataException>(() =>
        {
            var config = HuggingFaceConfig.Parse(json);
            return ModelFamily.Detect(config).Read(config);
        });

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Llama3Factors_PublishedSettings_ShortWavesStayAndLongOnesStretch()
    {
        var factors = new RopeScaling(RopeScalingKind.Llama3, 8, 8192).Llama3Factors(500_000, 128);

        Assert.Equal(64, factors.Length);
        Assert.Equal(1, factors[0]);
        Assert.Equal(8, factors[^1]);
        Assert.Equal(factors.Order(), factors);
    }
}
