using System.Text.Json;

namespace Lauter.Models.Conversion;

/// <summary>SentencePiece BPE, from its own file or from a <c>tokenizer.json</c> that was derived from one.</summary>
internal static class SentencePieceTokenizer
{
    private const float PaddingScore = -10_000;
    private const float AddedScore = -1_000;

    public static TokenizerKeys FromModel(TokenizerFiles files, int size)
    {
        var model = SentencePieceModel.Parse(files.SentencePiece);
        if (!model.IsBpe)
        {
            throw new TokenizerConversionException($"{files.Folder}: tokenizer.model is a unigram model; for decoders llama.cpp runs merged (BPE) vocabularies only.");
        }

        var tokens = new string?[size];
        var kinds = new TokenKind[size];
        var scores = Enumerable.Repeat(PaddingScore, size).ToArray();
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            Vocabulary.Place(files, tokens, id, model.Pieces[id].Piece);
            (kinds[id], scores[id]) = (model.Pieces[id].Kind, model.Pieces[id].Score);
        }

        var before = (string?[])tokens.Clone();
        Vocabulary.Overlay(files, tokens, kinds);
        for (var id = 0; id < size; id++)
        {
            scores[id] = tokens[id] is not null && tokens[id] != before[id] ? AddedScore : scores[id];
        }

        return new TokenizerKeys { Model = "llama", Tokens = Vocabulary.Filled(tokens, kinds), Kinds = kinds, Scores = scores, AddSpacePrefix = model.AddsDummyPrefix };
    }

    /// <summary>
    /// Merges back to scores: llama.cpp joins the pair whose result has the highest score, the json names pairs in order of their results' scores. So the score is minus
    /// the place of the first merge that makes a token, provided all merges of a token stand together.
    /// </summary>
    public static TokenizerKeys FromJson(TokenizerFiles files, int size)
    {
        var json = files.Json!.Value;
        if (TokenizerFiles.Member(json, "model") is not { } model || ByteLevelTokenizer.TypeOf(model) != "BPE" || TokenizerFiles.Member(model, "byte_fallback")?.ValueKind != JsonValueKind.True)
        {
            throw new TokenizerConversionException($"{files.Folder}: the tokenizer is '{(TokenizerFiles.Member(json, "model") is { } other ? ByteLevelTokenizer.TypeOf(other) : "missing")}'; byte-level BPE and SentencePiece BPE with byte fallback are converted.");
        }

        var unknown = TokenizerFiles.Member(model, "unk_token") is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        var (tokens, kinds) = Vocabulary.Read(files, TokenizerFiles.Member(model, "vocab"), size, (token, _) => token == unknown ? TokenKind.Unknown : IsByte(token) ? TokenKind.Byte : TokenKind.Normal);
        return new TokenizerKeys { Model = "llama", Tokens = tokens, Kinds = kinds, Scores = Scores(files, model, tokens, kinds), AddSpacePrefix = PutsSpace(files) };
    }

    private static float[] Scores(TokenizerFiles files, JsonElement model, string[] tokens, TokenKind[] kinds)
    {
        var rank = new Dictionary<string, int>(StringComparer.Ordinal);
        var last = "";
        var merges = ByteLevelTokenizer.Merges(files, model);
        for (var i = 0; i < merges.Count; i++)
        {
            var made = merges[i].Left + merges[i].Right;
            if (made != last && !rank.TryAdd(made, i))
            {
                throw new TokenizerConversionException($"{files.Folder}: the merges that make '{made}' do not stand together, so no scores give the same ids.");
            }

            last = made;
        }

        var scores = new float[tokens.Length];
        for (var id = 0; id < tokens.Length; id++)
        {
            scores[id] = kinds[id] switch
            {
                TokenKind.Normal when rank.TryGetValue(tokens[id], out var place) => -place,
                TokenKind.Normal => -merges.Count - id,
                TokenKind.Unused => PaddingScore,
                TokenKind.UserDefined or TokenKind.Control => AddedScore,
                _ => 0,
            };
        }

        return scores;
    }

    private static bool PutsSpace(TokenizerFiles files)
    {
        var puts = false;
        foreach (var part in ByteLevelTokenizer.Parts(TokenizerFiles.Member(files.Json, "normalizer")).Concat(ByteLevelTokenizer.Parts(TokenizerFiles.Member(files.Json, "pre_tokenizer"))))
        {
            switch (ByteLevelTokenizer.TypeOf(part))
            {
                case "Prepend":
                    puts = true;
                    break;
                case "Metaspace":
                    puts |= TokenizerFiles.Member(part, "prepend_scheme") is { ValueKind: JsonValueKind.String } scheme
                        ? scheme.GetString() != "never"
                        : TokenizerFiles.Member(part, "add_prefix_space")?.ValueKind != JsonValueKind.False;
                    break;
                case "Replace" or "Split" when part.GetRawText().Contains("\"String\":\" \"", StringComparison.Ordinal) || part.GetRawText().Contains("\"String\": \" \"", StringComparison.Ordinal):
                    break;
                default:
                    throw new TokenizerConversionException($"{files.Folder}: the step '{ByteLevelTokenizer.TypeOf(part)}' of tokenizer.json has no counterpart in llama.cpp's SentencePiece tokenizer.");
            }
        }

        return puts;
    }

    private static bool IsByte(string token) => token is ['<', '0', 'x', _, _, '>'] && byte.TryParse(token.AsSpan(3, 2), System.Globalization.NumberStyles.HexNumber, null, out _);
}
