using System.Text.Json;
using Lauter.Tests.Support;
using Lauter.Training.Decoders;
using Lauter.Training.Examples;
using Lauter.Training.Lora;
using Lauter.Training.Losses;
using Lauter.Training.Optimisers;

namespace Lauter.Tests.Training.Decoders;

/// <summary>Whole training runs against PEFT and PyTorch: every loss, every gradient norm, and the adapter at the end.</summary>
public sealed class AdapterGoldenTests
{
    [Theory]
    [InlineData(1, true, 100_000)]
    [InlineData(2, true, 100_000)]
    [InlineData(2, false, 100)]
    public void Sft_ReferenceRun_HasTheSameLossesAndAdapter(int lanes, bool sharePrefix, int passRows)
    {
        using var run = new Run("lora-sft", new AdapterMachine { Lanes = lanes, SharePrefix = sharePrefix, PassRows = passRows }, weightDecay: 0.01f, preference: null);
        var ids = Rows(run.Batch, "input_ids");
        var labels = Rows(run.Batch, "labels");
        TrainingExample[] examples = [.. ids.Zip(labels, (row, label) => new TrainingExample("", row, Array.ConvertAll(label, l => l != -100)))];
        var norms = run.Expected.GetProperty("grad_norms_before_clip");
        foreach (var (loss, step) in run.Losses)
        {
            var sums = run.Trainer.Accumulate(examples, step - 1);
            var norm = run.Trainer.GradientNorm() / sums.Weight;
            Assert.Equal(loss, sums.Loss / sums.Weight, loss * 1e-4);
            Assert.Equal(norms[step - 1].GetDouble(), norm, 1e-3);
            run.Trainer.Move(step, 0.01, Math.Min(1, 1 / norm) / sums.Weight);
        }

        run.CompareFinal();
        var probe = Rows(run.Batch, "probe_tokens")[0];
        var logs = run.Decoder.LogProbabilities(probe, run.Trainer.Adapter);
        var logits = run.Batch.Read<float>("probe_logits");
        for (var t = 0; t < probe.Length; t++)
        {
            var reference = logits.AsSpan(t * 320, 320).ToArray();
            var shift = reference.Max() + Math.Log(reference.Sum(l => Math.Exp(l - reference.Max())));
            Assert.Equal(reference[7] - shift, logs[t, 7], 1e-3);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Dpo_ReferenceRun_HasTheSameLossesAndAdapter(bool sharePrefix)
    {
        using var run = new Run("lora-dpo", new AdapterMachine { Lanes = 2, SharePrefix = sharePrefix }, weightDecay: 0, new Dpo());
        var mask = Rows(run.Batch, "completion_mask");
        TrainingExample[] examples = [.. Rows(run.Batch, "chosen").Zip(Rows(run.Batch, "rejected")).Select((pair, i) =>
            Example($"{i}", pair.First, mask[i]) with { Rejected = Example($"{i}", pair.Second, mask[i]) })];
        var reference = run.Trainer.Reference(examples);
        for (var i = 0; i < examples.Length; i++)
        {
            Assert.Equal(run.Batch.Read<float>("reference_chosen_logps")[i], reference[$"{i}"].Chosen, 1e-3);
            Assert.Equal(run.Batch.Read<float>("reference_rejected_logps")[i], reference[$"{i}"].Rejected, 1e-3);
        }

        var margins = run.Expected.GetProperty("mean_reward_margins");
        foreach (var (loss, step) in run.Losses)
        {
            var sums = run.Trainer.Accumulate(examples, step - 1);
            _ = run.Trainer.GradientNorm();
            Assert.Equal(loss, sums.Loss / sums.Weight, step == 1 ? 1e-6 : Math.Max(1e-5, loss * 1e-3));
            Assert.Equal(margins[step - 1].GetDouble(), sums.Margin / sums.Weight, 2e-3);
            run.Trainer.Move(step, 0.005, 1 / sums.Weight);
        }

        run.CompareFinal();
    }

    private static TrainingExample Example(string id, int[] ids, int[] mask) => new(id, ids, Array.ConvertAll(mask, m => m != 0));

    private static int[][] Rows(SafetensorsReader file, string name)
    {
        var width = (int)file.Shape(name)[1];
        return [.. file.Read<long>(name).Select(v => (int)v).Chunk(width)];
    }

    private sealed class Run : IDisposable
    {
        private readonly string _directory;

        public Run(string golden, AdapterMachine machine, float weightDecay, PreferenceLoss? preference)
        {
            _directory = SharedData.Require($"golden/{golden}");
            Expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_directory, "expected.json"))).RootElement;
            Batch = new SafetensorsReader(Path.Combine(_directory, "batch.safetensors"));
            Decoder = ArchitectureTests.Open(SharedData.Require("golden/llama-gqa"), slots: 3);
            var adapter = new LoraAdapter(Decoder.Shape, new LoraOptions { Rank = 8, Alpha = 16 });
            Trainer = new AdapterTrainer(Decoder, adapter, machine, (a, g, l) => new FlatAdamW(a, g, l) { WeightDecay = weightDecay }) { Preference = preference };
            ForEach("initial_adapter.safetensors", (values, ours) => values.CopyTo(ours));
        }

        public JsonElement Expected { get; }

        public SafetensorsReader Batch { get; }

        public Decoder Decoder { get; }

        public AdapterTrainer Trainer { get; }

        public IEnumerable<(double Loss, int Step)> Losses => Expected.GetProperty("losses").EnumerateArray().Select((l, i) => (l.GetDouble(), i + 1));

        public void CompareFinal()
        {
            var largest = 0f;
            ForEach("final_adapter.safetensors", (values, ours) =>
            {
                for (var i = 0; i < values.Length; i++)
                {
                    largest = Math.Max(largest, Math.Abs(values[i] - ours[i]));
                }
            });
            Assert.InRange(largest, 0, 1e-3f);
        }

        public void Dispose()
        {
            Trainer.Dispose();
            Trainer.Adapter.Dispose();
            Decoder.Dispose();
        }

        private void ForEach(string file, Action<float[], Span<float>> action)
        {
            var reader = new SafetensorsReader(Path.Combine(_directory, file));
            foreach (var m in Trainer.Adapter.Modules)
            {
                var name = Decoder.Weights.Name(m.Layer, m.Projection);
                action(reader.Read<float>($"base_model.model.{name.Module}.lora_A.weight"), Trainer.Adapter.A(m));

                // Rows of B are rows of W: they move with it into the order of the GGUF file.
                action(name.ToGguf(reader.Read<float>($"base_model.model.{name.Module}.lora_B.weight")), Trainer.Adapter.B(m));
            }
        }
    }
}
