namespace Lauter.Evaluation.Statistics;

/// <summary>Two candidates on the same items, each right or wrong.</summary>
/// <param name="BothRight">Both right.</param>
/// <param name="OnlyFirst">b: only the first is right.</param>
/// <param name="OnlySecond">c: only the second is right.</param>
/// <param name="BothWrong">Both wrong.</param>
public readonly record struct PairedTable(long BothRight, long OnlyFirst, long OnlySecond, long BothWrong)
{
    /// <summary>Number of items.</summary>
    public long Items => BothRight + OnlyFirst + OnlySecond + BothWrong;

    /// <summary>(b - c) / n: how much better the first is. NaN without items.</summary>
    public double Difference => (OnlyFirst - OnlySecond) / (double)Items;

    /// <summary>(b + c) / n: the share of items on which they differ. NaN without items.</summary>
    public double Discordance => (OnlyFirst + OnlySecond) / (double)Items;
}
