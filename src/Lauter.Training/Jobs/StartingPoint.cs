using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Training.Examples;
using Lauter.Training.Loop;
using Lauter.Training.Networks;

namespace Lauter.Training.Jobs;

/// <summary>What a run begins with: weights, tokenizer, chat template, and the metadata that the trained file inherits.</summary>
internal sealed class StartingPoint : IDisposable
{
    private const string TokenizerFile = "tokenizer.gguf";
    private const string TokenizerKeys = "tokenizer.";

    private StartingPoint(LlamaNetwork network, ModelTokenizer tokenizer)
    {
        (Network, Tokenizer) = (network, tokenizer);
        Template = ChatTemplate.Parse(tokenizer.ChatTemplate
            ?? throw new TrainingFailedException($"{tokenizer.Path} has no chat template (tokenizer.chat_template), so conversations cannot be rendered for it."));
    }

    public LlamaNetwork Network { get; }

    public ModelTokenizer Tokenizer { get; }

    public ChatTemplate Template { get; }

    /// <summary>Ids that carry the frame of a conversation.</summary>
    public IReadOnlySet<int> ControlTokens => Tokenizer.SpecialTokens.Values.ToHashSet();

    public static StartingPoint Of(TrainingJob job, IReadOnlyList<ConversationRow> rows, string workDirectory, CancellationToken cancellationToken) =>
        job.Scratch is { } shape ? FromScratch(job, shape, rows, workDirectory, cancellationToken) : FromFile(job.BasePath!);

    /// <summary>Writes the network as a complete model.</summary>
    public void Save(string path, string name)
    {
        using var source = GgufFile.Open(Tokenizer.Path);
        var writer = GgufWriter.Create(path);
        Network.Config.WriteTo(writer);
        writer.Add("general.name", name).Add("general.file_type", 0u);
        writer.AddFrom(source.Metadata, key => key.StartsWith(TokenizerKeys, StringComparison.Ordinal));
        LlamaGguf.AddTensors(Network, writer);
        writer.Finish();
    }

    public void Dispose()
    {
        Network.Dispose();
        Tokenizer.Dispose();
    }

    private static StartingPoint FromScratch(
        TrainingJob job, ScratchOptions shape, IReadOnlyList<ConversationRow> rows, string workDirectory, CancellationToken cancellationToken)
    {
        // The vocabulary is learned from training rows alone: validation must stay unseen.
        var texts = rows.Where(r => r.Split == ExampleFile.Train).SelectMany(r => r.Messages).Select(m => m.Content)
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
        return new StartingPoint(LlamaInitialisation.Create(config, job.Options.Seed), ModelTokenizer.Open(path));
    }

    private static StartingPoint FromFile(string path)
    {
        using var file = GgufFile.Open(path);
        return new StartingPoint(LlamaNetwork.Load(file), ModelTokenizer.Open(path));
    }
}
