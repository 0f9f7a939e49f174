using System.Text.Json;
using Lauter.Models.Gguf;

namespace Lauter.Models.Conversion;

/// <summary>Ids of the tokens that begin, end and pad, and whether a text gets them by itself.</summary>
internal sealed record SpecialTokenIds
{
    public int? Begin { get; init; }

    public int? End { get; init; }

    /// <summary>A second token that ends a turn, from the list of ends that generation stops at.</summary>
    public int? EndOfTurn { get; init; }

    public int? Unknown { get; init; }

    public int? Padding { get; init; }

    public bool AddBegin { get; init; }

    public bool AddEnd { get; init; }

    public static SpecialTokenIds Read(TokenizerFiles files, TokenizerKeys keys)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < keys.Tokens.Length; id++)
        {
            ids.TryAdd(keys.Tokens[id], id);
        }

        int? Spelt(string name) => files.Spelling(name) is { } spelling && ids.TryGetValue(spelling, out var id) ? id : null;
        var ends = Ends(files, keys.Tokens.Length);
        var (begin, end) = (Spelt("bos_token") ?? Generation(files, "bos_token_id", keys.Tokens.Length), Spelt("eos_token") ?? (ends.Count > 0 ? ends[0] : null));
        var (first, last) = Template(files.Json);
        return new SpecialTokenIds
        {
            Begin = begin,
            End = end,
            EndOfTurn = ends.Where(id => id != end).Select(id => (int?)id).FirstOrDefault(),
            Unknown = Spelt("unk_token"),
            Padding = Spelt("pad_token"),

            // SentencePiece models begin texts by default; byte-level ones only where their post-processor says so.
            AddBegin = begin is not null && (Flag(files, "add_bos_token") ?? (files.Json is null ? keys.Model == "llama" : first is not null && ids.TryGetValue(first, out var added) && added == begin)),
            AddEnd = end is not null && (Flag(files, "add_eos_token") ?? (last is not null && ids.TryGetValue(last, out var closing) && closing == end)),
        };
    }

    public void WriteTo(GgufWriter writer)
    {
        foreach (var (name, id) in new[] { ("bos", Begin), ("eos", End), ("eot", EndOfTurn), ("unknown", Unknown), ("padding", Padding) })
        {
            if (id is { } value)
            {
                writer.Add($"tokenizer.ggml.{name}_token_id", (uint)value);
            }
        }

        writer.Add("tokenizer.ggml.add_bos_token", AddBegin).Add("tokenizer.ggml.add_eos_token", AddEnd);
    }

    private static bool? Flag(TokenizerFiles files, string name) => files.Setting(name)?.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null };

    private static int? Generation(TokenizerFiles files, string name, int size) =>
        TokenizerFiles.Member(files.Generation, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var id) && id >= 0 && id < size ? id : null;

    private static List<int> Ends(TokenizerFiles files, int size) => TokenizerFiles.Member(files.Generation, "eos_token_id") switch
    {
        { ValueKind: JsonValueKind.Number } one when one.TryGetInt32(out var id) && id >= 0 && id < size => [id],
        { ValueKind: JsonValueKind.Array } several => [.. several.EnumerateArray().Where(item => item.TryGetInt32(out var id) && id >= 0 && id < size).Select(item => item.GetInt32())],
        _ => [],
    };

    /// <summary>What the post-processor's template puts before and after a single text, where that is one token each.</summary>
    private static (string? First, string? Last) Template(JsonElement? json)
    {
        var processor = TokenizerFiles.Member(json, "post_processor");
        var all = TokenizerFiles.Member(processor, "processors") is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().ToList() : processor is { } one ? [one] : [];
        foreach (var item in all)
        {
            if (TokenizerFiles.Member(item, "type")?.GetString() == "TemplateProcessing" && TokenizerFiles.Member(item, "single") is { ValueKind: JsonValueKind.Array } single)
            {
                var names = single.EnumerateArray().Select(part => TokenizerFiles.Member(TokenizerFiles.Member(part, "SpecialToken"), "id")?.GetString()).ToList();
                var text = names.IndexOf(null);
                return text >= 0 && names.Count(name => name is null) == 1
                    ? (text == 1 ? names[0] : null, text == names.Count - 2 ? names[^1] : null)
                    : throw new TokenizerConversionException("The post-processor's template for a single text is not: tokens, the text, tokens.");
            }
        }

        return (null, null);
    }
}
