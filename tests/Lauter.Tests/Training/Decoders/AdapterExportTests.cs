using System.Text.Json;
using Lauter.Models.Gguf;
using Lauter.Models.Peft;
using Lauter.Models.Safetensors;
using Lauter.Tests.Support;
using Lauter.Tests.Training.Networks;
using Lauter.Training.Decoders;
using Lauter.Training.Loop;
using Lauter.Training.Lora;

namespace Lauter.Tests.Training.Decoders;

/// <summary>What leaves the trainer is what was trained: in PEFT's names, in llama.cpp as an adapter, and merged.</summary>
public sealed class AdapterExportTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-export-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void ToPeft_LikeTheReference_HasItsNamesAndShapes()
    {
        using var decoder = ArchitectureTests.Open(SharedData.Require("golden/llama-gqa"));
        using var adapter = Random(decoder, new LoraOptions { Rank = 8, Alpha = 16 });
        LoraExport.ToPeft(adapter, decoder.Weights, "llama-gqa").Write(_directory);

        using var ours = SafetensorsFile.Open(Path.Combine(_directory, "adapter_model.safetensors"));
        using var reference = SafetensorsFile.Open(SharedData.Require("golden/lora-sft/final_adapter.safetensors"));
        Assert.Equal(
            reference.Tensors.Values.OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => $"{t.Name} {t.Type} {string.Join(",", t.Shape)}"),
            ours.Tensors.Values.OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => $"{t.Name} {t.Type} {string.Join(",", t.Shape)}"));
        using var settings = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_directory, "adapter_config.json")));
        Assert.Equal(8, settings.RootElement.GetProperty("r").GetInt32());
        Assert.Equal(16, settings.RootElement.GetProperty("lora_alpha").GetDouble());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FromPeft_WhatWasWritten_IsTheSameAdapter(bool rankStabilised)
    {
        using var decoder = ArchitectureTests.Open(SharedData.Require("golden/llama-gqa"));
        var options = new LoraOptions { Rank = 4, RankStabilised = rankStabilised, RankPattern = new Dictionary<string, int> { ["v_proj"] = 2, ["layers.1.o_proj"] = 7 } };
        using var adapter = Random(decoder, options);
        LoraExport.ToPeft(adapter, decoder.Weights, null).Write(_directory);
        using var read = new LoraAdapter(decoder.Shape, options);
        LoraExport.FromPeft(PeftAdapter.Read(_directory), read, decoder.Weights);

        Assert.True(adapter.Values.SequenceEqual(read.Values));
    }

    [Fact]
    public void FromPeft_AdapterOfAnotherBase_IsRefusedByName()
    {
        using var small = ArchitectureTests.Open(SharedData.Require("golden/llama-gqa"));
        using var other = new Decoder(MappedWeights.Open(SharedData.Require("models/stories260k/stories260k-f32.gguf")));
        using var adapter = Random(small, new LoraOptions { Rank = 4 });
        LoraExport.ToPeft(adapter, small.Weights, null).Write(_directory);
        using var wrong = new LoraAdapter(other.Shape, new LoraOptions { Rank = 4 });

        Assert.Contains("belongs to another base", Assert.Throws<AdapterException>(() => LoraExport.FromPeft(PeftAdapter.Read(_directory), wrong, other.Weights)).Message);
    }

    [Fact]
    public void WriteMerged_Stories260k_IsTheTrainedModelInOurPassAndInLlamaCpp()
    {
        var path = SharedData.Require("models/stories260k/stories260k-f32.gguf");
        using var decoder = new Decoder(MappedWeights.Open(path), slots: 2);
        using var adapter = Random(decoder, new LoraOptions { Rank = 5, RankPattern = new Dictionary<string, int> { ["down_proj"] = 2 } });
        var (merged, small) = (Path.Combine(_directory, "merged.gguf"), Path.Combine(_directory, "adapter.gguf"));
        LoraExport.WriteMerged(path, adapter, merged, "merged", GgufTensorType.F32);
        GgufAdapter.Write(small, LoraExport.ToPeft(adapter, decoder.Weights, null), decoder.Shape.Config);

        int[] ids = [1, 403, 407, 261, 378, 432, 383, 285, 324, 336, 406];
        var trained = decoder.LogProbabilities(ids, adapter);
        using var mergedNetwork = DecoderNetwork.Open(merged);
        using var llamaCppMerged = new LlamaCppModel(merged);
        using var llamaCppAdapted = new LlamaCppModel(path, small);
        var others = new[] { Jagged(mergedNetwork.LogProbabilities(ids)), llamaCppMerged.LogProbabilities(ids), llamaCppAdapted.LogProbabilities(ids) };
        var baseLogs = decoder.LogProbabilities(ids);
        double moved = 0;
        for (var t = 0; t < ids.Length; t++)
        {
            for (var i = 0; i < decoder.Shape.Vocabulary; i++)
            {
                moved = Math.Max(moved, Math.Abs(baseLogs[t, i] - trained[t, i]));
                Assert.All(others, o => Assert.Equal(trained[t, i], o[t][i], 2e-3f));
            }
        }

        Assert.True(moved > 0.05, "The adapter changes nothing, so the comparison would be empty.");
    }

    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("glm4")]
    public void Decomposed_Untouched_IsTheBase(string name)
    {
        using var decoder = ArchitectureTests.Open(SharedData.Require($"golden/{name}"));
        using var adapter = new LoraAdapter(decoder.Shape, new LoraOptions { Rank = 4, WeightDecomposed = true });
        adapter.Initialise(3);
        adapter.InitialiseMagnitudes(decoder.Weights);
        int[] ids = [5, 17, 33, 2, 250, 99];
        float[,] frozen = decoder.LogProbabilities(ids), untouched = decoder.LogProbabilities(ids, adapter);
        Assert.All(Enumerable.Range(0, ids.Length), t => Assert.Equal(frozen[t, 7], untouched[t, 7], 1e-4f));
    }

    [Fact]
    public void Decomposed_MergedByUsAndFromItsPeftForm_IsTheTrainedModel()
    {
        var path = SharedData.Require("models/stories260k/stories260k-f32.gguf");
        using var decoder = new Decoder(MappedWeights.Open(path), slots: 2);
        using var adapter = new LoraAdapter(decoder.Shape, new LoraOptions { Rank = 5, WeightDecomposed = true });
        adapter.Initialise(3);
        adapter.InitialiseMagnitudes(decoder.Weights);
        Move(adapter);
        var (ours, fromPeft) = (Path.Combine(_directory, "ours.gguf"), Path.Combine(_directory, "peft.gguf"));
        LoraExport.WriteMerged(path, adapter, ours, "merged", GgufTensorType.F32);
        LoraExport.ToPeft(adapter, decoder.Weights, null).Write(Path.Combine(_directory, "peft"));
        Lauter.Models.Conversion.AdapterMerge.Merge(path, PeftAdapter.Read(Path.Combine(_directory, "peft")), fromPeft, Lauter.Models.Conversion.Quantisation.All.Single(q => q.Name == "F32"));

        // One row by the paper's formula in double precision.
        using (var merged = GgufFile.Open(ours))
        {
            var m = adapter.Modules.First(x => x.Projection == Projection.Value);
            var (w, row) = (new float[m.In], 3);
            decoder.Weights.Read(m.Layer, m.Projection, row, w);
            var v = w.Select((x, i) => x + (m.Scale * Enumerable.Range(0, m.Rank).Sum(k => (double)adapter.B(m)[(row * m.Rank) + k] * adapter.A(m)[(k * m.In) + i]))).ToArray();
            var (length, values) = (Math.Sqrt(v.Sum(x => x * x)), merged.ReadFloat32($"blk.{m.Layer}.attn_v.weight"));
            Assert.All(Enumerable.Range(0, m.In), i => Assert.Equal(adapter.Values[(int)m.Magnitude + row] * v[i] / length, values[(row * m.In) + i], 1e-5));
        }

        int[] ids = [1, 403, 407, 261, 378, 432, 383, 285, 324, 336, 406];
        var trained = decoder.LogProbabilities(ids, adapter);
        foreach (var file in new[] { ours, fromPeft })
        {
            using var served = new LlamaCppModel(file);
            var logs = served.LogProbabilities(ids);
            Assert.All(Enumerable.Range(0, ids.Length), t => Assert.All(Enumerable.Range(0, decoder.Shape.Vocabulary), i => Assert.Equal(trained[t, i], logs[t][i], 2e-3f)));
        }

        using var read = new LoraAdapter(decoder.Shape, adapter.Options);
        LoraExport.FromPeft(PeftAdapter.Read(Path.Combine(_directory, "peft")), read, decoder.Weights);
        Assert.True(adapter.Values.SequenceEqual(read.Values));
    }

    private static void Move(LoraAdapter adapter)
    {
        var random = new SeededRandom(4);
        foreach (var m in adapter.Modules)
        {
            foreach (ref var b in adapter.B(m))
            {
                b = (float)(0.03 * random.NextNormal());
            }

            foreach (ref var length in adapter.Values.Slice((int)m.Magnitude, m.Out))
            {
                length *= (float)(1 + (0.1 * random.NextNormal()));
            }
        }
    }

    private static float[][] Jagged(float[,] logs) =>
        [.. Enumerable.Range(0, logs.GetLength(0)).Select(t => Enumerable.Range(0, logs.GetLength(1)).Select(i => logs[t, i]).ToArray())];

    private static LoraAdapter Random(Decoder decoder, LoraOptions options)
    {
        var adapter = new LoraAdapter(decoder.Shape, options);
        adapter.Initialise(3);
        var random = new SeededRandom(4);
        foreach (var m in adapter.Modules)
        {
            foreach (ref var b in adapter.B(m))
            {
                b = (float)(0.03 * random.NextNormal());
            }
        }

        return adapter;
    }
}
