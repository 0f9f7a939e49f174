using System.Text.Json;

namespace Lauter.Models.Conversion;

/// <summary>
/// Finds the value of <c>tokenizer.ggml.pre</c> whose split in llama.cpp equals the pre-tokenizer of <c>tokenizer.json</c>. Choosing by structure, not by the name of a
/// model, also covers fine-tuned vocabularies; an unknown split is refused, because llama.cpp would fall back to another one without a word.
/// </summary>
internal static class SplitNames
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Rest = @" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string CaseRest = @" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Upper = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";

    private static readonly Dictionary<string, string> ByExpression = new(StringComparer.Ordinal)
    {
        [$@"{Contractions}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{Rest}"] = "llama3",
        [$@"{Contractions}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{Rest}"] = "qwen2",
        [$@"{Upper}*{Lower}+|{Upper}+{Lower}*|\p{{N}}|{CaseRest}"] = "tekken",
        [$@"{Upper}*{Lower}+{Contractions}?|{Upper}+{Lower}*{Contractions}?|\p{{N}}{{1,3}}|{CaseRest}"] = "gpt-4o",
    };

    public static string Of(IReadOnlyList<JsonElement> parts, bool ignoresMerges, string family, string folder)
    {
        var name = Find(parts);
        var split = name switch
        {
            "llama3" => ignoresMerges ? "llama-bpe" : family is "glm4" or "chatglm" ? "chatglm-bpe" : "dbrx",
            "tekken" when !ignoresMerges => null,
            _ => name,
        };
        if (split is null || (ignoresMerges && split is not ("llama-bpe" or "tekken")))
        {
            throw new TokenizerConversionException(
                $"{folder}: no split of llama.cpp is known for this pre-tokenizer{(ignoresMerges ? " with ignore_merges" : "")}: {string.Join(" → ", parts.Select(Shortened))}. Known are gpt-2, smollm, and the expressions of llama-bpe, dbrx, chatglm-bpe, qwen2, tekken and gpt-4o.");
        }

        return split;
    }

    private static string? Find(IReadOnlyList<JsonElement> parts)
    {
        if (parts.Count == 0 || ByteLevelTokenizer.TypeOf(parts[^1]) != "ByteLevel" || Is(parts[^1], "add_prefix_space"))
        {
            return null;
        }

        var useExpression = TokenizerFiles.Member(parts[^1], "use_regex")?.ValueKind != JsonValueKind.False;
        return parts.Count switch
        {
            1 when useExpression => "gpt-2",
            2 when useExpression && ByteLevelTokenizer.TypeOf(parts[0]) == "Digits" && Is(parts[0], "individual_digits") => "smollm",
            2 when !useExpression && ByteLevelTokenizer.TypeOf(parts[0]) == "Split" && TokenizerFiles.Member(parts[0], "behavior")?.GetString() == "Isolated" && !Is(parts[0], "invert")
                && TokenizerFiles.Member(TokenizerFiles.Member(parts[0], "pattern"), "Regex") is { ValueKind: JsonValueKind.String } expression => ByExpression.GetValueOrDefault(Plain(expression.GetString()!)),
            _ => null,
        };
    }

    /// <summary>Two spellings of the same contractions are in use.</summary>
    private static string Plain(string expression) => expression.Replace("(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])", Contractions, StringComparison.Ordinal);

    private static bool Is(JsonElement element, string flag) => TokenizerFiles.Member(element, flag)?.ValueKind == JsonValueKind.True;

    private static string Shortened(JsonElement element) => element.GetRawText() is { Length: > 800 } text ? text[..800] + "…" : element.GetRawText();
}
