using Lauter.Models.Gguf;

namespace Lauter.Models.Conversion;

/// <summary>A tokenizer as the <c>tokenizer.*</c> keys of a GGUF file.</summary>
internal sealed record TokenizerKeys
{
    /// <summary><c>gpt2</c> (byte-level BPE), <c>llama</c> (SentencePiece BPE) or <c>no_vocab</c>.</summary>
    public required string Model { get; init; }

    /// <summary>How text is split before merging.</summary>
    public string Pre { get; init; } = "default";

    public string[] Tokens { get; init; } = [];

    public TokenKind[] Kinds { get; init; } = [];

    /// <summary>SentencePiece only.</summary>
    public float[]? Scores { get; init; }

    /// <summary>Byte-level BPE only.</summary>
    public string[]? Merges { get; init; }

    /// <summary>SentencePiece only: whether a space is put in front of a text.</summary>
    public bool? AddSpacePrefix { get; init; }

    public SpecialTokenIds Special { get; init; } = new();

    public string? ChatTemplate { get; init; }

    /// <summary>Reads the tokenizer files of a folder; a folder without any gives a file without vocabulary, which llama.cpp runs on ids alone.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="size">Rows of the embedding; ids without token are filled up.</param>
    /// <param name="family">The model's family, where it decides between splits that are spelt alike.</param>
    /// <exception cref="TokenizerConversionException">The tokenizer cannot be expressed exactly.</exception>
    public static TokenizerKeys Read(string folder, int size, string family)
    {
        var files = TokenizerFiles.Read(folder);
        if (files.Json is null && files.SentencePiece is null)
        {
            return new TokenizerKeys { Model = "no_vocab", ChatTemplate = files.ChatTemplate };
        }

        // Where both are there, tokenizer.model is the original and the json was derived from it, except for byte-level vocabularies.
        var keys = files.SentencePiece is not null && !(files.Json is not null && ByteLevelTokenizer.IsOne(files.Json.Value))
            ? SentencePieceTokenizer.FromModel(files, size)
            : ByteLevelTokenizer.IsOne(files.Json!.Value) ? ByteLevelTokenizer.Read(files, size, family) : SentencePieceTokenizer.FromJson(files, size);
        keys = keys with { ChatTemplate = files.ChatTemplate, Special = SpecialTokenIds.Read(files, keys) };
        return keys.Checked();
    }

    public void WriteTo(GgufWriter writer)
    {
        writer.Add("tokenizer.ggml.model", Model);
        if (Model != "no_vocab")
        {
            writer.Add("tokenizer.ggml.pre", Pre).Add("tokenizer.ggml.tokens", Tokens).Add("tokenizer.ggml.token_type", Array.ConvertAll(Kinds, kind => (int)kind));
            foreach (var (key, value) in new (string, object?)[] { ("scores", Scores), ("merges", Merges), ("add_space_prefix", AddSpacePrefix) })
            {
                if (value is not null)
                {
                    writer.Add("tokenizer.ggml." + key, value);
                }
            }

            Special.WriteTo(writer);
        }

        if (ChatTemplate is not null)
        {
            writer.Add("tokenizer.chat_template", ChatTemplate);
        }
    }

    /// <summary>llama.cpp ends the whole process when two tokens are spelt alike, so that must be found here.</summary>
    private TokenizerKeys Checked()
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < Tokens.Length; id++)
        {
            if (Tokens[id].Length == 0 || !seen.TryAdd(Tokens[id], id))
            {
                throw new TokenizerConversionException($"The token {id} is {(Tokens[id].Length == 0 ? "empty" : $"spelt '{Tokens[id]}' like token {seen[Tokens[id]]}")}; llama.cpp needs different spellings.");
            }
        }

        return this;
    }
}

/// <summary>Kinds of tokens; the numbers are those of the file format.</summary>
internal enum TokenKind
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}
