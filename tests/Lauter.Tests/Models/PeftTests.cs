using System.Text.Json;
using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Natives;
using Lauter.Models.Peft;
using Lauter.Models.Safetensors;
using Lauter.Tests.Support;

namespace Lauter.Tests.Models;

public sealed class PeftTests
{
    private const string Settings = """{"peft_type":"LORA","r":2,"lora_alpha":4,"target_modules":["q_proj"]}""";

    [Theory]
    [InlineData("golden/lora-sft")]
    [InlineData("golden/lora-dpo")]
    public void Write_AfterRead_NamesShapesAndValuesAreTheGoldens(string golden)
    {
        using var folder = new TemporaryFolder();
        Adapter(golden, folder).Write(folder.File("again"));

        using var expected = SafetensorsFile.Open(SharedData.Require(golden + "/final_adapter.safetensors"));
        using var actual = SafetensorsFile.Open(folder.File("again/adapter_model.safetensors"));
        using var settings = JsonDocument.Parse(File.ReadAllText(folder.File("again/adapter_config.json")));

        Assert.Equal(expected.Tensors.Keys.Order(StringComparer.Ordinal), actual.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.All(expected.Tensors.Values, tensor =>
        {
            Assert.Equal(tensor.Shape, actual.Tensors[tensor.Name].Shape);
            Assert.Equal(expected.ReadFloat32(tensor.Name), actual.ReadFloat32(tensor.Name));
        });
        Assert.Equal(("LORA", 8, 16, "CAUSAL_LM"), (
            settings.RootElement.GetProperty("peft_type").GetString(), settings.RootElement.GetProperty("r").GetInt32(), settings.RootElement.GetProperty("lora_alpha").GetInt32(), settings.RootElement.GetProperty("task_type").GetString()));
    }

    /// <summary>PEFT's own logits with the trained adapter, against llama.cpp with base and adapter file as they would be served.</summary>
    [Fact]
    public void GgufWrite_GoldenAdapter_LlamaCppGivesPeftsLogits()
    {
        using var folder = new TemporaryFolder();
        var config = ModelConfig.Read(SharedData.Require("golden/llama-gqa"));
        GgufAdapter.Write(folder.File("a.gguf"), Adapter("golden/lora-sft", folder), config);

        AssertProbe(GoldenModel.Convert("llama-gqa", folder), folder.File("a.gguf"));
    }

    /// <summary>Scales that differ from alpha ÷ r must survive a format with one alpha.</summary>
    [Fact]
    public void GgufWrite_RankStabilisedAndPatterns_ScalesAreFolded()
    {
        using var folder = new TemporaryFolder();
        var config = ModelConfig.Read(SharedData.Require("golden/llama-gqa"));
        var golden = Adapter("golden/lora-sft", folder);

        // The same product written with other settings: alpha 16/√8·… per module, B shrunk to match.
        var other = golden with
        {
            RankStabilised = true,
            AlphaPattern = new Dictionary<string, double> { ["q_proj"] = 32, [@"layers\.1\..*_proj"] = 8 },
        };
        other = other with { Pairs = [.. other.Pairs.Select(pair => pair with { B = Array.ConvertAll(pair.B, value => (float)(value * golden.Scale(pair) / other.Scale(pair))) })] };
        GgufAdapter.Write(folder.File("a.gguf"), other, config);

        Assert.Equal(32 / Math.Sqrt(8), other.Scale(other.Pairs.First(pair => pair.Module.EndsWith("0.self_attn.q_proj", StringComparison.Ordinal))), 1e-12);
        AssertProbe(GoldenModel.Convert("llama-gqa", folder), folder.File("a.gguf"));
    }

    [Fact]
    public void GgufRead_AfterWrite_PairsAreEqual()
    {
        using var folder = new TemporaryFolder();
        var config = ModelConfig.Read(SharedData.Require("golden/llama-gqa"));
        var golden = Adapter("golden/lora-sft", folder);
        GgufAdapter.Write(folder.File("a.gguf"), golden, config);

        var read = GgufAdapter.Read(folder.File("a.gguf"), config);

        Assert.Equal(golden.Pairs.Count, read.Pairs.Count);
        Assert.All(golden.Pairs, pair =>
        {
            var same = Assert.Single(read.Pairs, other => other.Module == pair.Module);
            Assert.Equal(pair.A, same.A);
            Assert.Equal(pair.B, same.B);
            Assert.Equal(golden.Scale(pair), read.Scale(same), 1e-9);
        });
    }

    [Fact]
    public void On_AnotherBase_IsRefusedWithBothShapes()
    {
        using var folder = new TemporaryFolder();
        var exception = Assert.Throws<AdapterException>(() => Adapter("golden/lora-sft", folder).On(ModelConfig.Read(SharedData.Require("golden/qwen3"))));

        Assert.Contains("[64, 64]", exception.Message, StringComparison.Ordinal);
        Assert.Contains("another base", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"peft_type":"IA3"}""", "IA3")]
    [InlineData("""{"peft_type":"LORA","r":0,"lora_alpha":4}""", "'r'")]
    [InlineData("""{"peft_type":"LORA","r":2,"lora_alpha":"x"}""", "damaged")]
    [InlineData("""{"peft_type":"LORA","r":2,"lora_alpha":4,"bias":"all"}""", "bias")]
    [InlineData("""{"peft_type":"LORA","r":2,"lora_alpha":4,"init_lora_weights":"pissa_niter_4"}""", "pissa")]
    [InlineData("""{"peft_type":"LORA","r":2,"lora_alpha":4,"fan_in_fan_out":true}""", "fan_in_fan_out")]
    [InlineData("""{"peft_type":"LORA","r":3,"lora_alpha":4}""", "rank 2")]
    [InlineData("not json", "damaged")]
    public void Read_UnsupportedSettings_AreRefusedByName(string settings, string message)
    {
        using var folder = new TemporaryFolder();
        WriteTiny(folder.Path, settings, "base_model.model.m.q_proj.lora_A.weight", "base_model.model.m.q_proj.lora_B.weight");

        var exception = Assert.Throws<AdapterException>(() => PeftAdapter.Read(folder.Path));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("base_model.model.m.q_proj.lora_A.weight", "other.q_proj.lora_B.weight", "does not begin")]
    [InlineData("base_model.model.m.q_proj.lora_A.weight", "base_model.model.m.k_proj.lora_B.weight", "no lora_B")]
    [InlineData("base_model.model.embed.lora_embedding_A", "base_model.model.embed.lora_embedding_B", "embeddings")]
    public void Read_UnknownTensors_AreRefusedByName(string a, string b, string message)
    {
        using var folder = new TemporaryFolder();
        WriteTiny(folder.Path, Settings, a, b);

        var exception = Assert.Throws<AdapterException>(() => PeftAdapter.Read(folder.Path));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GgufWrite_MagnitudesOrSavedWeights_AreRefusedWithTheWayOut()
    {
        using var folder = new TemporaryFolder();
        var config = ModelConfig.Read(SharedData.Require("golden/llama-gqa"));
        var golden = Adapter("golden/lora-sft", folder);
        var dora = golden with { Pairs = [.. golden.Pairs.Select(pair => pair with { Magnitude = new float[pair.Outputs] })] };
        var saved = golden with { Saved = new Dictionary<string, (long[], float[])> { ["lm_head.weight"] = ([320, 64], new float[320 * 64]) } };

        Assert.Contains("merge", Assert.Throws<AdapterException>(() => GgufAdapter.Write(folder.File("a"), dora, config)).Message, StringComparison.Ordinal);
        Assert.Contains("lm_head", Assert.Throws<AdapterException>(() => GgufAdapter.Write(folder.File("a"), saved, config)).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("a")));
    }

    /// <summary>The golden adapter as the folder that PEFT would have written.</summary>
    internal static PeftAdapter Adapter(string golden, TemporaryFolder folder)
    {
        var target = Directory.CreateDirectory(folder.File("adapter")).FullName;
        File.Copy(SharedData.Require(golden + "/final_adapter.safetensors"), Path.Combine(target, "adapter_model.safetensors"), overwrite: true);
        File.WriteAllText(Path.Combine(target, "adapter_config.json"), """
            {"peft_type":"LORA","r":8,"lora_alpha":16,"bias":"none","target_modules":["q_proj","k_proj","v_proj","o_proj","gate_proj","up_proj","down_proj"]}
            """);
        return PeftAdapter.Read(target);
    }

    internal static void AssertProbe(string model, string? adapter, double tolerance = 1e-3)
    {
        using var batch = SafetensorsFile.Open(SharedData.Require("golden/lora-sft/batch.safetensors"));
        using var served = ServedModel.Open(model, adapter, contextLength: 64, threads: 1);
        GoldenModel.AssertLogits(served, batch.ReadInt64("probe_tokens"), batch.ReadFloat32("probe_logits"), tolerance);
    }

    private static void WriteTiny(string folder, string settings, string a, string b)
    {
        SafetensorsWriter.Create(Path.Combine(folder, "adapter_model.safetensors"))
            .AddTensor(a, GgufTensorType.F32, [2, 3], () => new float[6]).AddTensor(b, GgufTensorType.F32, [4, 2], () => new float[8]).Finish();
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), settings);
    }
}
