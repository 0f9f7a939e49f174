using CsCheck;
using Lauter.Models.Conversion;
using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Inspection;
using Lauter.Models.Natives;
using Lauter.Models.Safetensors;

namespace Lauter.Tests.Models;

/// <summary>Damaged and hostile files: a clear refusal that names the file, or a right reading; never a crash, a hang or a huge allocation.</summary>
public sealed class HostileFileTests
{
    [Fact]
    public void Read_EveryTruncationOfAModel_IsRefusedByName()
    {
        using var folder = new TemporaryFolder();
        GgufWriter.Create(folder.File("small.gguf")).Add("general.architecture", "llama").Add("flag", true).Add("list", new[] { "ab", "c" }).Add("numbers", new ushort[] { 1, 2, 3 })
            .AddTensor("a", GgufTensorType.Q8_0, [2, 32], new float[64]).AddTensor("b", GgufTensorType.F32, [3], new float[3]).Finish();
        var bytes = File.ReadAllBytes(folder.File("small.gguf"));

        // The last tensor's padding may be missing: llama.cpp's own tools leave it out, too.
        for (var length = 0; length < bytes.Length - 20; length++)
        {
            File.WriteAllBytes(folder.File("cut.gguf"), bytes[..length]);
            var exception = Assert.Throws<GgufFormatException>(() => ModelInspection.Read(folder.File("cut.gguf")));
            Assert.Contains("cut.gguf", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Read_EveryTruncationOfACheckpoint_IsRefusedByName()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Create(folder.File("good")).AddMetadata("format", "pt").AddTensor("a", GgufTensorType.BF16, [2, 3], () => new float[6]).AddTensor("b", GgufTensorType.F32, [4], () => new float[4]).Finish();
        var bytes = File.ReadAllBytes(folder.File("good"));

        for (var length = 0; length < bytes.Length; length++)
        {
            File.WriteAllBytes(folder.File("cut.safetensors"), bytes[..length]);
            var exception = Assert.Throws<SafetensorsFormatException>(() => ModelInspection.Read(folder.File("cut.safetensors")));
            Assert.Contains("cut.safetensors", exception.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Bytes changed anywhere: whatever is accepted is read to the last value.</summary>
    [Fact]
    public void Open_ChangedBytes_IsReadWhollyOrRefused()
    {
        using var folder = new TemporaryFolder();
        var good = File.ReadAllBytes(Tiny(folder));
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.OneOf(Gen.Byte, Gen.Const((byte)0), Gen.Const((byte)255), Gen.Const((byte)127))).Array[1, 8].Sample(
            changes =>
            {
                var bytes = good.ToArray();
                foreach (var (at, value) in changes)
                {
                    bytes[at] = value;
                }

                File.WriteAllBytes(folder.File("bad.gguf"), bytes);
                try
                {
                    using var weights = ModelWeights.Open(folder.File("bad.gguf"));
                    Assert.All(weights.Names, weight => Assert.Equal(weight.Count, weights.Read(weight).LongLength));
                }
                catch (GgufFormatException exception)
                {
                    Assert.Contains("bad.gguf", exception.Message, StringComparison.Ordinal);
                }
            },
            iter: 1000,
            threads: 1);
    }

    /// <summary>Each of these ended the process inside llama.cpp before it was refused here.</summary>
    [Theory]
    [InlineData("llama.block_count", 0u, "block_count")]
    [InlineData("llama.block_count", 513u, "block_count")]
    [InlineData("llama.block_count", uint.MaxValue, "block_count")]
    [InlineData("llama.attention.layer_norm_rms_epsilon", -1f, "layer_norm_rms_epsilon")]
    [InlineData("llama.attention.layer_norm_rms_epsilon", float.NaN, "layer_norm_rms_epsilon")]
    [InlineData("llama.expert_count", 8u, "expert_count")]
    [InlineData("llama.expert_count", 100_000u, "expert_count")]
    [InlineData("llama.expert_used_count", 9u, "expert_count")]
    [InlineData("tokenizer.ggml.tokens", new[] { "a", "a", "b" }, "both spelt 'a'")]
    [InlineData("tokenizer.ggml.tokens", new[] { 1, 2, 3 }, "no list of texts")]
    [InlineData("tokenizer.ggml.tokens", new[] { "", "", "" }, "no token <0x00>")]
    [InlineData("tokenizer.ggml.scores", new[] { 1f }, "scores")]
    [InlineData("tokenizer.ggml.token_type", new[] { 1 }, "token_type")]
    [InlineData("tokenizer.ggml.bos_token_id", 99_999u, "bos_token_id is 99999")]
    public void Check_KeyThatEndsTheProcess_IsRefusedByName(string key, object value, string message)
    {
        using var folder = new TemporaryFolder();
        using var good = GgufFile.Open(Tiny(folder));
        var writer = GgufWriter.Create(folder.File("bad.gguf")).Add(key, value).AddFrom(good.Metadata);
        foreach (var tensor in good.Tensors)
        {
            writer.CopyTensor(good, tensor);
        }

        writer.Finish();

        var exception = Assert.Throws<GgufFormatException>(() => ServedModel.Open(folder.File("bad.gguf")));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(GgufTensorType.F16)]
    [InlineData(GgufTensorType.Q8_0)]
    public void Check_GainsStoredNarrow_AreRefusedByName(GgufTensorType type)
    {
        using var folder = new TemporaryFolder();
        using var good = GgufFile.Open(Tiny(folder));
        var writer = GgufWriter.Create(folder.File("bad.gguf")).AddFrom(good.Metadata);
        foreach (var tensor in good.Tensors)
        {
            writer.AddTensor(tensor.Name, tensor.Name == "output_norm.weight" ? type : tensor.Type, [.. tensor.Shape], () => good.ReadFloat32(tensor.Name));
        }

        writer.Finish();

        Assert.Contains("output_norm.weight", Assert.Throws<GgufFormatException>(() => ServedModel.Open(folder.File("bad.gguf"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_SoundModel_IsServed()
    {
        using var folder = new TemporaryFolder();
        using var served = ServedModel.Open(Tiny(folder), contextLength: 32, threads: 1);

        Assert.Equal(261, served.LogProbabilities([1, 2, 3])[2].Length);
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../outside.safetensors"}}""", "no plain name")]
    [InlineData("""{"weight_map":{"a":"missing.safetensors"}}""", "is missing")]
    [InlineData("""{"weight_map":{}}""", "0 shards")]
    [InlineData("""{"weight_map":{"a":"one.safetensors","b":"one.safetensors"}}""", "'b' is in this shard")]
    [InlineData("""{"weight_map":{"b":"one.safetensors"}}""", "does not place")]
    [InlineData("""{"weight_map":[1]}""", "damaged")]
    [InlineData("{", "damaged")]
    public void Open_HostileIndex_IsRefusedByName(string index, string message)
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Create(folder.File("one.safetensors")).AddTensor("a", GgufTensorType.F32, [1], () => [1f]).Finish();
        File.WriteAllText(folder.File("model.safetensors.index.json"), index);

        Assert.Contains(message, Assert.Throws<SafetensorsFormatException>(() => SafetensorsFile.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    /// <summary>One layer, a SentencePiece vocabulary of the 256 bytes and five more tokens.</summary>
    private static string Tiny(TemporaryFolder folder)
    {
        var config = new ModelConfig
        {
            Family = "llama", VocabularySize = 261, Width = 32, Layers = 1, Heads = 2, KvHeads = 1, HeadDimension = 16, FeedForward = 32, ContextLength = 64, RopeDimension = 16, RotaryPairs = RotaryPairs.Adjacent, TiedEmbeddings = true,
        };
        var writer = GgufWriter.Create(folder.File("tiny.gguf"));
        ModelFamily.Named("llama").WriteKeys(config, writer);
        string[] tokens = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), "▁", "a"];
        writer.Add("tokenizer.ggml.model", "llama").Add("tokenizer.ggml.tokens", tokens).Add("tokenizer.ggml.scores", new float[261])
            .Add("tokenizer.ggml.token_type", tokens.Select((_, id) => id switch { 0 => 2, < 3 => 3, < 259 => 6, _ => 1 }).ToArray())
            .Add("tokenizer.ggml.bos_token_id", 1u).Add("tokenizer.ggml.eos_token_id", 2u).Add("tokenizer.ggml.add_bos_token", true);
        WeightExport.AddWeights(writer, config, _ => GgufTensorType.Q8_0, weight => [.. Enumerable.Range(0, (int)weight.Count).Select(i => (i % 7 * 0.1f) - 0.3f)]);
        writer.Finish();
        return folder.File("tiny.gguf");
    }
}
