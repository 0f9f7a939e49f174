using System.Text;
using Lauter.Models.Gguf;
using Lauter.Models.Templates;

namespace Lauter.Models.Tokens;

/// <summary>
/// A byte-level vocabulary: special tokens first, then the 256 bytes, then merged tokens in the order learnt. Reading is thread-safe once training is over.
/// </summary>
public sealed class BpeVocabulary
{
    private readonly List<byte[]> _pieces = [];
    private readonly List<(int Left, int Right)> _merges = [];
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _ranks = [];
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    internal BpeVocabulary(IReadOnlyList<string> specialTokens)
    {
        SpecialTokens = [.. specialTokens];
        foreach (var token in specialTokens)
        {
            if (string.IsNullOrEmpty(token) || !_ids.TryAdd(token, _pieces.Count))
            {
                throw new ArgumentException($"The special token '{token}' is empty or given twice.", nameof(specialTokens));
            }

            _pieces.Add(Encoding.UTF8.GetBytes(token));
        }

        for (var value = 0; value < 256; value++)
        {
            Add([(byte)value]);
        }
    }

    /// <summary>Number of tokens.</summary>
    public int Count => _pieces.Count;

    /// <summary>Control tokens; their ids are their places in this list.</summary>
    public IReadOnlyList<string> SpecialTokens { get; }

    /// <summary>Number of merge rules.</summary>
    public int MergeCount => _merges.Count;

    /// <summary>The bytes of a token.</summary>
    public ReadOnlySpan<byte> Piece(int id) => _pieces[id];

    /// <summary>Ids of a text, special spellings treated as plain text. The slow, clear reference of what llama.cpp does with the written file.</summary>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        PreTokenizer.Split(text, (whole, start, length) =>
        {
            var word = Array.ConvertAll(Encoding.UTF8.GetBytes(whole.ToCharArray(start, length)), IdOfByte).ToList();
            while (Lowest(word) is { } merge)
            {
                word[merge.At] = merge.Id;
                word.RemoveAt(merge.At + 1);
            }

            ids.AddRange(word);
        });
        return [.. ids];
    }

    /// <summary>
    /// Writes the <c>tokenizer.*</c> keys: byte-level BPE with the split of <c>qwen2</c>, no beginning token added. End of sequence is <c>&lt;|im_end|&gt;</c> where
    /// there is one, else <c>&lt;|endoftext|&gt;</c>; beginning and padding are <c>&lt;|endoftext|&gt;</c>.
    /// </summary>
    /// <param name="writer">Receives the keys.</param>
    /// <param name="chatTemplate">Jinja template of conversations; null = <see cref="ChatTemplate.ChatMl"/>.</param>
    public void WriteTo(GgufWriter writer, string? chatTemplate = null)
    {
        ArgumentNullException.ThrowIfNull(writer);
        var spelled = _pieces.Select((piece, id) => id < SpecialTokens.Count ? SpecialTokens[id] : ByteAlphabet.Spell(piece)).ToArray();
        var types = new int[Count];
        Array.Fill(types, 1);
        Array.Fill(types, 3, 0, SpecialTokens.Count);
        writer.Add("tokenizer.ggml.model", "gpt2")
            .Add("tokenizer.ggml.pre", PreTokenizer.Name)
            .Add("tokenizer.ggml.tokens", spelled)
            .Add("tokenizer.ggml.token_type", types)
            .Add("tokenizer.ggml.merges", _merges.Select(merge => $"{spelled[merge.Left]} {spelled[merge.Right]}").ToArray());
        var endOfText = _ids.TryGetValue("<|endoftext|>", out var id) && id < SpecialTokens.Count ? id : (int?)null;
        var endOfTurn = _ids.TryGetValue("<|im_end|>", out id) && id < SpecialTokens.Count ? id : (int?)null;
        if ((endOfTurn ?? endOfText) is { } end)
        {
            writer.Add("tokenizer.ggml.eos_token_id", (uint)end)
                .Add("tokenizer.ggml.bos_token_id", (uint)(endOfText ?? end))
                .Add("tokenizer.ggml.padding_token_id", (uint)(endOfText ?? end));
        }

        writer.Add("tokenizer.ggml.add_bos_token", false)
            .Add("tokenizer.ggml.add_eos_token", false)
            .Add("tokenizer.chat_template", chatTemplate ?? ChatTemplate.ChatMl);
    }

    /// <summary>Writes a file of keys without tensors, which <see cref="ModelTokenizer.Open"/> and llama.cpp's vocabulary-only load read.</summary>
    /// <param name="path">The file to write.</param>
    /// <param name="chatTemplate">As in <see cref="WriteTo"/>.</param>
    public void Save(string path, string? chatTemplate = null)
    {
        var writer = GgufWriter.Create(path).Add("general.architecture", "llama").Add("general.type", "model").Add("general.name", "vocabulary");
        WriteTo(writer, chatTemplate);
        writer.Finish();
    }

    internal int IdOfByte(byte value) => SpecialTokens.Count + value;

    internal int AddMerge(int left, int right)
    {
        byte[] piece = [.. _pieces[left], .. _pieces[right]];

        // Two different pairs may spell the same token: then the rule is new, the token is not.
        var id = _ids.TryGetValue(ByteAlphabet.Spell(piece), out var known) ? known : Add(piece);
        _ranks.Add((left, right), (_merges.Count, id));
        _merges.Add((left, right));
        return id;
    }

    private int Add(byte[] piece)
    {
        _ids.Add(ByteAlphabet.Spell(piece), _pieces.Count);
        _pieces.Add(piece);
        return _pieces.Count - 1;
    }

    private (int At, int Id)? Lowest(List<int> word)
    {
        (int At, int Id)? best = null;
        var lowest = int.MaxValue;
        for (var i = 1; i < word.Count; i++)
        {
            if (_ranks.TryGetValue((word[i - 1], word[i]), out var rule) && rule.Rank < lowest)
            {
                lowest = rule.Rank;
                best = (i - 1, rule.Id);
            }
        }

        return best;
    }
}
