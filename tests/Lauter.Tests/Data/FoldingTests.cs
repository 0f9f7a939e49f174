using CsCheck;
using Lauter.Data.Dedup;
using Lauter.Data.Text;

namespace Lauter.Tests.Data;

public sealed class FoldingTests
{
    [Fact]
    public void Fold_AnyText_EqualsTheSlowDefinition() =>
        Gen.String[Gen.OneOf(Gen.Char, Gen.Char['\0', '\u02FF'], Gen.Char['\u3000', '\u9FFF'], Gen.Char['\uF900', '\uFFFF'], Gen.Char[new string(['\uD83D', '\uDE00', '…', '\u0301', 'が', '\u1100', '\u1161', 'ﬁ', '㎏'])]), 0, 60]
            .Sample(text => TextFolding.Fold(text) == TextFolding.FoldSlowly(text), iter: 20_000);

    [Fact]
    public void Fold_EveryCharacterAlone_EqualsTheSlowDefinition()
    {
        for (var i = 0; i <= char.MaxValue; i++)
        {
            var text = $"a{(char)i}b";
            Assert.True(TextFolding.Fold(text) == TextFolding.FoldSlowly(text), $"U+{i:X4}");
        }
    }

    [Theory]
    [InlineData("The quick, brown fox!", "the QUICK brown-fox")]
    [InlineData("電腦軟體１２３", "电脑软体,123")]
    [InlineData("naïve café", "nai\u0308ve cafe\u0301")]
    [InlineData("が行", "か\u3099行")]
    [InlineData("…ﬁne½", "... fine1⁄2")]
    [InlineData("한국", "\u1112\u1161\u11AB\u1100\u116E\u11A8")]
    public void Units_OfVariants_AreEqual(string a, string b) =>
        Assert.Equal(1, ShingleSet.Jaccard(ShingleSet.Of(a, ShingleUnit.Words, 2), ShingleSet.Of(b, ShingleUnit.Words, 2)));

    [Theory]
    [InlineData("が行く", "か行く")]
    [InlineData("泵坏了", "泵换了")]
    [InlineData("ab c", "a bc")]
    [InlineData("👍 good", "👎 good")]
    public void Units_OfOtherTexts_Differ(string a, string b) =>
        Assert.Equal(0, ShingleSet.Jaccard(ShingleSet.Of(a, ShingleUnit.Words, 5), ShingleSet.Of(b, ShingleUnit.Words, 5)));

    [Theory]
    [InlineData("乾隆皇帝與乾淨的瞭望臺，一目瞭然", "乾隆皇帝与干净的瞭望台，一目了然")]
    [InlineData("電腦軟體", "电脑软体")]
    [InlineData("二噁英", "二𫫇英")]
    [InlineData("已是简体，English 123。", "已是简体，English 123。")]
    public void ToSimplified_Words_AreNotTakenApart(string text, string expected) => Assert.Equal(expected, ChineseScript.ToSimplified(text));

    [Fact]
    public void ToSimplified_AnyText_IsStableAndTouchesOnlyTraditional() =>
        Gen.String[Gen.OneOf(Gen.Char['\u4E00', '\u9FFF'], Gen.Char["乾隆淨瞭著一目然 ab。"]), 0, 60].Sample(text =>
            ChineseScript.ToSimplified(text).Length >= text.Length && text.Where(c => !TextFolding.IsHan(c)).SequenceEqual(ChineseScript.ToSimplified(text).Where(c => !TextFolding.IsHan(c) && !char.IsSurrogate(c))));

    [Fact]
    public void Units_HostileText_NeverThrows() => Gen.String[Gen.Char, 0, 80].Sample(text => ShingleSet.Of(text, ShingleUnit.Words, 5).Count <= Math.Max(1, 4 * text.Length), iter: 20_000);
}
