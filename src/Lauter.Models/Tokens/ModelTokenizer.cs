using System.Text;
using Lauter.Models.Gguf;
using Lauter.Models.Natives;
using LLama.Exceptions;
using LLama.Native;

namespace Lauter.Models.Tokens;

/// <summary>
/// The tokenizer inside a GGUF file, run by llama.cpp: the same code that serves the model. Only the vocabulary is loaded, no weights; the file's header is
/// checked in managed code first. Thread-safe until disposed.
/// </summary>
public sealed class ModelTokenizer : IDisposable
{
    /// <summary>Longest text of one call, in UTF-16 units: llama.cpp's memory grows with the text, and some of its splitters recurse over it.</summary>
    public const int MaxTextLength = 1 << 20;

    private readonly SafeLlamaModelHandle _handle;
    private readonly byte[][] _pieces;
    private readonly Dictionary<string, int> _special = new(StringComparer.Ordinal);
    private readonly bool[] _isSpecial;
    private readonly bool _dropsFirstSpace;

    private ModelTokenizer(string path, SafeLlamaModelHandle handle, GgufMetadata metadata)
    {
        Path = path;
        _handle = handle;
        ChatTemplate = metadata.Text("tokenizer.chat_template");
        Model = metadata.Text("tokenizer.ggml.model") ?? "unknown";
        _dropsFirstSpace = Model == "llama" && (metadata.Flag("tokenizer.ggml.add_space_prefix") ?? true);
        VocabularySize = handle.Vocab.Count;
        _pieces = new byte[VocabularySize][];
        var buffer = new byte[256];
        for (var id = 0; id < VocabularySize; id++)
        {
            var length = (int)handle.TokenToSpan((LLamaToken)id, buffer, 0, special: true);
            if (length > buffer.Length)
            {
                buffer = new byte[length];
                length = (int)handle.TokenToSpan((LLamaToken)id, buffer, 0, special: true);
            }

            _pieces[id] = buffer[..Math.Max(0, length)];
        }

        _isSpecial = new bool[VocabularySize];
        var tokens = metadata.Texts("tokenizer.ggml.tokens");
        var types = metadata.Integers("tokenizer.ggml.token_type");
        for (var id = 0; id < Math.Min(VocabularySize, Math.Min(tokens?.Count ?? 0, types?.Count ?? 0)); id++)
        {
            if (types![id] is 3 or 4)
            {
                _isSpecial[id] = true;
                _special.TryAdd(tokens![id], id);
            }
        }

        Begin = (int?)handle.Vocab.BOS;
        End = (int?)handle.Vocab.EOS;
        EndOfTurn = (int?)handle.Vocab.EOT;
        AddsBegin = handle.Vocab.ShouldAddBOS;
        EndOfText = TokenOf("<|endoftext|>") ?? End ?? throw new TokenizerException($"{path}: the vocabulary has no end-of-text token; set tokenizer.ggml.eos_token_id.");
    }

    /// <summary>The file it came from.</summary>
    public string Path { get; }

    /// <summary><c>tokenizer.ggml.model</c>: <c>gpt2</c> (byte-level BPE), <c>llama</c> (SentencePiece) and so on.</summary>
    public string Model { get; }

    /// <summary>Number of tokens; ids are 0 to this − 1.</summary>
    public int VocabularySize { get; }

    /// <summary>The token between documents: <c>&lt;|endoftext|&gt;</c> where the vocabulary has it, else the end-of-sequence token.</summary>
    public int EndOfText { get; }

    /// <summary>The beginning-of-sequence token, or null.</summary>
    public int? Begin { get; }

    /// <summary>The end-of-sequence token, or null.</summary>
    public int? End { get; }

    /// <summary>The end-of-turn token, or null.</summary>
    public int? EndOfTurn { get; }

    /// <summary>Whether the file asks for the beginning token in front of each text. <see cref="Encode(string,bool)"/> never adds it.</summary>
    public bool AddsBegin { get; }

    /// <summary>The file's own chat template (Jinja), or null.</summary>
    public string? ChatTemplate { get; }

    /// <summary>Spellings and ids of control and user-defined tokens.</summary>
    public IReadOnlyDictionary<string, int> SpecialTokens => _special;

    /// <summary>Loads the vocabulary of a GGUF file; a file without tensors is enough.</summary>
    /// <exception cref="GgufFormatException">The file's header is not sound.</exception>
    /// <exception cref="TokenizerException">llama.cpp refuses the vocabulary.</exception>
    public static ModelTokenizer Open(string ggufPath)
    {
        using var file = GgufFile.Open(ggufPath);
        NativeGuard.CheckVocabulary(file);
        NativeModels.EnsureLoaded();
        var parameters = LLamaModelParams.Default();
        parameters.vocab_only = true;
        parameters.n_gpu_layers = 0;
        SafeLlamaModelHandle handle;
        try
        {
            handle = SafeLlamaModelHandle.LoadFromFile(ggufPath, parameters);
        }
        catch (LoadWeightsFailedException exception)
        {
            throw new TokenizerException(
                $"{ggufPath}: llama.cpp refuses the vocabulary (tokenizer.ggml.model '{file.Metadata.Text("tokenizer.ggml.model")}', pre '{file.Metadata.Text("tokenizer.ggml.pre")}').",
                exception);
        }

        try
        {
            return new ModelTokenizer(ggufPath, handle, file.Metadata);
        }
        catch
        {
            // The native vocabulary has no owner yet.
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Token ids of a text, without beginning or end tokens.</summary>
    /// <param name="text">At most <see cref="MaxTextLength"/> UTF-16 units; lone surrogates become U+FFFD.</param>
    /// <param name="parseSpecial">Whether spellings of special tokens become their ids. Never true for text that users wrote.</param>
    /// <exception cref="TokenizerException">The text is too long.</exception>
    public int[] Encode(string text, bool parseSpecial)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > MaxTextLength)
        {
            throw new TokenizerException($"A text of {text.Length} characters is too long to tokenise at once; the limit is {MaxTextLength}. Split it first.");
        }

        return text.Length == 0 ? [] : Array.ConvertAll(_handle.Tokenize(text, addBos: false, parseSpecial, Encoding.UTF8), token => (int)token);
    }

    /// <summary>The text of tokens, special tokens spelled out; incomplete UTF-8 becomes U+FFFD.</summary>
    public string Decode(ReadOnlySpan<int> ids)
    {
        using var bytes = new MemoryStream();
        foreach (var id in ids)
        {
            bytes.Write(Piece(id));
        }

        var text = Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
        return _dropsFirstSpace && text.StartsWith(' ') ? text[1..] : text;
    }

    /// <summary>The bytes of one token; special tokens are spelled out.</summary>
    public byte[] PieceBytes(int id) => [.. Piece(id)];

    /// <summary>The id of a special token by its spelling, or null.</summary>
    public int? TokenOf(string special) => _special.TryGetValue(special, out var id) ? id : null;

    /// <summary>Whether a token is control or user-defined, that is, special tokens parsed from text.</summary>
    public bool IsSpecial(int id) => _isSpecial[id];

    /// <summary>Releases the native vocabulary.</summary>
    public void Dispose() => _handle.Dispose();

    private byte[] Piece(int id) => (uint)id < (uint)_pieces.Length
        ? _pieces[id]
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"The vocabulary has tokens 0 to {_pieces.Length - 1}.");
}
