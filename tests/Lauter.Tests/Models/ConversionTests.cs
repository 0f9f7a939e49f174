using Lauter.Models.Conversion;
using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Natives;
using Lauter.Models.Peft;
using Lauter.Models.Safetensors;
using Lauter.Models.Tokens;
using Lauter.Tests.Support;
using LLama;
using LLama.Native;

namespace Lauter.Tests.Models;

public sealed class ConversionTests
{
    /// <summary>A whole folder: weights in two shards, tokenizer, template and card, to one file that llama.cpp serves with the reference's logits.</summary>
    [Theory]
    [InlineData("llama-tied")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Convert_FolderWithShardsAndTokenizer_ServesTheReferenceLogits(string golden)
    {
        using var folder = new TemporaryFolder();
        var checkpoint = Checkpoint(golden, folder);

        CheckpointConverter.Convert(checkpoint, folder.File("m.gguf"), Quantisation.Named("f32"));

        using var expected = SafetensorsFile.Open(SharedData.Require($"golden/{golden}/expected.safetensors"));
        using (var served = ServedModel.Open(folder.File("m.gguf"), contextLength: 64, threads: 1))
        {
            GoldenModel.AssertLogits(served, expected.ReadInt64("tokens"), expected.ReadFloat32("logits"), 1e-3);
        }

        using var tokenizer = ModelTokenizer.Open(folder.File("m.gguf"));
        using var file = GgufFile.Open(folder.File("m.gguf"));
        Assert.Equal("refund my order", tokenizer.Decode(tokenizer.Encode("refund my order", parseSpecial: false)));
        Assert.Equal(("apache-2.0", 0), (file.Metadata.Text("general.license"), file.Metadata.Integer("general.file_type")));
        Assert.Contains("im_start", tokenizer.ChatTemplate, StringComparison.Ordinal);
    }

    /// <summary>What is written here and what llama.cpp's quantiser writes from the same file: same types, same bytes, for every tensor.</summary>
    [Theory]
    [InlineData("Q8_0", 256, true)]
    [InlineData("Q8_0", 96, false)]
    [InlineData("Q4_0", 256, true)]
    [InlineData("Q4_0", 256, false)]
    [InlineData("Q4_0", 96, true)]
    [InlineData("F16", 256, false)]
    public void Quantise_EveryTensor_EqualsLlamaCpps(string name, int width, bool tied)
    {
        using var folder = new TemporaryFolder();
        var source = WideModel(folder, width, tied);
        var quantisation = Quantisation.Named(name);
        NativeModels.EnsureLoaded();
        Assert.True(LLamaQuantizer.Quantize(source, folder.File("theirs.gguf"), (LLamaFtype)quantisation.FileType, 1, allowRequantize: false, quantizeOutputTensor: true));

        ModelQuantiser.Quantise(source, folder.File("ours.gguf"), quantisation);

        using GgufFile theirs = GgufFile.Open(folder.File("theirs.gguf")), ours = GgufFile.Open(folder.File("ours.gguf"));
        Assert.Equal(theirs.Tensors.Select(t => (t.Name, t.Type)).Order(), ours.Tensors.Select(t => (t.Name, t.Type)).Order());
        Assert.All(theirs.Tensors, tensor => Assert.True(Bytes(theirs, tensor.Name).AsSpan().SequenceEqual(Bytes(ours, tensor.Name)), tensor.Name));
        Assert.Equal(theirs.Metadata.Integer("general.file_type"), ours.Metadata.Integer("general.file_type"));
    }

    /// <summary>
    /// Files of llama.cpp's quantiser, dequantised here into full precision: llama.cpp answers from both nearly alike. It rounds activations to 8 bits where weights are
    /// quantised, so "nearly" is measured against what quantising itself changed.
    /// </summary>
    [Theory]
    [InlineData("Q4_K_M")]
    [InlineData("Q5_K_M")]
    [InlineData("Q6_K")]
    [InlineData("Q5_0")]
    [InlineData("Q5_1")]
    public void Widen_FileQuantisedByLlamaCpp_ServesTheSameModel(string name)
    {
        using var folder = new TemporaryFolder();
        ModelQuantiser.Quantise(WideModel(folder, 256, tied: false), folder.File("q.gguf"), Quantisation.Named(name), threads: 1);

        ModelQuantiser.Widen(folder.File("q.gguf"), folder.File("wide.gguf"), Quantisation.Named("F32"));

        int[] ids = [.. Enumerable.Range(0, 48).Select(i => (i * 37) % 300)];
        float[][] original = Answers(folder.File("wide-source.gguf"), ids), quantised = Answers(folder.File("q.gguf"), ids), wide = Answers(folder.File("wide.gguf"), ids);
        Assert.InRange(Distance(quantised, wide) / Distance(quantised, original), 0, name == "Q6_K" ? 0.6 : 0.35);
        using var file = GgufFile.Open(folder.File("q.gguf"));
        Assert.Contains(file.Tensors, tensor => tensor.Type.ToString().StartsWith(name[..4], StringComparison.Ordinal) || name.Contains(tensor.Type.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void Quantise_QuantisedSource_IsRefusedWithTheWayOut()
    {
        using var folder = new TemporaryFolder();
        var source = SharedData.Require("models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");

        var exception = Assert.Throws<GgufFormatException>(() => ModelQuantiser.Quantise(source, folder.File("q.gguf"), Quantisation.Named("Q8_0")));

        Assert.Contains("Q4_1", exception.Message, StringComparison.Ordinal);
        Assert.Contains("convert", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Merge_GoldenAdapter_ServesPeftsLogits(bool fromCheckpoint)
    {
        using var folder = new TemporaryFolder();
        var adapter = PeftTests.Adapter("golden/lora-sft", folder);

        AdapterMerge.Merge(fromCheckpoint ? SharedData.Require("golden/llama-gqa") : GoldenModel.Convert("llama-gqa", folder), adapter, folder.File("merged.gguf"), Quantisation.Named("F32"));
        ModelQuantiser.Quantise(folder.File("merged.gguf"), folder.File("q8.gguf"), Quantisation.Named("Q8_0"));

        PeftTests.AssertProbe(folder.File("merged.gguf"), null);
        PeftTests.AssertProbe(folder.File("q8.gguf"), null, tolerance: 0.3);
    }

    [Fact]
    public void Merge_QuantisedBase_IsRefusedWithTheWayOut()
    {
        using var folder = new TemporaryFolder();
        var exception = Assert.Throws<AdapterException>(() => AdapterMerge.Merge(GoldenModel.Convert("llama-gqa", folder, GgufTensorType.Q8_0), PeftTests.Adapter("golden/lora-sft", folder), folder.File("m"), Quantisation.Named("F16")));

        Assert.Contains("original weights", exception.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("m")));
        Assert.Contains("quantise the merged file", Assert.Throws<AdapterException>(() => AdapterMerge.Merge(folder.Path, PeftTests.Adapter("golden/lora-sft", folder), folder.File("m"), Quantisation.Named("Q8_0"))).Message, StringComparison.Ordinal);
    }

    /// <summary>DoRA against its formula, row by row in the order of the checkpoint, with query rows reordered in the file.</summary>
    [Fact]
    public void Merge_Magnitudes_RowsHaveTheGivenLengths()
    {
        using var folder = new TemporaryFolder();
        var plain = PeftTests.Adapter("golden/lora-sft", folder);
        var dora = plain with { Pairs = [.. plain.Pairs.Select(pair => pair with { Magnitude = [.. Enumerable.Range(0, pair.Outputs).Select(row => 1f + row)] })] };

        AdapterMerge.Merge(SharedData.Require("golden/llama-gqa"), dora, folder.File("m.gguf"), Quantisation.Named("F32"));

        using var original = SafetensorsFile.Open(SharedData.Require("golden/llama-gqa/model.safetensors"));
        using var merged = ModelWeights.Open(folder.File("m.gguf"));
        foreach (var pair in dora.Pairs)
        {
            var weight = merged.Names.Single(name => name.Module == pair.Module);
            float[] before = original.ReadFloat32(weight.HuggingFace), after = weight.ToHuggingFace(merged.Read(weight));
            for (var row = 0; row < pair.Outputs; row++)
            {
                var sum = Enumerable.Range(0, pair.Inputs).Select(column => before[(row * pair.Inputs) + column]
                    + (dora.Scale(pair) * Enumerable.Range(0, pair.Rank).Sum(k => (double)pair.B[(row * pair.Rank) + k] * pair.A[(k * pair.Inputs) + column]))).ToArray();
                var length = Math.Sqrt(sum.Sum(value => value * value));
                Assert.All(Enumerable.Range(0, pair.Inputs), column => Assert.Equal((1 + row) * sum[column] / length, after[(row * pair.Inputs) + column], 1e-4 * (1 + row)));
            }
        }
    }

    [Fact]
    public void Parse_FrontMatter_FindsTheLicence()
    {
        var card = ModelCard.Parse("---\nlanguage:\n- en\nlicense: other\nlicense_name: \"qwen-research\"\nlicense_link: https://example.org/LICENSE\nbase_model:\n- org/base\ntags: [a]\n---\n# license: no\n");

        Assert.Equal(new ModelCard("other", "qwen-research", "https://example.org/LICENSE", "org/base"), card);
        Assert.Equal(new ModelCard(null, null, null, null), ModelCard.Parse("# A model\nlicense: mit\n"));
    }

    /// <summary>A golden model as people publish models: two shards, tokenizer files, a card.</summary>
    internal static string Checkpoint(string golden, TemporaryFolder folder)
    {
        var target = Directory.CreateDirectory(folder.File(golden)).FullName;
        File.Copy(SharedData.Require($"golden/{golden}/config.json"), Path.Combine(target, "config.json"));
        using var file = SafetensorsFile.Open(SharedData.Require($"golden/{golden}/model.safetensors"));
        var names = file.Tensors.Keys.Order(StringComparer.Ordinal).ToList();
        foreach (var shard in new[] { 1, 2 })
        {
            var writer = SafetensorsWriter.Create(Path.Combine(target, $"model-0000{shard}-of-00002.safetensors")).AddMetadata("format", "pt");
            foreach (var name in names.Where((_, index) => index % 2 == shard - 1))
            {
                writer.AddTensor(name, GgufTensorType.F32, [.. file.Tensors[name].Shape], () => file.ReadFloat32(name));
            }

            writer.Finish();
        }

        File.WriteAllText(Path.Combine(target, "model.safetensors.index.json"), System.Text.Json.JsonSerializer.Serialize(new
        {
            metadata = new { total_size = 0 },
            weight_map = names.Select((name, index) => (name, index)).ToDictionary(entry => entry.name, entry => $"model-0000{(entry.index % 2) + 1}-of-00002.safetensors"),
        }));
        BpeTrainer.Train(["refund my order, please; where is my order? refund it", "please refund order 12"], 300, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]).Save(folder.File("v.gguf"));
        using var vocabulary = GgufFile.Open(folder.File("v.gguf"));
        TokenizerConversionTests.WriteByteLevel(target, vocabulary, """
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}
            """);
        File.WriteAllText(Path.Combine(target, "README.md"), "---\nlicense: apache-2.0\n---\n# Tiny\n");
        return target;
    }

    /// <summary>A random model whose rows divide into blocks.</summary>
    private static string WideModel(TemporaryFolder folder, int width, bool tied)
    {
        var config = new ModelConfig
        {
            Family = "llama", VocabularySize = 300, Width = width, Layers = 2, Heads = width / 32, KvHeads = 1, HeadDimension = 32, FeedForward = 2 * width, ContextLength = 128, RopeDimension = 32,
            RotaryPairs = RotaryPairs.Adjacent, TiedEmbeddings = tied,
        };
        var random = new Random(7);
        var writer = GgufWriter.Create(folder.File("wide-source.gguf"));
        ModelFamily.Named("llama").WriteKeys(config, writer);
        writer.Add("tokenizer.ggml.model", "no_vocab");
        WeightExport.AddWeights(writer, config, _ => GgufTensorType.F32, weight => [.. Enumerable.Range(0, (int)weight.Count).Select(_ => weight.IsMatrix ? (float)((random.NextDouble() - 0.5) * 0.2) : 1f)]);
        writer.Finish();
        return folder.File("wide-source.gguf");
    }

    private static float[][] Answers(string path, int[] ids)
    {
        using var served = ServedModel.Open(path, contextLength: 64, threads: 1);
        return served.LogProbabilities(ids);
    }

    private static double Distance(float[][] left, float[][] right) => Math.Sqrt(left.Zip(right).Average(row => row.First.Zip(row.Second).Average(pair => Math.Pow(pair.First - pair.Second, 2))));

    private static byte[] Bytes(GgufFile file, string name)
    {
        var tensor = file.Tensor(name);
        var bytes = new byte[tensor.ByteLength];
        file.ReadBytes(tensor, 0, bytes);
        return bytes;
    }
}
