using System.Text.Json.Serialization;
using Lauter.Training.Loop;

namespace Lauter.Training.Jobs;

/// <summary>What happens to a row that is longer than the limit.</summary>
public enum LongRows
{
    /// <summary>It is left out and counted.</summary>
    Drop,

    /// <summary>Its end is cut off and it is counted; a text goes on in a row of its own. An answer loses its end that way.</summary>
    Cut,

    /// <summary>The run does not start.</summary>
    Refuse,
}

/// <summary>How a network is trained. The defaults suit a few million parameters and some thousand short examples.</summary>
public sealed record TrainingOptions
{
    /// <summary>What suits an adapter on a pre-trained base.</summary>
    public static TrainingOptions ForAdapters { get; } = new()
    {
        Epochs = 2, BatchExamples = 32, LearningRate = 1e-3, WarmUpFraction = 0.03, FloorFraction = 0.1, WeightDecay = 0, Dropout = 0, MicroBatchTokens = 4096,
    };

    /// <summary>How often every training example is seen, 1–10,000.</summary>
    public int Epochs { get; init; } = 12;

    /// <summary>Examples per optimiser step, 1–4,096.</summary>
    public int BatchExamples { get; init; } = 32;

    /// <summary>Padded tokens computed at once, at least 1. A larger step runs in parts whose gradients add up; the result is the same up to rounding.</summary>
    public int MicroBatchTokens { get; init; } = 8192;

    /// <summary>Highest learning rate, above 0.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Whether the matrices inside the layers are moved by Muon instead of AdamW: fewer steps, each a fifth dearer.</summary>
    public bool Muon { get; init; }

    /// <summary>Part of all steps, 0–1, during which the rate rises to its peak.</summary>
    public double WarmUpFraction { get; init; } = 0.05;

    /// <summary>Learning rate at the end as a part of the peak, 0–1.</summary>
    public double FloorFraction { get; init; } = 0.02;

    /// <summary>How the rate goes after its warm-up.</summary>
    public Schedule Schedule { get; init; } = Schedule.Cosine;

    /// <summary>Validations without a better one after which the run ends early; null = never.</summary>
    public int? Patience { get; init; }

    /// <summary>What happens to rows longer than <see cref="MaximumTokens"/>.</summary>
    public LongRows LongRows { get; init; } = LongRows.Drop;

    /// <summary>Memory in MiB for what the forward pass of an adapter training keeps; what does not fit is computed again. At least 16.</summary>
    public int ActivationMebibytes { get; init; } = 800;

    /// <summary>Layers of a frozen base held as fp32 at once; null = all. A few cost some time and spare most of the base's memory.</summary>
    public int? ResidentLayers { get; init; }

    /// <summary>Whether a beginning that all rows of a batch share is computed once (adapter training).</summary>
    public bool SharePrefix { get; init; } = true;

    /// <summary>How strongly a preference pulls away from the reference, above 0.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>The margin that SimPO asks for, 0 or more.</summary>
    public double Gamma { get; init; } = 0.5;

    /// <summary>Part of the loss, 0–1, that asks for the teacher's recorded distribution instead of the recorded token; rows without one are not touched.</summary>
    public double TeacherWeight { get; init; } = 0.5;

    /// <summary>How often a diverged run goes back to a state before and leaves out the rows it diverged on, 0–100; then it fails. 0 = it fails at once.</summary>
    public int RollBacks { get; init; }

    /// <summary>Steps between the states kept in memory for that, at least 1.</summary>
    public int RollBackSteps { get; init; } = 50;

    /// <summary>AdamW's decoupled decay of matrices, 0–1.</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Longest gradient; a longer one is scaled down to it. Above 0.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Probability of dropping a residual feature, 0 to below 1.</summary>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Weight of the loss at prompt tokens, 0–1. 0 trains completions only.</summary>
    public double PromptLossWeight { get; init; }

