namespace Lauter.Training.Jobs;

/// <summary>A network trained from nothing: its shape and its vocabulary, which is learned from the examples.</summary>
public sealed record ScratchOptions
{
    /// <summary>Most tokens of the vocabulary, special ones included; 300–65,536. Little text gives fewer.</summary>
    public int VocabularySize { get; init; } = 4096;

    /// <summary>Features per token; a multiple of <see cref="Heads"/>.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Number of layers, 1 or more.</summary>
    public int Layers { get; init; } = 4;

    /// <summary>Query heads; width ÷ heads must be even.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public int KvHeads { get; init; } = 4;

    /// <summary>Hidden features of the feed-forward part.</summary>
    public int FeedForward { get; init; } = 336;

    /// <summary>Longest sequence in tokens.</summary>
    public int ContextLength { get; init; } = 1024;

    /// <summary>Base of the rotary frequencies.</summary>
    public float RopeBase { get; init; } = 10_000;

    /// <summary>Every fault of this shape at once.</summary>
    public IReadOnlyList<string> Faults()
    {
        List<string> faults = [];
        if (VocabularySize is < 300 or > 65_536)
        {
            faults.Add($"VocabularySize is {VocabularySize}; allowed is 300 to 65,536.");
        }

        foreach (var (name, value) in new[] { (nameof(Width), Width), (nameof(Layers), Layers), (nameof(Heads), Heads), (nameof(KvHeads), KvHeads), (nameof(FeedForward), FeedForward), (nameof(ContextLength), ContextLength) })
        {
            if (value < 1)
            {
                faults.Add($"{name} is {value}; it must be at least 1.");
            }
        }

        if (faults.Count == 0 && (Width % Heads != 0 || Width / Heads % 2 != 0 || Heads % KvHeads != 0))
        {
            faults.Add($"Width {Width}, Heads {Heads}, KvHeads {KvHeads}: Width ÷ Heads must be an even whole number, and KvHeads must divide Heads.");
        }

        return faults;
    }
}

/// <summary>Named shapes with the options they were tuned with.</summary>
public static class ScratchPresets
{
    /// <summary>The name of <see cref="Nano"/> in a project file: <c>scratch: nano</c>.</summary>
    public const string NanoName = "nano";

    /// <summary>Above a million parameters: some thousand short examples train in minutes on two cores.</summary>
    public static ScratchOptions Nano { get; } = new();

    /// <summary>
    /// The options <see cref="Nano"/> was tuned with. Two of them carry the result: with AdamW the network needs about twice the epochs,
    /// and without token noise it learns single words by heart.
    /// </summary>
    public static TrainingOptions NanoTraining { get; } = new()
    {
        Epochs = 12, BatchExamples = 16, LearningRate = 3e-3, Muon = true, TokenNoise = 0.12, Dropout = 0.1, ValidateEveryEpochs = 2,
    };

    /// <summary>The preset of that name, or null.</summary>
    public static (ScratchOptions Shape, TrainingOptions Training)? Find(string name) => name == NanoName ? (Nano, NanoTraining) : null;
}
