using System.Text;
using System.Text.RegularExpressions;
using LLama.Native;
using Lauter.Models.Natives;

namespace Lauter.Inference.Native;

/// <summary>A model's native weights and vocabulary with everything the engine asks of them. Reading is thread-safe; the contexts made from it are not.</summary>
internal sealed partial class LoadedModel : IDisposable
{
    private readonly byte[][] _pieces;
    private readonly bool[] _endsGeneration;
    private readonly bool _needsFolding;

    private LoadedModel(SafeLlamaModelHandle handle, string path)
    {
        Handle = handle;
        Path = path;
        Architecture = Metadata("general.architecture") ?? "unknown";
        _needsFolding = Metadata("tokenizer.ggml.model") == "t5" && Metadata("tokenizer.ggml.precompiled_charsmap") is null;
        VocabularySize = handle.Vocab.Count;
        _pieces = new byte[VocabularySize][];
        _endsGeneration = new bool[VocabularySize];
        var buffer = new byte[64];
        for (var id = 0; id < VocabularySize; id++)
        {
            var token = (LLamaToken)id;
            _endsGeneration[id] = token.IsEndOfGeneration(handle);
            var length = (int)handle.TokenToSpan(token, buffer, 0, special: false);
            if (length > buffer.Length)
            {
                buffer = new byte[length];
                length = (int)handle.TokenToSpan(token, buffer, 0, special: false);
            }

            _pieces[id] = buffer[..length];
        }

        EndToken = Array.IndexOf(_endsGeneration, true) is >= 0 and var end ? end : null;
    }

    public SafeLlamaModelHandle Handle { get; }

    public string Path { get; }

    /// <summary><c>general.architecture</c> of the file, for instance <c>llama</c> or <c>bert</c>.</summary>
    public string Architecture { get; }

    public int VocabularySize { get; }

    /// <summary>True when the weights take four bytes each, as in a file of fp32 tensors.</summary>
    public bool HasFullPrecision => Handle.SizeInBytes >= 4 * Handle.ParameterCount;

    /// <summary>Longest sequence the model was trained on, in tokens.</summary>
    public int ContextLength => Handle.ContextSize;

    /// <summary>Whether the file is a text encoder: its output is a vector, not a next token.</summary>
    public bool IsEncoder => Architecture.Contains("bert", StringComparison.Ordinal)
        || string.Equals(Metadata($"{Architecture}.attention.causal"), "false", StringComparison.Ordinal);

    /// <summary>Whether a part of a sequence can be shared or removed: not where a state runs through the whole of it.</summary>
    public bool CanShareCells => !Handle.IsRecurrent && Metadata($"{Architecture}.ssm.inner_size") is null && Metadata($"{Architecture}.shortconv.l_cache") is null;

    /// <summary>Bytes that one token's keys and values take in the 16-bit cache, over all layers.</summary>
    public long CacheBytesPerToken
    {
        get
        {
            var heads = Math.Max(1, Handle.HeadCount);
            var headDimension = Handle.EmbeddingSize / heads;
            return 2L * Handle.LayerCount * Math.Max(1, Handle.KVHeadCount) * headDimension * 2;
        }
    }

    /// <summary>The first token that ends a generation, or null when the vocabulary has none.</summary>
    public int? EndToken { get; }

    public static LoadedModel Load(string path)
    {
        NativeModels.Log = (important, text) =>
        {
            // Cells for many sequences together are no longer context.
            if (important && !text.Contains("possible training context overflow", StringComparison.Ordinal))
            {
                Console.Error.Write(text);
            }
        };
        NativeModels.EnsureLoaded();
        var parameters = LLamaModelParams.Default();
        parameters.n_gpu_layers = 0;
        return new LoadedModel(SafeLlamaModelHandle.LoadFromFile(path, parameters), path);
    }

    /// <summary>The bytes a token adds to the text; empty for control tokens.</summary>
    public ReadOnlySpan<byte> Piece(int token) => _pieces[token];

    public bool EndsGeneration(int token) => _endsGeneration[token];

    /// <summary>Token ids of <paramref name="text"/>; markup that names special tokens stays text unless <paramref name="parseSpecial"/>.</summary>
    public int[] Tokenize(string text, bool addBeginning, bool parseSpecial)
    {
        var tokens = Handle.Tokenize(text, addBeginning, parseSpecial, Encoding.UTF8);
        return Array.ConvertAll(tokens, token => (int)token);
    }

    /// <summary>
    /// Token ids for an encoder, its beginning and end marks added. A unigram vocabulary without its character map gets what that map
    /// would do to nearly all text: NFKC and single spaces.
    /// </summary>
    public int[] TokenizeForEncoder(string text)
    {
        if (_needsFolding)
        {
            text = Spaces().Replace(text.Normalize(NormalizationForm.FormKC), " ").Trim();
        }

        return Tokenize(text, addBeginning: true, parseSpecial: false);
    }

    /// <summary>Token ids of a query and a document for a cross-encoder: each with its own end mark, as such models are trained.</summary>
    public int[] TokenizePair(string query, string document)
    {
        var second = TokenizeForEncoder(document);
        var first = TokenizeForEncoder(query);
        return second.Length > 0 && first.Length > 0 && second[0] == first[0] ? [.. first, .. second[1..]] : [.. first, .. second];
    }

    /// <summary>What an E5 encoder wants before a question; empty for others.</summary>
    public string QueryPrefix => IsE5 ? "query: " : "";

    /// <summary>What an E5 encoder wants before a passage; empty for others.</summary>
    public string PassagePrefix => IsE5 ? "passage: " : "";

    private bool IsE5 => Metadata("general.name")?.Contains("e5", StringComparison.OrdinalIgnoreCase) == true
        || System.IO.Path.GetFileName(Path).Contains("e5", StringComparison.OrdinalIgnoreCase);

    /// <summary>A metadata value as llama.cpp prints it, or null when the file has no such key.</summary>
    public string? Metadata(string key) => Handle.MetadataValueByKey(key) is { } value ? Encoding.UTF8.GetString(value.Span).TrimEnd('\0') : null;

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Spaces();

    public void Dispose() => Handle.Dispose();
}
