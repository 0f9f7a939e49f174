using System.Globalization;
using System.Text.Json;

namespace Lauter.Models.Conversion;

/// <summary>Tokens in the order of their ids, added ones and padding rows included.</summary>
internal static class Vocabulary
{
    /// <summary>Reads the trained vocabulary and lays the added tokens over it.</summary>
    public static (string[] Tokens, TokenKind[] Kinds) Read(TokenizerFiles files, JsonElement? vocabulary, int size, Func<string, int, TokenKind> kindOf)
    {
        if (vocabulary is not { ValueKind: JsonValueKind.Object } trained)
        {
            throw new TokenizerConversionException($"{files.Folder}: tokenizer.json has no vocabulary.");
        }

        var tokens = new string?[size];
        var kinds = new TokenKind[size];
        foreach (var entry in trained.EnumerateObject())
        {
            var id = entry.Value.TryGetInt32(out var number) ? number : -1;
            Place(files, tokens, id, entry.Name);
            kinds[id] = kindOf(entry.Name, id);
        }

        Overlay(files, tokens, kinds);
        return (Filled(tokens, kinds), kinds);
    }

    /// <summary>Tokens added after training replace what stands at their id; special ones are never made from user text.</summary>
    public static void Overlay(TokenizerFiles files, string?[] tokens, TokenKind[] kinds)
    {
        foreach (var (id, content, special) in files.AddedTokens())
        {
            if (id < 0 || id >= tokens.Length || content.Length == 0)
            {
                throw new TokenizerConversionException($"{files.Folder}: the added token '{content}' has the id {id}, but the model has {tokens.Length} rows.");
            }

            tokens[id] = content;
            kinds[id] = special || LooksSpecial(content) ? kinds[id] == TokenKind.Unknown ? TokenKind.Unknown : TokenKind.Control : TokenKind.UserDefined;
        }
    }

    /// <summary>Ids that the tokenizer does not use are there because embeddings are padded to a round number of rows.</summary>
    public static string[] Filled(string?[] tokens, TokenKind[] kinds)
    {
        for (var id = 0; id < tokens.Length; id++)
        {
            if (tokens[id] is null)
            {
                tokens[id] = string.Create(CultureInfo.InvariantCulture, $"[PAD{id}]");
                kinds[id] = TokenKind.Unused;
            }
        }

        return tokens!;
    }

    public static void Place(TokenizerFiles files, string?[] tokens, int id, string token)
    {
        if (id < 0 || id >= tokens.Length || tokens[id] is not null)
        {
            throw new TokenizerConversionException(id < 0 || id >= tokens.Length
                ? $"{files.Folder}: the token '{token}' has the id {id}, but the model has {tokens.Length} rows."
                : $"{files.Folder}: the tokens '{tokens[id]}' and '{token}' both have the id {id}.");
        }

        tokens[id] = token;
    }

    /// <summary>Some published files forget the flag on their chat marks; as plain user-defined tokens they could be written by users.</summary>
    private static bool LooksSpecial(string content) =>
        (content.StartsWith("<|", StringComparison.Ordinal) && content.EndsWith("|>", StringComparison.Ordinal)) || (content.StartsWith("<｜", StringComparison.Ordinal) && content.EndsWith("｜>", StringComparison.Ordinal));
}
