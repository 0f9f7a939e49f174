using System.Collections.Concurrent;
using Lauter.Data.Operators;
using Lauter.Models.Tokens;

namespace Lauter.Commands;

/// <summary>Counts tokens for recipes with the tokenizer of a GGUF file: the one that serves.</summary>
internal sealed class DataTokenCounter : ITokenCounter
{
    private static readonly ConcurrentDictionary<string, Lazy<DataTokenCounter>> Open = new(StringComparer.Ordinal);

    private readonly ModelTokenizer _tokenizer;

    private DataTokenCounter(string path)
    {
        _tokenizer = ModelTokenizer.Open(path);
        using var file = File.OpenRead(path);
        Key = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file));
    }

    public string Key { get; }

    /// <summary>The counter of a model file, opened once in a process.</summary>
    public static ITokenCounter Of(string path) => Open.GetOrAdd(path, p => new Lazy<DataTokenCounter>(() => new DataTokenCounter(p))).Value;

    public int Count(string text)
    {
        // One call takes a bounded text; a cut between two tokens is counted as one token more at most.
        var count = 0;
        for (var at = 0; at < text.Length; at += ModelTokenizer.MaxTextLength)
        {
            count += _tokenizer.Encode(text.Substring(at, Math.Min(ModelTokenizer.MaxTextLength, text.Length - at)), false).Length;
        }

        return count;
    }
}
