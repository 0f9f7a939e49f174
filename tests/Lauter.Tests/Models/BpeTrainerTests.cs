using System.Text;
using CsCheck;
using Lauter.Models.Tokens;

namespace Lauter.Tests.Models;

public sealed class BpeTrainerTests
{
    private static readonly string[] Specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

    private static readonly string[] Corpus =
    [
        .. Enumerable.Repeat("The customer's router doesn't connect after the update; they've restarted it twice. Please REFUND order 40321!\n\n", 4),
        .. Enumerable.Repeat("客户的路由器更新后无法连接，已经重启两次。请退款订单 40321！谢谢🙏\r\n", 4),
        "We'll check it — it's 3.5 GHz, isn't it?   Tabs\tand  spaces \n   indented\n", "价格：￥1,299.00（含税）。①②③ Ⅳ", "naïve café übermäßig Привет мир",
    ];

    [Fact]
    public void Train_SameTexts_GivesTheSameVocabulary()
    {
        var first = BpeTrainer.Train(Corpus, 600, Specials, TestContext.Current.CancellationToken);
        var second = BpeTrainer.Train(Corpus, 600, Specials, TestContext.Current.CancellationToken);

        Assert.Equal(Enumerable.Range(0, first.Count).Select(id => first.Piece(id).ToArray()), Enumerable.Range(0, second.Count).Select(id => second.Piece(id).ToArray()));
        Assert.InRange(first.Count, 300, 600);
    }

    [Fact]
    public void Train_IncrementalCounts_EqualTheSlowRecount()
    {
        // The reference recounts every pair after each merge.
        var trained = BpeTrainer.Train(["abababa cabab cab cab abc abc abcab 'x 'x"], 3 + 256 + 12, Specials, TestContext.Current.CancellationToken);
        var words = new List<(List<string> Symbols, int Count)>();
        foreach (var group in new[] { "abababa", " cabab", " cab", " cab", " abc", " abc", " abcab", " '", "x", " '", "x" }.GroupBy(word => word))
        {
            words.Add(([.. group.Key.Select(letter => letter.ToString())], group.Count()));
        }

        for (var merge = 0; merge < trained.MergeCount; merge++)
        {
            var piece = Encoding.UTF8.GetString(trained.Piece(3 + 256 + merge));
            var counts = new Dictionary<(string, string), int>();
            foreach (var (symbols, count) in words)
            {
                for (var i = 1; i < symbols.Count; i++)
                {
                    counts[(symbols[i - 1], symbols[i])] = counts.GetValueOrDefault((symbols[i - 1], symbols[i])) + count;
                }
            }

            var most = counts.Values.Max();
            var (left, right) = counts.Where(pair => pair.Value == most).Select(pair => pair.Key).First(pair => pair.Item1 + pair.Item2 == piece);
            foreach (var (symbols, _) in words)
            {
                for (var i = 0; i + 1 < symbols.Count; i++)
                {
                    if (symbols[i] == left && symbols[i + 1] == right)
                    {
                        symbols[i] = piece;
                        symbols.RemoveAt(i + 1);
                    }
                }
            }
        }

        Assert.True(trained.MergeCount >= 6, $"only {trained.MergeCount} merges");
    }

    [Fact]
    public void Encode_RandomTexts_EqualsLlamaCppOnTheWrittenFile()
    {
        using var folder = new TemporaryFolder();
        var vocabulary = BpeTrainer.Train(Corpus, 700, Specials, TestContext.Current.CancellationToken);
        vocabulary.Save(folder.File("vocabulary.gguf"));
        using var tokenizer = ModelTokenizer.Open(folder.File("vocabulary.gguf"));
        Assert.Equal(vocabulary.Count, tokenizer.VocabularySize);
        Assert.Equal([0, 1, 2], Specials.Select(special => tokenizer.TokenOf(special)!.Value));
        Assert.Equal((0, 2), (tokenizer.EndOfText, tokenizer.End));
        Assert.False(tokenizer.AddsBegin);

        Assert.All(Corpus, text => Assert.Equal(vocabulary.Encode(text), tokenizer.Encode(text, parseSpecial: false)));
        var pieces = Gen.OneOf(
            OneOf(" ", "  ", "\n", "\r\n", "\t", "\u3000", "\u00a0", "\u2028", "'s", "'LL", "'", "’s", "don't", "1", "2024", "３", "½", "Ⅳ", "，", "。", "!?", "…", "👩‍💻", "🙏🏽", "<|im_end|>", "<|", "é", "e\u0301", "हिन्दी", "\u200b", "\ufeff", "\0", "\u0085", "ǅ", "ʰ"),
            OneOf(Corpus).SelectMany(text => Gen.Select(Gen.Int[0, text.Length], Gen.Int[0, text.Length]).Select((a, b) => text[Math.Min(a, b)..Math.Max(a, b)])),
            Gen.Char['a', 'z'].Array[1, 8].Select(letters => new string(letters)),
            Gen.Char['\u4e00', '\u9fff'].Array[1, 5].Select(letters => new string(letters)),
            Gen.Int[0x20, 0x2FFF].Select(point => new Rune(point).ToString()));
        pieces.Array[0, 12].Select(string.Concat).Sample(
            text =>
            {
                var ours = vocabulary.Encode(text);
                var theirs = tokenizer.Encode(text, parseSpecial: false);
                Assert.True(ours.AsSpan().SequenceEqual(theirs), $"'{text}' ({string.Join(' ', text.EnumerateRunes().Select(rune => rune.Value.ToString("X4")))}): ours {string.Join(' ', ours)}, llama.cpp {string.Join(' ', theirs)}");
                Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)), tokenizer.Decode(theirs));
            },
            iter: 5000,
            threads: 1);
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(index => texts[index]);

    [Fact]
    public void Encode_SpecialSpellings_AreTokensOnlyWhenAskedFor()
    {
        using var folder = new TemporaryFolder();
        BpeTrainer.Train(Corpus, 400, Specials, TestContext.Current.CancellationToken).Save(folder.File("vocabulary.gguf"));
        using var tokenizer = ModelTokenizer.Open(folder.File("vocabulary.gguf"));

        Assert.Equal([1, 2], tokenizer.Encode("<|im_start|><|im_end|>", parseSpecial: true));
        Assert.DoesNotContain(tokenizer.Encode("<|im_start|><|im_end|>", parseSpecial: false), id => tokenizer.IsSpecial(id));
    }

    [Fact]
    public void Encode_VeryLongRuns_DoNotOverflowTheNativeStack()
    {
        using var folder = new TemporaryFolder();
        BpeTrainer.Train(Corpus, 400, Specials, TestContext.Current.CancellationToken).Save(folder.File("vocabulary.gguf"));
        using var tokenizer = ModelTokenizer.Open(folder.File("vocabulary.gguf"));

        foreach (var unit in new[] { "a", "中", " ", "\n", "!", "1" })
        {
            Assert.NotEmpty(tokenizer.Encode(string.Concat(Enumerable.Repeat(unit, 200_000)), parseSpecial: false));
        }
    }
}
