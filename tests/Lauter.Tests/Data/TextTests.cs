using CsCheck;
using Lauter.Data.Text;

namespace Lauter.Tests.Data;

public sealed class TextTests
{
    [Theory]
    [InlineData("電腦軟體　ＡＢＣ１２３", "电脑软体 abc123")]
    [InlineData("  The\u00A0Pump\r\n\tHowls\u200B ", "the pump howls")]
    [InlineData("ﬁne ½", "fine 1⁄2")]
    public void Fold_Variants_GiveOneForm(string text, string expected) => Assert.Equal(expected, TextFolding.Fold(text));

    [Fact]
    public void Fold_Twice_ChangesNothing() => Gen.String.Sample(s => TextFolding.Fold(TextFolding.Fold(s)) == TextFolding.Fold(s));

    [Fact]
    public void Normalise_Twice_ChangesNothing() => Gen.String.Sample(s => Normaliser.Normalise(Normaliser.Normalise(s)) == Normaliser.Normalise(s));

    [Fact]
    public void Normalise_ChinesePunctuation_Stays() => Assert.Equal("价格：100元，（含税）。", Normaliser.Normalise("价格：１００元，（含税）。"));

    [Theory]
    [InlineData("泵不转E33", "泵 泵不 不 不转 转 e33")]
    [InlineData("The pumps were howling loudly", "the pump were howl loud")]
    [InlineData("price 1,250.50 EUR", "price 1,250.50 eur")]
    public void Terms_MixedText_CutsAsDocumented(string text, string expected) => Assert.Equal(expected.Split(' '), Segmenter.Terms(text));

    [Theory]
    [InlineData("consistency", "consist")]
    [InlineData("knightly", "knight")]
    [InlineData("generously", "generous")]
    [InlineData("running", "run")]
    [InlineData("hopping", "hop")]
    [InlineData("relational", "relat")]
    [InlineData("ponies", "poni")]
    [InlineData("skies", "sky")]
    [InlineData("dying", "die")]
    [InlineData("agreed", "agre")]
    [InlineData("controlling", "control")]
    [InlineData("happy", "happi")]
    [InlineData("say", "say")]
    [InlineData("national", "nation")]
    [InlineData("electricity", "electr")]
    [InlineData("hopefulness", "hope")]
    [InlineData("argument", "argument")]
    public void Stem_PublishedExamples_Agree(string word, string stem) => Assert.Equal(stem, EnglishStemmer.Stem(word));

    [Theory]
    [InlineData("The pump is broken.", "en")]
    [InlineData("泵坏了，请帮忙", "zh")]
    [InlineData("你好，我的BK-30 brew kettle不加热了", "zh")]
    [InlineData("Please translate 啤酒 for me into English today", "en")]
    [InlineData("これはペンです", "und")]
    [InlineData("Die Pumpe ist kaputt und das Gerät läuft nicht mehr", "und")]
    [InlineData("12345 !!!", "und")]
    public void Detect_Languages(string text, string language) => Assert.Equal(language, LanguageDetector.Detect(text));

    [Theory]
    [InlineData("café “breweries” – it’s 20 °C")]
    [InlineData("关于售后服务的说明，请写信")]
    [InlineData("Größe: 5 µm")]
    public void Repair_Utf8ReadAsWindows1252OrLatin1_ComesBack(string text)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        Assert.Equal(text, Mojibake.Repair(System.Text.Encoding.Latin1.GetString(bytes)));
        Assert.Equal(text, Mojibake.Repair(System.Text.CodePagesEncodingProvider.Instance.GetEncoding(1252)!.GetString(bytes)));
        Assert.Equal(text, Mojibake.Repair(text));
    }

    [Theory]
    [InlineData("我们的产品有质量问题，请您联系客户服务")]
    [InlineData("温度在一个小时后到了六十度")]
    public void Repair_ChineseInTheWrongEncoding_ComesBack(string text)
    {
        var gbk = System.Text.CodePagesEncodingProvider.Instance.GetEncoding("GBK")!;
        Assert.Equal(text, Mojibake.Repair(System.Text.Encoding.Latin1.GetString(gbk.GetBytes(text))));
    }

    [Theory]
    [InlineData("吴少阳从不朝觐，又给朝廷进贡马匹\uFEFF，朝廷遂予善待")] // not in GBK, in GB18030
    [InlineData("现时约有50-500万只小灰头稚冠雉。〇伦敦 London Zoo")]
    public void Repair_Gb18030ReadAsWestern_ComesBack(string text)
    {
        var bytes = System.Text.CodePagesEncodingProvider.Instance.GetEncoding("GB18030")!.GetBytes(text);
        Assert.Equal(text, Mojibake.Repair(System.Text.Encoding.Latin1.GetString(bytes)));
        Assert.Equal(text, Mojibake.Repair(System.Text.CodePagesEncodingProvider.Instance.GetEncoding(1252)!.GetString(bytes)));
    }

    [Fact]
    public void Repair_LineOfNamesInGbk_IsDecidedByTheTextAroundIt()
    {
        const string Text = "我们的产品有质量问题，请您联系客户服务\n翟墨谭咏麟舒淇";
        var bytes = System.Text.CodePagesEncodingProvider.Instance.GetEncoding("GBK")!.GetBytes(Text);
        Assert.Equal(Text, Mojibake.Repair(System.Text.Encoding.Latin1.GetString(bytes)));
    }

    [Theory]
    [InlineData("It\u2019s the brewery\u2019s best kettle")]
    [InlineData("我们需要更换温度传感器，请联系客户服务")]
    public void Repair_Utf8ReadAsGbkWithoutLoss_ComesBack(string text)
    {
        var read = System.Text.CodePagesEncodingProvider.Instance.GetEncoding("GBK")!.GetString(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.Equal(text, Mojibake.Repair(read));
    }

    [Theory]
    [InlineData("Ã¢â‚¬Å“DoesÃ¢â‚¬Â\u009D finland have any travel alerts", "\u201CDoes\u201D finland have any travel alerts")]
    public void Repair_QuotesThatWentWrongTwice_AreNotTakenForGbk(string broken, string text) => Assert.Equal(text, Mojibake.Repair(broken));

    [Theory]
    [InlineData("Größe: ÄÖÜ äöü ß")]
    [InlineData("ÀÉÎ")]
    [InlineData("鈥字罕见，联通也罕见")]
    [InlineData("翟墨谭咏麟舒淇")]
    [InlineData("«Où êtes-vous?» – à l'hôtel Élysée, ça dépend")]
    public void Repair_RightText_Stays(string text) => Assert.Same(text, Mojibake.Repair(text));

    [Theory]
    [InlineData("A clean line of English that is long enough to count.\n浣╃壒閲屽�囧嚭鐢熶簬鍓嶅崡鏂�鎷夊か娉㈤粦锛屼絾鏄�寰堝揩", true)] // UTF-8 read as GBK: bytes are lost
    [InlineData("The best 鈥?and only 鈥?kettle of the brewery", true)]
    [InlineData("ÎâÉÙÑô´Ó²»³¯êî£¬ÓÖ¸ø³¯Í¢½ø¹±ÂíÆ¥", true)]
    [InlineData("Größe und Länge, Äpfel und Öl: schöne Grüße!", false)]
    [InlineData("诗经：关关雎鸠，在河之洲。窈窕淑女，君子好逑。参差荇菜，左右流之。", false)]
    public void BrokenLines_DebrisOfWrongDecodings_CountsByLine(string text, bool broken) => Assert.Equal(broken, Mojibake.BrokenLines(text) > 0.05);
}
