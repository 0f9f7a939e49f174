using Lauter.Tests.Support;
using Lauter.Training.Decoders;
using Lauter.Training.Examples;
using Lauter.Training.Loop;
using Lauter.Training.Lora;

namespace Lauter.Tests.Training.Decoders;

/// <summary>The hand-written backward pass against differences of the forward pass, for every family, and against itself under other ways of computing.</summary>
public sealed class DecoderGradientTests
{
    public static TheoryData<string> Architectures => ArchitectureTests.Architectures;

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Accumulate_AnyFamily_GivesTheSlopeThatDifferencesGive(string name)
    {
        using var run = new Run(name, new AdapterMachine { Lanes = 2, SharePrefix = true });
        var examples = Examples(6, 1);
        run.Trainer.Accumulate(examples, 0);
        _ = run.Trainer.GradientNorm();
        var gradient = run.Gradient();

        AssertSlope(run, examples, gradient);
    }

    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("qwen3")]
    [InlineData("gemma3")]
    public void Accumulate_LittleMemory_GivesTheVerySameGradient(string name)
    {
        var examples = Examples(5, 2);
        var gradients = new[] { 1L << 30, 150_000, 1 }.Select(bytes =>
        {
            using var run = new Run(name, new AdapterMachine { Lanes = 1, ActivationBytes = bytes });
            run.Trainer.Accumulate(examples, 0);
            return run.Gradient();
        }).ToArray();

        Assert.Equal(gradients[0], gradients[1]);
        Assert.Equal(gradients[0], gradients[2]);
    }

    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("gemma3")]
    public void Accumulate_PackedOrOneByOne_GivesTheSameGradient(string name)
    {
        var examples = Examples(7, 4);
        using var packed = new Run(name, new AdapterMachine { Lanes = 1, SharePrefix = true });
        using var alone = new Run(name, new AdapterMachine { Lanes = 1, SharePrefix = false });
        var together = packed.Trainer.Accumulate(examples, 0);
        var sums = examples.Aggregate(default(StepSums), (sum, e) => sum + alone.Trainer.Accumulate([e], 0));

        Assert.Equal(sums.Loss, together.Loss, 1e-3);
        Assert.Equal(sums with { Loss = 0 }, together with { Loss = 0 });
        var (a, b) = (packed.Gradient(), alone.Gradient());
        var largest = a.Max(Math.Abs);
        for (var i = 0; i < a.Length; i++)
        {
            Assert.Equal(b[i], a[i], 1e-4f * largest);
        }
    }

    [Fact]
    public void Move_ResumedFromItsCheckpoint_IsTheSameBitForBit()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-adapter-").FullName;
        var options = Lauter.Training.Jobs.TrainingOptions.ForAdapters with { Epochs = 3, BatchExamples = 4, CheckpointSeconds = 0 };
        try
        {
            using var whole = new Run("llama-gqa", new AdapterMachine { Lanes = 2 });
            Loop(whole, "whole").Run(CancellationToken.None);

            using var stop = new CancellationTokenSource();
            using var first = new Run("llama-gqa", new AdapterMachine { Lanes = 2 });
            Assert.Throws<OperationCanceledException>(() => Loop(first, "stopped", new Training.Loop.TinyRun.Recorder { OnStep = r => { if (r.Step == 4) { stop.Cancel(); } } }).Run(stop.Token));
            using var second = new Run("llama-gqa", new AdapterMachine { Lanes = 2 });
            var loop = Loop(second, "stopped");
            Assert.True(loop.TryResume());
            Assert.Equal(4, loop.Step);
            loop.Run(CancellationToken.None);

            Assert.Equal(whole.Trainer.Weights[0], second.Trainer.Weights[0]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        TrainingLoop Loop(Run run, string name, ITrainingObserver? observer = null) => new(
            run.Trainer, Examples(10, 5), Examples(4, 6), options, "adapter", Path.Combine(directory, name, "state.bin"), observer ?? new Training.Loop.TinyRun.Recorder(), TimeProvider.System);
    }

    /// <summary>Rows that share their first five tokens and train the rest or a part of it.</summary>
    private static TrainingExample[] Examples(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            int length = 9 + random.Next(24), free = random.Next(3);
            var ids = new int[length];
            var trained = new bool[length];
            for (var t = 0; t < length; t++)
            {
                ids[t] = t < 5 ? 11 * (t + 1) : 3 + random.Next(300);
                trained[t] = t > 6 + free;
            }

            return new TrainingExample($"{i}", ids, trained);
        })];
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Accumulate_DecomposedWeights_GivesTheSlopeAtFixedLengths(string name)
    {
        using var run = new Run(name, new AdapterMachine { Lanes = 2, SharePrefix = true }, decomposed: true);
        var examples = Examples(6, 1);
        run.Trainer.Accumulate(examples, 0);
        run.Trainer.Adapter.FixesLengths = true;
        _ = run.Trainer.GradientNorm();
        AssertSlope(run, examples, run.Gradient());
    }

    [Theory]
    [InlineData("llama-gqa", 1)]
    [InlineData("qwen3", 0.4)]
    public void Accumulate_TeachersDistribution_GivesTheSlopeThatDifferencesGive(string name, double weight)
    {
        using var run = new Run(name, new AdapterMachine { Lanes = 2, SharePrefix = true }, teacherWeight: weight);
        var examples = Array.ConvertAll(Examples(6, 1), e => e with
        {
            // Every other trained token: a row may know some places only.
            Teacher = [.. e.Ids.Select((id, t) => e.Trained[t] && t % 2 == 0 ? TeacherTarget.Of([(id, -0.5), ((id + 9) % 320, -1.5), ((id + 31) % 320, -3)]) : null)],
        });
        run.Trainer.Accumulate(examples, 0);
        _ = run.Trainer.GradientNorm();
        AssertSlope(run, examples, run.Gradient());
    }

    [Fact]
    public void Accumulate_TeacherWithoutWeight_IsTheLossOfTheTokens()
    {
        using var run = new Run("llama-gqa", new AdapterMachine { Lanes = 1 }, teacherWeight: 0);
        var examples = Examples(4, 1);
        var plain = run.Trainer.Accumulate(examples, 0);
        run.Trainer.Discard();
        var taught = run.Trainer.Accumulate(Array.ConvertAll(examples, e => e with { Teacher = [.. e.Ids.Select(_ => TeacherTarget.Of([(5, -1), (6, -2)]))] }), 0);

        Assert.Equal(plain.Loss, taught.Loss, 1e-4);
        Assert.Equal(plain with { Loss = 0 }, taught with { Loss = 0 });
    }

    /// <summary>Along the gradient itself, where the slope is largest, and along a random direction, where a wrong part cannot hide behind a large right one.</summary>
    private static void AssertSlope(Run run, IReadOnlyList<TrainingExample> examples, float[] gradient)
    {
        var random = new SeededRandom(3);
        float[][] directions = [gradient, [.. gradient.Select(_ => (float)random.NextNormal())]];
        foreach (var direction in directions)
        {
            var length = Math.Sqrt(direction.Sum(d => (double)d * d));
            var expected = direction.Zip(gradient, (d, g) => (double)d * g).Sum() / length;
            const double Step = 8e-3;
            var measured = (run.LossAt(examples, direction, Step / length) - run.LossAt(examples, direction, -Step / length)) / (2 * Step);
            Assert.Equal(expected, measured, 2e-3 + (0.01 * Math.Abs(expected)));
        }
    }

    private sealed class Run : IDisposable
    {
        private readonly Decoder _decoder;
        private readonly List<LoraGradients> _gradients = [];

        public Run(string name, AdapterMachine machine, bool decomposed = false, double teacherWeight = 0.5)
        {
            _decoder = ArchitectureTests.Open(SharedData.Require($"golden/{name}"), slots: 3);
            var adapter = new LoraAdapter(_decoder.Shape, new LoraOptions { Rank = 3, RankPattern = new Dictionary<string, int> { ["up_proj"] = 2, ["layers.0.q_proj"] = 0 }, WeightDecomposed = decomposed });
            adapter.Initialise(7);
            adapter.InitialiseMagnitudes(_decoder.Weights);
            var random = new SeededRandom(8);
            foreach (var m in adapter.Modules)
            {
                foreach (ref var b in adapter.B(m))
                {
                    b = (float)(0.05 * random.NextNormal());
                }
            }

            Trainer = new AdapterTrainer(_decoder, adapter, machine, (a, g, l) =>
            {
                _gradients.AddRange(g);
                return new Lauter.Training.Optimisers.FlatAdamW(a, g, l);
            })
            {
                TeacherWeight = teacherWeight,
            };
        }

        public AdapterTrainer Trainer { get; }

        /// <summary>The summed gradient of all lanes.</summary>
        public float[] Gradient()
        {
            _ = Trainer.GradientNorm();
            return _gradients[0].Values.ToArray();
        }

        public double LossAt(IReadOnlyList<TrainingExample> examples, float[] direction, double step)
        {
            var before = Trainer.Weights;
            Trainer.Weights = [before[0].Zip(direction, (w, d) => (float)(w + (step * d))).ToArray()];
            var sums = Trainer.Accumulate(examples, 0);
            Trainer.Weights = before;
            return sums.Loss;
        }

        public void Dispose()
        {
            Trainer.Dispose();
            Trainer.Adapter.Dispose();
            _decoder.Dispose();
        }
    }
}
