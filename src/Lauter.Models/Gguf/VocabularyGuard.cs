namespace Lauter.Models.Gguf;

/// <summary>
/// Faults of a vocabulary that llama.cpp does not survive: it asserts (and ends the process) on tokens spelt alike, on bytes without token and on a beginning token that is asked
/// for but not there, and reads past the end of score and type lists that are shorter than the tokens.
/// </summary>
internal static class VocabularyGuard
{
    public const string Tokens = "tokenizer.ggml.tokens";

    /// <summary>The first fault, or null.</summary>
    public static string? Fault(GgufMetadata keys)
    {
        if (!keys.ContainsKey(Tokens))
        {
            return null;
        }

        if (keys.Texts(Tokens) is not { } tokens)
        {
            return $"{Tokens} is no list of texts";
        }

        var seen = new Dictionary<string, int>(tokens.Count, StringComparer.Ordinal);
        for (var id = 0; id < tokens.Count; id++)
        {
            var spelling = tokens[id].Length == 0 ? $"[EMPTY_{id}]" : tokens[id];
            if (!seen.TryAdd(spelling, id))
            {
                return $"the tokens {seen[spelling]} and {id} are both spelt '{spelling}'";
            }
        }

        return Lists(keys, tokens.Count) ?? Merges(keys) ?? Bytes(keys, seen) ?? Ids(keys, tokens.Count);
    }

    private static string? Lists(GgufMetadata keys, int count)
    {
        if (keys.TryGetValue("tokenizer.ggml.scores", out var scores) && (scores is not float[] given || given.Length < count))
        {
            return $"tokenizer.ggml.scores is no list of {count} 32-bit floats";
        }

        return keys.ContainsKey("tokenizer.ggml.token_type") && (keys.Integers("tokenizer.ggml.token_type") is not { } kinds || kinds.Count < count)
            ? $"tokenizer.ggml.token_type is no list of {count} 32-bit integers"
            : null;
    }

    private static string? Merges(GgufMetadata keys)
    {
        if (keys.Text("tokenizer.ggml.model") != "gpt2")
        {
            return null;
        }

        if (keys.Texts("tokenizer.ggml.merges") is not { } merges)
        {
            return "tokenizer.ggml.merges is missing or no list of texts";
        }

        for (var i = 0; i < merges.Count; i++)
        {
            if (merges[i].Length < 3 || merges[i].IndexOf(' ', 1) is var blank && (blank < 1 || blank == merges[i].Length - 1))
            {
                return $"the merge {i}, '{merges[i]}', is not two parts with a blank between";
            }
        }

        return null;
    }

    /// <summary>A SentencePiece vocabulary must have a token for every byte: one is looked up without asking whether it is there.</summary>
    private static string? Bytes(GgufMetadata keys, Dictionary<string, int> ids)
    {
        for (var value = 0; value < 256 && keys.Text("tokenizer.ggml.model") == "llama"; value++)
        {
            if (!ids.ContainsKey($"<0x{value:X2}>") && !(value < 128 && ids.ContainsKey(((char)value).ToString())))
            {
                return $"the SentencePiece vocabulary has no token <0x{value:X2}> for this byte";
            }
        }

        return null;
    }

    private static string? Ids(GgufMetadata keys, int count)
    {
        foreach (var (flag, name) in new[] { ("tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id"), ("tokenizer.ggml.add_eos_token", "tokenizer.ggml.eos_token_id") })
        {
            if (keys.ContainsKey(flag) && keys.Flag(flag) is null)
            {
                return $"{flag} is no truth value";
            }

            // Without the key llama.cpp takes 1 or 2 for SentencePiece, 11 for byte-level vocabularies, which a small vocabulary may not have.
            if (keys.Flag(flag) == true && keys.Integer(name) is var id && (id is null ? count < 12 : id < 0 || id >= count))
            {
                return $"{flag} is true, but {name} is {id?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "missing"} in a vocabulary of {count}";
            }
        }

        return null;
    }
}
