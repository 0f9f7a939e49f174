using CsCheck;
using Lauter.Data.Operators.Perplexity;

namespace Lauter.Tests.Data;

public sealed class PerplexityTests
{
    private const string Clean = "The kettle boils the wort for an hour and the pump moves it to the cooler. Then the yeast is added and the beer rests in the tank for two weeks.";

    [Fact]
    public void Perplexity_TextLikeTheLearned_IsLowerThanGibberish()
    {
        var model = CharacterModel.Learn([(Clean, "en"), ("麦汁在锅里煮一个小时，然后由水泵送到冷却器。之后加入酵母，啤酒在罐中放两个星期。", "zh")]);
        Assert.InRange(model.Perplexity("The pump moves the beer to the tank.", "en"), 1, 6);
        Assert.True(model.Perplexity("xqz vkjw qqrt zzp", "en") > 100);
        Assert.True(model.Perplexity("啤酒在锅里煮两个星期", "zh") * 20 < model.Perplexity("魑魅魍魉饕餮貔貅", "zh"));
        Assert.Equal(0, model.Perplexity("Bier", "und"));
        Assert.Equal(0, model.Perplexity("", "en"));
    }

    [Fact]
    public void Perplexity_SmallModel_EqualsTheFormula()
    {
        // One text "ab": p(a) = (1 + 2u)/(2 + 2), p(b|a) = (1 + p(b))/(1 + 1), u being an unseen character's 1e-5.
        var model = CharacterModel.Learn([("ab", "en")]);
        const double P = (1 + (2 * 1e-5)) / 4;
        Assert.Equal(Math.Exp(-(Math.Log(P) + Math.Log((1 + P) / 2)) / 2), model.Perplexity("ab", "en"), 4);

        // "b" after nothing, then "a": the context b was never followed, so a costs its own probability.
        Assert.Equal(Math.Exp(-(Math.Log(P) + Math.Log(P)) / 2), model.Perplexity("ba", "en"), 4);

        // A character never seen costs the weight of the empty context.
        Assert.Equal(1 / (0.5 * 1e-5), model.Perplexity("x", "en"), 0);
    }

    [Fact]
    public void Learn_ProbabilitiesAfterAnyContext_SumToOneWithTheUnseen() => Gen.Char["abcab"].Array[1, 60].Sample(characters =>
    {
        var text = new string(characters);
        var model = CharacterModel.Learn([(text, "en")]);
        foreach (var context in new[] { "", "a", "ab", "cba", "bcab" })
        {
            // p(c|context) = perplexity of the longer text over that of the shorter.
            double Log(string t) => t.Length == 0 ? 0 : -t.Length * Math.Log(model.Perplexity(t, "en"));
            var sum = text.Distinct().Sum(c => Math.Exp(Log(context + c) - Log(context)));
            Assert.InRange(sum, 0.3, 1.0001);
        }
    }, iter: 200);

    [Fact]
    public void Read_OwnBytes_GivesTheSameModelAndDamageIsRefused()
    {
        var model = CharacterModel.Learn([(Clean, "en")]);
        var again = CharacterModel.Read(model.Bytes);
        Assert.Equal(model.Key, again.Key);
        Assert.Equal(model.Perplexity("the tank", "en"), again.Perplexity("the tank", "en"));
        Assert.Equal(model.Key, CharacterModel.Learn([(Clean, "en")]).Key);
        Assert.Throws<InvalidDataException>(() => CharacterModel.Read(model.Bytes[..^3]));
        Assert.Throws<InvalidDataException>(() => CharacterModel.Read("LTCM0001\u0001\u0002en\u0005\u00FF\u00FF\u00FF\u007F"u8.ToArray()));
        Assert.Throws<InvalidDataException>(() => CharacterModel.Read("nothing"u8.ToArray()));
    }
}
