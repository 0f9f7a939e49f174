using Lauter.Evaluation.Metrics.Classes;
using Lauter.Evaluation.Statistics;

namespace Lauter.Evaluation.Judges;

/// <summary>One item that a judge and perhaps people judged.</summary>
/// <param name="Id">The item.</param>
/// <param name="Judge">The judge's verdict: passes or not; null when it could not be read.</param>
/// <param name="Human">What people say; null where nobody looked.</param>
public sealed record JudgedItem(string Id, bool? Judge, bool? Human);

/// <summary>How far a judge can be trusted, and what its pass rate says about the true one.</summary>
/// <param name="Items">Items judged.</param>
/// <param name="Unparsed">Verdicts that could not be read; in no rate.</param>
/// <param name="PassRate">Share that the judge passes, of the verdicts that could be read.</param>
/// <param name="Labelled">Items that people judged too.</param>
/// <param name="Agreement">Share of those on which both say the same.</param>
/// <param name="Kappa">Cohen's kappa; null when either side is constant.</param>
/// <param name="Sensitivity">Share of the items people passed that the judge passes.</param>
/// <param name="Specificity">Share of the items people failed that the judge fails.</param>
/// <param name="Corrected">The true pass rate by Rogan and Gladen; null when the judge is no better than chance, or people passed or failed none.</param>
/// <param name="Interval">95 % interval of the true pass rate by Lang and Reiczigel, the labels' own uncertainty included.</param>
public sealed record JudgeReport(
    int Items, int Unparsed, double? PassRate, int Labelled, double? Agreement, double? Kappa, double? Sensitivity, double? Specificity, double? Corrected, Interval? Interval)
{
    /// <summary>Reports on <paramref name="items"/>.</summary>
    public static JudgeReport Of(IReadOnlyCollection<JudgedItem> items)
    {
        var read = items.Where(i => i.Judge is not null).ToArray();
        var both = read.Where(i => i.Human is not null).ToArray();
        int positives = both.Count(i => i.Human == true), negatives = both.Length - positives;
        int rightPasses = both.Count(i => i is { Human: true, Judge: true }), rightFails = both.Count(i => i is { Human: false, Judge: false });
        int passes = read.Count(i => i.Judge == true);
        CorrectedRate? corrected = null;
        Interval? interval = null;
        if (positives > 0 && negatives > 0)
        {
            corrected = JudgeCorrection.RoganGladen(
                passes / (double)read.Length, read.Length, rightFails / (double)negatives, negatives, rightPasses / (double)positives, positives);
            interval = corrected is null ? null : JudgeCorrection.LangReiczigel(passes, read.Length, rightFails, negatives, rightPasses, positives, 0.95);
        }

        var kappa = both.Length == 0 ? double.NaN
            : ConfusionMatrix.Of([.. both.Select(i => i.Human == true ? 1 : 0)], [.. both.Select(i => i.Judge == true ? 1 : 0)], 2).Kappa();
        return new JudgeReport(
            items.Count, items.Count - read.Length, Share(passes, read.Length), both.Length, Share(rightPasses + rightFails, both.Length),
            double.IsFinite(kappa) ? kappa : null, Share(rightPasses, positives), Share(rightFails, negatives), corrected?.Clipped, interval);
    }

    private static double? Share(int part, int whole) => whole == 0 ? null : part / (double)whole;
}

/// <summary>Good, same, bad over pairs judged in both orders, and what the order did.</summary>
/// <param name="Pairs">Pairs judged.</param>
/// <param name="Good">The first answer wins in both orders.</param>
/// <param name="Same">A tie in both orders.</param>
/// <param name="Bad">The second answer wins in both orders.</param>
/// <param name="Inconsistent">The verdict changed with the order.</param>
/// <param name="Unparsed">A verdict could not be read.</param>
/// <param name="FirstShownRate">Of the verdicts that name a winner: share for whichever answer was shown first. 0.5 without position bias.</param>
/// <param name="FirstShownInterval">95 % Wilson interval of it.</param>
/// <param name="SignP">Two-sided exact p of "the first answer wins as often as the second", over consistent winners.</param>
/// <param name="Net">Net win rate, -1 to 1: (good - bad) / pairs that could be read, ties and changed verdicts among them; null without any.</param>
/// <param name="NetInterval">95 % interval of it by Tango; unread pairs all lost, and all won, at its ends.</param>
/// <param name="Labelled">Readable pairs that people judged too.</param>
/// <param name="Agreement">Share of those on which both name the same winner; a verdict that changed with the order counts as a tie.</param>
/// <param name="Kappa">Cohen's kappa of first, second and tie; null when either side is constant.</param>
public sealed record PairReport(
    int Pairs, int Good, int Same, int Bad, int Inconsistent, int Unparsed, double? FirstShownRate, Interval? FirstShownInterval, double SignP,
    double? Net, Interval? NetInterval, int Labelled, double? Agreement, double? Kappa)
{
    /// <summary>Reports on pairs of verdicts: the first answer shown as A, then the second.</summary>
    public static PairReport Of(IReadOnlyCollection<(PairWinner Shown, PairWinner Swapped)> pairs) => Of([.. pairs.Select(p => (p.Shown, p.Swapped, (PairWinner?)null))]);

    /// <summary>Reports on pairs of verdicts with what people say, where they looked.</summary>
    public static PairReport Of(IReadOnlyCollection<(PairWinner Shown, PairWinner Swapped, PairWinner? Human)> pairs)
    {
        var outcomes = pairs.Select(p => JudgeReplies.BothOrders(p.Shown, p.Swapped)).ToArray();
        int good = Count(PairWinner.First), bad = Count(PairWinner.Second);
        var winners = pairs.SelectMany(p => new[] { p.Shown, p.Swapped }).Where(w => w is PairWinner.First or PairWinner.Second).ToArray();
        var first = winners.Count(w => w == PairWinner.First);
        int unread = Count(PairWinner.Unparsed), read = pairs.Count - unread;
        var both = pairs.Zip(outcomes, (p, o) => (p.Human, Judge: o == PairWinner.Inconsistent ? PairWinner.Tie : o)).Where(p => p.Human is not null && p.Judge != PairWinner.Unparsed).ToArray();
        var kappa = both.Length == 0 ? double.NaN
            : ConfusionMatrix.Of([.. both.Select(p => Class(p.Human!.Value))], [.. both.Select(p => Class(p.Judge))], 3).Kappa();
        return new PairReport(
            pairs.Count, good, Count(PairWinner.Tie), bad, Count(PairWinner.Inconsistent), Count(PairWinner.Unparsed),
            winners.Length == 0 ? null : first / (double)winners.Length,
            winners.Length == 0 ? null : ProportionIntervals.Wilson(first, winners.Length, 0.95),
            McNemar.Exact(good, bad),
            read == 0 ? null : (good - bad) / (double)read,
            read == 0 ? null : new Interval(
                DifferenceIntervals.Tango(new PairedTable(0, good, bad + unread, read - good - bad), 0.95).Low,
                DifferenceIntervals.Tango(new PairedTable(0, good + unread, bad, read - good - bad), 0.95).High),
            both.Length,
            both.Length == 0 ? null : both.Count(p => p.Human == p.Judge) / (double)both.Length,
            double.IsFinite(kappa) ? kappa : null);

        int Count(PairWinner outcome) => outcomes.Count(o => o == outcome);

        static int Class(PairWinner winner) => winner switch { PairWinner.First => 0, PairWinner.Second => 1, _ => 2 };
    }
}
