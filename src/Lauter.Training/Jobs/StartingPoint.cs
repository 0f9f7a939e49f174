using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Peft;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Training.Decoders;
using Lauter.Training.Examples;
using Lauter.Training.Loop;
using Lauter.Training.Lora;
using Lauter.Training.Losses;
using Lauter.Training.Networks;
using Lauter.Training.Optimisers;

namespace Lauter.Training.Jobs;

/// <summary>What a run begins with: tokenizer, chat template, and what learns; and how it becomes a model file at the end.</summary>
internal abstract class StartingPoint : IDisposable
{
    private const string TokenizerFile = "tokenizer.gguf";

    protected StartingPoint(ModelTokenizer tokenizer)
    {
        Tokenizer = tokenizer;
        Template = tokenizer.ChatTemplate is { } template ? ChatTemplate.Parse(template) : null;
    }

    public ModelTokenizer Tokenizer { get; }

    /// <summary>Null when the file has none: then only texts can be trained.</summary>
    public ChatTemplate? Template { get; }

    public abstract ILearner Learner { get; }

    /// <summary>Values that are trained.</summary>
    public abstract long Trainable { get; }

    /// <summary>Longest sequence in tokens.</summary>
    public abstract int Context { get; }

    /// <summary>Multiplications and additions that a token costs in training, ×2; a token of the output matrix apart.</summary>
    public virtual (double Token, double Target)? Flops => null;

    public static StartingPoint Of(TrainingJob job, IReadOnlyList<TrainingRow> rows, string workDirectory, CancellationToken cancellationToken) =>
        job.Lora is { } lora ? new AdapterStart(job, lora)
        : job.Scratch is { } shape ? FromScratch(job, shape, rows, workDirectory, cancellationToken)
        : FromFile(job);

    /// <summary>Expected highest memory of passes over so many rows; null = not known.</summary>
    public virtual long? MemoryBytes(int passRows) => null;

    /// <summary>Writes the adapter alone, in PEFT's form; nothing where every weight is trained.</summary>
    public virtual void SaveAdapter(string directory)
    {
    }

    /// <summary>Writes what was trained into <paramref name="directory"/>: a complete model.gguf, and what else there is.</summary>
    public abstract void Save(string directory, string name);

    public void Dispose()
    {
        DisposeNetwork();
        Tokenizer.Dispose();
    }

    protected abstract void DisposeNetwork();

    private static NetworkStart FromScratch(
        TrainingJob job, ScratchOptions shape, IReadOnlyList<TrainingRow> rows, string workDirectory, CancellationToken cancellationToken)
    {
        // The vocabulary is learned from training rows alone: validation must stay unseen.
        var texts = rows.Where(r => r.Split == ExampleFile.Train).SelectMany(r => r.Text is { } text ? [text] : r.Messages.Select(m => m.Content))
            .Concat(job.CorpusPath is null ? [] : File.ReadLines(job.CorpusPath));
        var vocabulary = BpeTrainer.Train(texts, shape.VocabularySize, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], cancellationToken);
        var path = Path.Combine(workDirectory, TokenizerFile);
        Directory.CreateDirectory(workDirectory);
        vocabulary.Save(path);
        var config = new LlamaConfig
        {
            VocabularySize = vocabulary.Count,
            Width = shape.Width,
            Layers = shape.Layers,
            Heads = shape.Heads,
            KvHeads = shape.KvHeads,
            FeedForward = shape.FeedForward,
            ContextLength = shape.ContextLength,
            RopeBase = shape.RopeBase,
            TiedEmbeddings = true,
        };
        return new NetworkStart(LlamaInitialisation.Create(config, job.Options.Seed), ModelTokenizer.Open(path), job.Options);
    }

    private static NetworkStart FromFile(TrainingJob job)
    {
        using var file = GgufFile.Open(job.BasePath!);
        return new NetworkStart(LlamaNetwork.Load(file), ModelTokenizer.Open(job.BasePath!), job.Options);
    }
}

/// <summary>A network of which every weight is trained.</summary>
internal sealed class NetworkStart : StartingPoint
{
    private const string TokenizerKeys = "tokenizer.";

    private readonly LlamaNetwork _network;

    public NetworkStart(LlamaNetwork network, ModelTokenizer tokenizer, TrainingOptions options)
        : base(tokenizer)
    {
        _network = network;
        Learner = new NetworkLearner(network, options, tokenizer.SpecialTokens.Values.ToHashSet());
    }

    public override ILearner Learner { get; }

    public override long Trainable => _network.ParameterCount;

    public override int Context => _network.Config.ContextLength;

    public override void Save(string directory, string name)
    {
        using var source = GgufFile.Open(Tokenizer.Path);
        var writer = GgufWriter.Create(Path.Combine(directory, TrainingWorker.ModelFile));
        _network.Config.WriteTo(writer);
        writer.Add("general.name", name).Add("general.file_type", 0u);
        writer.AddFrom(source.Metadata, key => key.StartsWith(TokenizerKeys, StringComparison.Ordinal));
        LlamaGguf.AddTensors(_network, writer);
        writer.Finish();
    }

