using System.Text.Json;

namespace Lauter.Models.Conversion;

/// <summary>Byte-level BPE from <c>tokenizer.json</c>: vocabulary, merges, and the name under which llama.cpp knows the split.</summary>
internal static class ByteLevelTokenizer
{
    public static bool IsOne(JsonElement json) => Parts(TokenizerFiles.Member(json, "pre_tokenizer")).Any(part => TypeOf(part) == "ByteLevel");

    public static TokenizerKeys Read(TokenizerFiles files, int size, string family)
    {
        var json = files.Json!.Value;
        var model = TokenizerFiles.Member(json, "model");
        if (model is not { } bpe || TypeOf(bpe) != "BPE" && TokenizerFiles.Member(bpe, "merges") is null)
        {
            throw new TokenizerConversionException($"{files.Folder}: the model of tokenizer.json is '{(model is { } other ? TypeOf(other) : "missing")}', not BPE.");
        }

        RefuseVariants(files, bpe);
        var (tokens, kinds) = Vocabulary.Read(files, TokenizerFiles.Member(bpe, "vocab"), size, (_, _) => TokenKind.Normal);
        var known = tokens.ToHashSet(StringComparer.Ordinal);
        var merges = Merges(files, bpe);
        if (merges.FirstOrDefault(merge => !known.Contains(merge.Left + merge.Right) || !known.Contains(merge.Left) || !known.Contains(merge.Right)) is { Left: not null } missing)
        {
            throw new TokenizerConversionException($"{files.Folder}: the merge of '{missing.Left}' and '{missing.Right}' has a part or a result that is no token.");
        }

        var ignoresMerges = TokenizerFiles.Member(bpe, "ignore_merges")?.ValueKind == JsonValueKind.True;
        return new TokenizerKeys
        {
            Model = "gpt2",
            Pre = SplitNames.Of([.. Parts(TokenizerFiles.Member(json, "pre_tokenizer"))], ignoresMerges, family, files.Folder),
            Tokens = tokens,
            Kinds = kinds,

            // The blank between the two is the separator; in byte-level spelling neither part can hold one.
            Merges = [.. merges.Select(merge => $"{merge.Left} {merge.Right}")],
        };
    }

    public static string TypeOf(JsonElement element) => TokenizerFiles.Member(element, "type") is { ValueKind: JsonValueKind.String } type ? type.GetString()! : "";

    /// <summary>A pre-tokenizer or normalizer as the list of its steps.</summary>
    public static IEnumerable<JsonElement> Parts(JsonElement? element)
    {
        if (element is not { } one)
        {
            return [];
        }

        var inner = TokenizerFiles.Member(one, "pretokenizers") ?? TokenizerFiles.Member(one, "normalizers");
        return TypeOf(one) == "Sequence" && inner is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().SelectMany(part => Parts(part)) : [one];
    }

    public static List<(string Left, string Right)> Merges(TokenizerFiles files, JsonElement model)
    {
        if (TokenizerFiles.Member(model, "merges") is not { ValueKind: JsonValueKind.Array } list)
        {
            throw new TokenizerConversionException($"{files.Folder}: tokenizer.json has no merges.");
        }

        return [.. list.EnumerateArray().Select(merge => merge.ValueKind switch
        {
            JsonValueKind.Array when merge.GetArrayLength() == 2 => (merge[0].GetString()!, merge[1].GetString()!),
            JsonValueKind.String when merge.GetString()!.Split(' ') is [{ Length: > 0 } left, { Length: > 0 } right] => (left, right),
            _ => throw new TokenizerConversionException($"{files.Folder}: {merge.GetRawText()} in tokenizer.json is no merge of two parts."),
        })];
    }

    /// <summary>Options that llama.cpp does not have would change ids silently.</summary>
    private static void RefuseVariants(TokenizerFiles files, JsonElement model)
    {
        foreach (var name in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (TokenizerFiles.Member(model, name) is { ValueKind: JsonValueKind.String } value && value.GetString() is { Length: > 0 } text)
            {
                throw new TokenizerConversionException($"{files.Folder}: the BPE model has {name} '{text}', which llama.cpp does not have.");
            }
        }

        foreach (var normalizer in Parts(TokenizerFiles.Member(files.Json, "normalizer")))
        {
            // NFC: llama.cpp does not normalise; texts are nearly always in NFC already, and Qwen is served so everywhere.
            if (TypeOf(normalizer) != "NFC")
            {
                throw new TokenizerConversionException($"{files.Folder}: the normalizer '{TypeOf(normalizer)}' of a byte-level tokenizer has no counterpart in llama.cpp.");
            }
        }
    }
}