    /// <summary>Part of the target probability, 0 to below 1, spread over all tokens: wrong labels are learned less firmly.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Probability, 0 to below 1, that a prompt token is replaced by a random one in training: the network learns not to hang on single words.</summary>
    public double TokenNoise { get; init; }

    /// <summary>Validation runs per epoch are 1 ÷ this number; 1 or more.</summary>
    public int ValidateEveryEpochs { get; init; } = 1;

    /// <summary>Seconds between checkpoints, 0 or more; 0 writes one after every step.</summary>
    public double CheckpointSeconds { get; init; } = 20;

    /// <summary>Longest example in tokens; longer ones are left out and counted. Null = the network's context.</summary>
    public int? MaximumTokens { get; init; }

    /// <summary>Names the random numbers of the run: order, initial weights, dropout.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Native threads, 1 or more. Null = one per core. Another number may change the last bits of a result.</summary>
    public int? Threads { get; init; }

    /// <summary>Every fault of these options at once, each naming the option, its value and its range.</summary>
    public IReadOnlyList<string> Faults()
    {
        List<string> faults = [];
        Check(Epochs is >= 1 and <= 10_000, nameof(Epochs), Epochs, "1 to 10,000");
        Check(BatchExamples is >= 1 and <= 4096, nameof(BatchExamples), BatchExamples, "1 to 4,096");
        Check(MicroBatchTokens >= 1, nameof(MicroBatchTokens), MicroBatchTokens, "at least 1");
        Check(LearningRate > 0, nameof(LearningRate), LearningRate, "above 0");
        Check(WarmUpFraction is >= 0 and <= 1, nameof(WarmUpFraction), WarmUpFraction, "0 to 1");
        Check(FloorFraction is >= 0 and <= 1, nameof(FloorFraction), FloorFraction, "0 to 1");
        Check(WeightDecay is >= 0 and <= 1, nameof(WeightDecay), WeightDecay, "0 to 1");
        Check(ClipNorm > 0, nameof(ClipNorm), ClipNorm, "above 0");
        Check(Dropout is >= 0 and < 1, nameof(Dropout), Dropout, "0 to below 1");
        Check(PromptLossWeight is >= 0 and <= 1, nameof(PromptLossWeight), PromptLossWeight, "0 to 1");
        Check(Patience is null or >= 1, nameof(Patience), Patience ?? 0, "at least 1");
        Check(ActivationMebibytes >= 16, nameof(ActivationMebibytes), ActivationMebibytes, "at least 16");
        Check(ResidentLayers is null or >= 1, nameof(ResidentLayers), ResidentLayers ?? 0, "at least 1");
        Check(Beta > 0, nameof(Beta), Beta, "above 0");
        Check(Gamma >= 0, nameof(Gamma), Gamma, "0 or more");
        Check(TeacherWeight is >= 0 and <= 1, nameof(TeacherWeight), TeacherWeight, "0 to 1");
        Check(RollBacks is >= 0 and <= 100, nameof(RollBacks), RollBacks, "0 to 100");
        Check(RollBackSteps >= 1, nameof(RollBackSteps), RollBackSteps, "at least 1");
        Check(LabelSmoothing is >= 0 and < 1, nameof(LabelSmoothing), LabelSmoothing, "0 to below 1");
        Check(TokenNoise is >= 0 and < 1, nameof(TokenNoise), TokenNoise, "0 to below 1");
        Check(ValidateEveryEpochs >= 1, nameof(ValidateEveryEpochs), ValidateEveryEpochs, "at least 1");
        Check(CheckpointSeconds >= 0, nameof(CheckpointSeconds), CheckpointSeconds, "0 or more");
        Check(MaximumTokens is null or >= 2, nameof(MaximumTokens), MaximumTokens ?? 0, "at least 2");
        Check(Threads is null or >= 1, nameof(Threads), Threads ?? 0, "at least 1");
        return faults;

        void Check(bool holds, string name, object value, string range)
        {
            if (!holds)
            {
                faults.Add($"{name} is {value}; allowed is {range}.");
            }
        }
    }
}
