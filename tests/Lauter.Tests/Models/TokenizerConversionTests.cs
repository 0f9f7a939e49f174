using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Models.Conversion;
using Lauter.Models.Gguf;
using Lauter.Models.Tokens;
using Lauter.Tests.Support;

namespace Lauter.Tests.Models;

public sealed class TokenizerConversionTests
{
    private const string Smol = "models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf";
    private const string Stories = "models/stories260k/stories260k-f32.gguf";
    private const string SmolSplit = """{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]}""";

    /// <summary>The real vocabulary written as Hugging Face files and converted back gives the reference's ids on every text.</summary>
    [Fact]
    public void Read_RealByteLevelVocabulary_IdsEqualTheGolden()
    {
        using var folder = new TemporaryFolder();
        using var original = GgufFile.Open(SharedData.Require(Smol));
        WriteByteLevel(folder.Path, original, SmolSplit);
        var size = original.Metadata.Texts("tokenizer.ggml.tokens")!.Count;

        using var converted = Vocabulary(folder, TokenizerKeys.Read(folder.Path, size, "llama"));
        using var source = ModelTokenizer.Open(SharedData.Require(Smol));
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/smollm2/tokens.json")));

        foreach (var text in golden.RootElement.GetProperty("texts").EnumerateArray().Select(item => item.GetProperty("text").GetString()!))
        {
            Assert.Equal(source.Encode(text, parseSpecial: true), converted.Encode(text, parseSpecial: true));
            Assert.Equal(source.Encode(text, parseSpecial: false), converted.Encode(text, parseSpecial: false));
        }

        Assert.Equal(source.SpecialTokens.OrderBy(token => token.Value), converted.SpecialTokens.OrderBy(token => token.Value));
        Assert.Equal((source.Begin, source.End, source.AddsBegin, source.ChatTemplate), (converted.Begin, converted.End, converted.AddsBegin, converted.ChatTemplate));
        using var keys = GgufFile.Open(folder.File("vocabulary.gguf"));
        Assert.Equal(original.Metadata.Text("tokenizer.ggml.pre"), keys.Metadata.Text("tokenizer.ggml.pre"));
        Assert.Equal(original.Metadata.Texts("tokenizer.ggml.merges"), keys.Metadata.Texts("tokenizer.ggml.merges"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_RealSentencePieceVocabulary_IdsEqualTheOriginals(bool asModel)
    {
        using var folder = new TemporaryFolder();
        using var original = GgufFile.Open(SharedData.Require(Stories));
        if (asModel)
        {
            File.WriteAllBytes(folder.File("tokenizer.model"), SentencePiece(original));
            File.WriteAllText(folder.File("tokenizer_config.json"), """{"bos_token":"<s>","eos_token":{"content":"</s>"},"add_bos_token":true}""");
        }
        else
        {
            WriteSentencePieceJson(folder.Path, original);
        }

        using var converted = Vocabulary(folder, TokenizerKeys.Read(folder.Path, 512, "llama"));
        using var source = ModelTokenizer.Open(SharedData.Require(Stories));

        foreach (var text in new[] { "Once upon a time", " there was  a girl", "Lily's mom said, \"Lily!\"\n\n", "", " ", "naïve 中文 🙂", "AbC123", "a\tb" })
        {
            Assert.Equal(source.Encode(text, parseSpecial: false), converted.Encode(text, parseSpecial: false));
        }

        Assert.Equal((source.Begin, source.End), (converted.Begin, converted.End));
        Assert.True(converted.AddsBegin);
    }

    [Theory]
    [InlineData("llama", true, """(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""", "llama-bpe")]
    [InlineData("glm4", false, """(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""", "chatglm-bpe")]
    [InlineData("qwen2", false, """(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""", "qwen2")]
    [InlineData("qwen3", false, """(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""", "qwen2")]
    [InlineData("mistral", true, """[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+""", "tekken")]
    public void Of_PublishedExpressions_GiveLlamaCppsNames(string family, bool ignoresMerges, string expression, string name)
    {
        var parts = Split(expression);

        Assert.Equal(name, SplitNames.Of(parts, ignoresMerges, family, "here"));
        var exception = Assert.Throws<TokenizerConversionException>(() => SplitNames.Of(Split(expression + "|x"), ignoresMerges, family, "here"));
        Assert.Contains("|x", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}}}""", "WordPiece")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}}""", "both have the id 0")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":9},"merges":[]}}""", "has the id 9")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}}""", "no token")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b c"]}}""", "no merge of two parts")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":true},"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}""", "no split")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"normalizer":{"type":"Lowercase"},"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}""", "Lowercase")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"added_tokens":[{"id":1,"content":"a"}],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}""", "spelt 'a' like token 0")]
    [InlineData("""{"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0,"b":1,"ab":2},"merges":["a b","b a","a b"]}}""", "do not stand together")]
    [InlineData("{", "tokenizer.json")]
    public void Read_TokenizerThatCannotBeExpressed_IsRefusedByName(string json, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer.json"), json);

        var exception = Assert.Throws<TokenizerConversionException>(() => TokenizerKeys.Read(folder.Path, 4, "llama"));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_EveryTruncationOfATokenizerModel_IsReadOrRefusedByName()
    {
        using var original = GgufFile.Open(SharedData.Require(Stories));
        var bytes = SentencePiece(original)[..600];
        for (var length = 0; length < bytes.Length; length++)
        {
            try
            {
                Assert.NotEmpty(SentencePieceModel.Parse(bytes.AsSpan(0, length)).Pieces);
            }
            catch (TokenizerConversionException exception)
            {
                Assert.Contains("damaged", exception.Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>Padding rows, an end token list and a post-processor that begins each text.</summary>
    [Fact]
    public void Read_PaddedVocabulary_FillsAndFindsTheSpecialTokens()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer.json"), """
            {"pre_tokenizer":{"type":"ByteLevel"},"added_tokens":[{"id":1,"content":"<bos>","special":true},{"id":2,"content":"<|turn|>","special":false},{"id":3,"content":"<tool>","special":false},{"id":4,"content":"<eos>","special":true}],
             "post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<bos>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]}]},
             "model":{"type":"BPE","vocab":{"a":0},"merges":[]}}
            """);
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"bos_token":{"content":"<bos>"},"eos_token":"<eos>","chat_template":[{"name":"tools","template":"x"},{"name":"default","template":"y"}]}""");
        File.WriteAllText(folder.File("generation_config.json"), """{"eos_token_id":[4,2,99]}""");

        var keys = TokenizerKeys.Read(folder.Path, 7, "llama");

        Assert.Equal(["a", "<bos>", "<|turn|>", "<tool>", "<eos>", "[PAD5]", "[PAD6]"], keys.Tokens);
        Assert.Equal([TokenKind.Normal, TokenKind.Control, TokenKind.Control, TokenKind.UserDefined, TokenKind.Control, TokenKind.Unused, TokenKind.Unused], keys.Kinds);
        Assert.Equal((1, 4, 2, true, false, "y"), (keys.Special.Begin, keys.Special.End, keys.Special.EndOfTurn, keys.Special.AddBegin, keys.Special.AddEnd, keys.ChatTemplate));
    }

    /// <summary>The Hugging Face files of a byte-level vocabulary, from the keys of a GGUF file.</summary>
    internal static void WriteByteLevel(string folder, GgufFile file, string split)
    {
        var tokens = file.Metadata.Texts("tokenizer.ggml.tokens")!;
        var types = file.Metadata.Integers("tokenizer.ggml.token_type")!;
        var json = new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. tokens.Select((token, id) => (token, id)).Where(entry => types[entry.id] == 3).Select(entry => (JsonNode)new JsonObject { ["id"] = entry.id, ["content"] = entry.token, ["special"] = true })]),
            ["pre_tokenizer"] = JsonNode.Parse(split),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create<string, JsonNode?>(token, id))),
                ["merges"] = new JsonArray([.. file.Metadata.Texts("tokenizer.ggml.merges")!.Select(merge => (JsonNode)new JsonArray(merge.Split(' ')[0], merge.Split(' ')[1]))]),
            },
        };
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), json.ToJsonString());
        string? Token(string key) => file.Metadata.Integer(key) is { } id ? tokens[(int)id] : null;
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), new JsonObject
        {
            ["bos_token"] = Token("tokenizer.ggml.bos_token_id"),
            ["eos_token"] = Token("tokenizer.ggml.eos_token_id"),
            ["pad_token"] = Token("tokenizer.ggml.padding_token_id"),
            ["chat_template"] = file.Metadata.Text("tokenizer.chat_template"),
        }.ToJsonString());
    }

    private static ModelTokenizer Vocabulary(TemporaryFolder folder, TokenizerKeys keys)
    {
        var writer = GgufWriter.Create(folder.File("vocabulary.gguf")).Add("general.architecture", "llama").Add("general.type", "model").Add("general.name", "v");
        keys.WriteTo(writer);
        writer.Finish();
        return ModelTokenizer.Open(folder.File("vocabulary.gguf"));
    }

    private static List<JsonElement> Split(string expression) => [.. JsonSerializer.SerializeToElement(new object[]
    {
        new { type = "Split", pattern = new { Regex = expression }, behavior = "Isolated", invert = false }, new { type = "ByteLevel", add_prefix_space = false, use_regex = false },
    }).EnumerateArray()];

    private static byte[] SentencePiece(GgufFile file)
    {
        var tokens = file.Metadata.Texts("tokenizer.ggml.tokens")!;
        var types = file.Metadata.Integers("tokenizer.ggml.token_type")!;
        var scores = (float[])file.Metadata["tokenizer.ggml.scores"];
        using var bytes = new MemoryStream();
        for (var id = 0; id < tokens.Count; id++)
        {
            var text = Encoding.UTF8.GetBytes(tokens[id]);
            var score = new byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(score, scores[id]);
            byte[] piece = [0x0A, (byte)text.Length, .. text, 0x15, .. score, 0x18, (byte)types[id]];
            bytes.Write([0x0A, (byte)piece.Length, .. piece]);
        }

        bytes.Write([0x12, 2, 0x18, 2]);
        return bytes.ToArray();
    }

    private static void WriteSentencePieceJson(string folder, GgufFile file)
    {
        var tokens = file.Metadata.Texts("tokenizer.ggml.tokens")!;
        var types = file.Metadata.Integers("tokenizer.ggml.token_type")!;
        var scores = (float[])file.Metadata["tokenizer.ggml.scores"];
        var ids = tokens.Select((token, id) => (token, id)).ToDictionary(entry => entry.token, entry => entry.id);

        // As transformers does when it derives the json: every split of a token into two tokens, in order of the token's score.
        var merges = Enumerable.Range(0, tokens.Count).Where(id => types[id] == 1 && tokens[id].Length > 1).OrderByDescending(id => scores[id])
            .SelectMany(id => Enumerable.Range(1, tokens[id].Length - 1).Select(at => (tokens[id][..at], tokens[id][at..])).Where(pair => ids.ContainsKey(pair.Item1) && ids.ContainsKey(pair.Item2)));
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. Enumerable.Range(0, 3).Select(id => (JsonNode)new JsonObject { ["id"] = id, ["content"] = tokens[id], ["special"] = true })]),
            ["normalizer"] = JsonNode.Parse("""{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}"""),
            ["post_processor"] = JsonNode.Parse("""{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}]}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["byte_fallback"] = true, ["unk_token"] = "<unk>",
                ["vocab"] = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create<string, JsonNode?>(token, id))),
                ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)$"{merge.Item1} {merge.Item2}")]),
            },
        }.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"bos_token":"<s>","eos_token":"</s>","unk_token":"<unk>"}""");
    }
}
