using CsCheck;
using Lauter.Inference.Scheduler;

namespace Lauter.Tests.Inference;

public sealed class DraftsTests
{
    /// <summary>Asked after each token of random text, it must say what the last earlier place with the same three tokens was followed by.</summary>
    [Fact]
    public void Next_AnyText_IsWhatFollowedTheLatestEqualEnd() => Gen.Int[0, 2].List[0, 60].Sample(text =>
    {
        var drafts = new Drafts();
        var tokens = new List<int>();
        foreach (var token in text)
        {
            tokens.Add(token);
            Assert.Equal(Reference(tokens, 4), drafts.Next(tokens, 4).ToArray());
        }
    });

    [Fact]
    public void Expected_RateOfHalf_SumsItsPowers() => Assert.Equal(0.5 + 0.25 + 0.125, new Drafts().Expected(3), 12);

    [Fact]
    public void Rate_GuessesFail_FallsAndComesBackWhileResting()
    {
        var drafts = new Drafts();
        for (var step = 0; step < 20; step++)
        {
            drafts.Observe(4, 0);
        }

        Assert.InRange(drafts.Rate, 0.01, 0.05);
        var low = drafts.Rate;
        for (var step = 0; step < 200; step++)
        {
            drafts.Rest();
        }

        Assert.InRange(drafts.Rate, low + 0.4, 0.5);
        for (var step = 0; step < 20; step++)
        {
            drafts.Observe(3, 3);
        }

        Assert.InRange(drafts.Rate, 0.95, 1);
    }

    private static int[] Reference(List<int> tokens, int most)
    {
        for (var end = tokens.Count - 1; end >= 3; end--)
        {
            if (tokens[(end - 3)..end].SequenceEqual(tokens[^3..]))
            {
                return [.. tokens[end..].Take(most)];
            }
        }

        return [];
    }
}
