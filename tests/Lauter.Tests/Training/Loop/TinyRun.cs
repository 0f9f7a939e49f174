using Lauter.Models.Families;
using Lauter.Training.Checkpoints;
using Lauter.Training.Examples;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Networks;

namespace Lauter.Tests.Training.Loop;

/// <summary>A run of a few seconds: copy the prompt's two tokens into the completion.</summary>
internal static class TinyRun
{
    public static LlamaConfig Config { get; } = new()
    {
        VocabularySize = 24, Width = 32, Layers = 2, Heads = 4, KvHeads = 2, FeedForward = 48, ContextLength = 32, TiedEmbeddings = true, NormEpsilon = 1e-5f,
    };

    public static TrainingOptions Options { get; } = new()
    {
        Epochs = 4, BatchExamples = 8, LearningRate = 5e-3, Dropout = 0.1, TokenNoise = 0.05, CheckpointSeconds = 1e9, Seed = 7, Threads = 1,
    };

    public static IReadOnlyList<TrainingExample> Examples(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(i => Example(i, ref random))];
    }

    public static TrainingLoop Create(LlamaNetwork network, TrainingOptions options, string directory, ITrainingObserver? observer = null, string digest = "tiny") => new(
        new NetworkLearner(network, options, new HashSet<int> { 0, 1 }), Examples(40, 1), Examples(16, 2), options, digest, Path.Combine(directory, "state.bin"), observer ?? new Recorder(), TimeProvider.System);

    private static TrainingExample Example(int index, ref SeededRandom random)
    {
        int first = 2 + random.Next(20), second = 2 + random.Next(20), padding = random.Next(4);
        int[] ids = [0, .. Enumerable.Repeat(22, padding), first, second, 1, first, second, 1];
        var trained = new bool[ids.Length];
        trained.AsSpan(ids.Length - 3).Fill(true);
        return new TrainingExample($"{index}", ids, trained);
    }

    internal sealed class Recorder : ITrainingObserver
    {
        public List<StepReport> Steps { get; } = [];

        public List<ValidationResult> Validations { get; } = [];

        public Action<StepReport>? OnStep { get; init; }

        public void Stepped(StepReport report)
        {
            Steps.Add(report);
            OnStep?.Invoke(report);
        }

        public void Validated(int step, ValidationResult result, bool isBest) => Validations.Add(result);

        public List<(int Step, int To, string Message)> RollBacks { get; } = [];

        public void RolledBack(int step, int to, string message) => RollBacks.Add((step, to, message));

        public void Saved(int step)
        {
        }
    }
}
