using System.Text.Json;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Tests.Support;
using Lauter.Training.Decoders;
using Lauter.Training.Examples;
using Lauter.Training.Lora;

namespace Lauter.Tests.Training.Decoders;

/// <summary>The real model: the first step of the reference fine-tuning, from the 4-bit file as it is. The whole run is a project in bench/.</summary>
public sealed class SmolLm2Tests
{
    [Fact]
    public void Accumulate_FirstStepOfTheReferenceRun_HasItsLossAndGradient()
    {
        var path = SharedData.Require("models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
        using var reference = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/smollm2/lora-reference.json")));
        using var data = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("data/clinc150/data_full.json")));
        using var tokenizer = ModelTokenizer.Open(path);
        var encoder = new ExampleEncoder(ChatTemplate.Parse(tokenizer.ChatTemplate!), tokenizer, 512);
        var run = reference.RootElement;
        TrainingRow[] rows = [.. run.GetProperty("batches")[0].EnumerateArray().Select(i =>
        {
            var row = data.RootElement.GetProperty("train")[i.GetInt32()];
            return new TrainingRow($"{i}", "train", RowKind.Conversation, [new("system", "Name the intent of the request."), new("user", row[0].GetString()!), new("assistant", row[1].GetString()!)]);
        })];

        using var decoder = new Decoder(MappedWeights.Open(path), slots: 3);
        using var adapter = new LoraAdapter(decoder.Shape, new LoraOptions { Rank = 16, Alpha = 32 });
        adapter.Initialise(0);
        Assert.Equal(run.GetProperty("init_check")[0].GetProperty("first_A")[0].GetDouble(), adapter.A(adapter.Module(0, Projection.Query)!)[0], 1e-8);
        using var trainer = new AdapterTrainer(decoder, adapter, new AdapterMachine { Lanes = 2, ActivationBytes = 200L << 20 });
        var sums = trainer.Accumulate(encoder.Encode(rows, "train"), 0);

        var loss = run.GetProperty("loss")[0].GetDouble();
        Assert.Equal(loss, sums.Loss / sums.Weight, loss * 1e-5);
        var norm = run.GetProperty("grad_norm")[0].GetDouble();
        Assert.Equal(norm, trainer.GradientNorm() / sums.Weight, norm * 1e-4);
    }
}