    protected override void DisposeNetwork() => _network.Dispose();
}

/// <summary>An adapter on a frozen base.</summary>
internal sealed class AdapterStart : StartingPoint
{
    /// <summary>Merged models up to so many values are stored as fp32, larger ones as F16.</summary>
    private const long MostFullValues = 250_000_000;

    private readonly string _basePath;
    private readonly Decoder _decoder;
    private readonly AdapterTrainer _trainer;
    private readonly TrainingOptions _options;

    public AdapterStart(TrainingJob job, LoraOptions lora)
        : base(ModelTokenizer.Open(job.BasePath!))
    {
        (_basePath, _options) = (job.BasePath!, job.Options);
        var lanes = job.Options.Threads ?? Environment.ProcessorCount;
        var weights = MappedWeights.Open(_basePath);
        _decoder = new Decoder(weights, job.Options.ResidentLayers is { } layers ? Math.Max(layers, lanes + 1) : null);
        var adapter = new LoraAdapter(_decoder.Shape, lora);
        if (adapter.Modules.Count == 0)
        {
            throw new TrainingFailedException("No module of the base gets an adapter: check lora's targets and rank pattern.");
        }

        if (job.AdapterPath is { } start)
        {
            LoraExport.FromPeft(PeftAdapter.Read(start), adapter, weights);
        }
        else
        {
            adapter.Initialise(job.Options.Seed);
            adapter.InitialiseMagnitudes(weights);
        }

        _trainer = new AdapterTrainer(
            _decoder,
            adapter,
            new AdapterMachine
            {
                Lanes = lanes, PassRows = job.Options.MicroBatchTokens, ActivationBytes = (long)job.Options.ActivationMebibytes << 20, SharePrefix = job.Options.SharePrefix,
            },
            (a, g, l) => new FlatAdamW(a, g, l) { WeightDecay = (float)job.Options.WeightDecay })
        {
            Preference = PreferenceLosses.Find(job.Method), TeacherWeight = job.Options.TeacherWeight, Beta = job.Options.Beta, Gamma = job.Options.Gamma,
        };
    }

    public override ILearner Learner => _trainer;

    public override long Trainable => _trainer.Adapter.Count;

    public override int Context => _decoder.Shape.Config.ContextLength;

    /// <summary>Forward and backward through frozen matrices: 4 each; rank-sized gradients: 4; a preference's reference: 2 more.</summary>
    public override (double Token, double Target)? Flops =>
        (((_trainer.Adapter.Options.WeightDecomposed ? 6.0 : 4.0) * _decoder.Shape.MatrixValues) + (4.0 * _trainer.Adapter.Count), (_trainer.Preference is null ? 4.0 : 6.0) * _decoder.Shape.Vocabulary * _decoder.Shape.Width);

    public override long? MemoryBytes(int passRows)
    {
        const long Program = 250L << 20;
        var shape = _decoder.Shape;
        var layers = Math.Min(_options.ResidentLayers ?? shape.Layers, shape.Layers);
        var kept = Math.Min((long)_options.ActivationMebibytes << 20, sizeof(float) * passRows * shape.Layers * LayerState.FloatsPerRow(shape, Keeping.All));
        var workspace = sizeof(float) * passRows * (6L * shape.FeedForward);
        return Program + new FileInfo(_basePath).Length + (layers * LayerWeights.Bytes(shape)) + ((long)sizeof(float) * shape.Vocabulary * (shape.Width + 128))
            + (sizeof(float) * (4L + (_options.Threads ?? Environment.ProcessorCount)) * _trainer.Adapter.Count) + kept + workspace;
    }

    public override void Save(string directory, string name)
    {
        var peft = Peft();
        peft.Write(Path.Combine(directory, TrainingWorker.AdapterDirectory));
        if (!peft.HasMagnitudes)
        {
            GgufAdapter.Write(Path.Combine(directory, TrainingWorker.AdapterFile), peft, _decoder.Shape.Config);
        }

        var values = _decoder.Shape.MatrixValues + ((long)_decoder.Shape.Vocabulary * _decoder.Shape.Width);
        LoraExport.WriteMerged(_basePath, _trainer.Adapter, Path.Combine(directory, TrainingWorker.ModelFile), name, values <= MostFullValues ? GgufTensorType.F32 : GgufTensorType.F16);
    }

    public override void SaveAdapter(string directory) => Peft().Write(directory);

    private PeftAdapter Peft() => LoraExport.ToPeft(_trainer.Adapter, _decoder.Weights, Path.GetFileName(_basePath));

    protected override void DisposeNetwork()
    {
        _trainer.Dispose();
        _trainer.Adapter.Dispose();
        _decoder.Dispose();
    }
}
