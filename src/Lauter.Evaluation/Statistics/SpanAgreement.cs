namespace Lauter.Evaluation.Statistics;

/// <summary>A marked part of a text.</summary>
/// <param name="Start">First position.</param>
/// <param name="End">Position after the last.</param>
/// <param name="Label">What it was marked as.</param>
public readonly record struct LabelledSpan(int Start, int End, string Label);

/// <summary>When two spans count as the same.</summary>
public enum SpanMatch
{
    /// <summary>Same borders, same label.</summary>
    Exact,

    /// <summary>Same borders, whatever the label.</summary>
    ExactAnyLabel,

    /// <summary>At least half of what either covers is covered by both, same label.</summary>
    Half,

    /// <summary>At least half of what either covers is covered by both, whatever the label.</summary>
    HalfAnyLabel,

    /// <summary>They share a position, same label.</summary>
    Overlap,

    /// <summary>Not spans but their positions are compared, each with its label.</summary>
    Characters,
}

/// <summary>
/// Agreement of two people who marked spans in one text. Where nobody marks nothing there is no chance agreement to take off, so F1 is used instead of kappa
/// (Hripcsak and Rothschild 2005).
/// </summary>
public static class SpanAgreement
{
    /// <summary>2m / (|A| + |B|), m the most pairs that can be made of one span of each; 1 when both marked nothing. Symmetric, 0 to 1.</summary>
    public static double F1(IReadOnlyList<LabelledSpan> first, IReadOnlyList<LabelledSpan> second, SpanMatch match)
    {
        if (match == SpanMatch.Characters)
        {
            var (a, b) = (Positions(first), Positions(second));
            return a.Count + b.Count == 0 ? 1 : 2.0 * a.Count(b.Contains) / (a.Count + b.Count);
        }

        return first.Count + second.Count == 0 ? 1 : 2.0 * MostPairs(first, second, match) / (first.Count + second.Count);
    }

    /// <summary>Mean F1 over all pairs of annotators; NaN for fewer than two.</summary>
    public static double MeanF1(IReadOnlyList<IReadOnlyList<LabelledSpan>> annotators, SpanMatch match)
    {
        var values = new List<double>();
        for (var one = 0; one < annotators.Count; one++)
        {
            for (var other = one + 1; other < annotators.Count; other++)
            {
                values.Add(F1(annotators[one], annotators[other], match));
            }
        }

        return values.Count == 0 ? double.NaN : values.Average();
    }

    /// <summary>A maximum matching, not a greedy one: with overlapping spans the order in which pairs are made would decide the score. Kuhn's augmenting paths.</summary>
    private static int MostPairs(IReadOnlyList<LabelledSpan> first, IReadOnlyList<LabelledSpan> second, SpanMatch match)
    {
        var partner = Enumerable.Repeat(-1, second.Count).ToArray();
        return Enumerable.Range(0, first.Count).Count(index => TryPair(index, new bool[second.Count]));

        bool TryPair(int index, bool[] asked)
        {
            for (var other = 0; other < second.Count; other++)
            {
                if (asked[other] || !Matches(first[index], second[other], match))
                {
                    continue;
                }

                asked[other] = true;
                if (partner[other] < 0 || TryPair(partner[other], asked))
                {
                    partner[other] = index;
                    return true;
                }
            }

            return false;
        }
    }

    private static bool Matches(LabelledSpan a, LabelledSpan b, SpanMatch match)
    {
        var shared = Math.Min(a.End, b.End) - Math.Max(a.Start, b.Start);
        return match switch
        {
            SpanMatch.Exact => a == b,
            SpanMatch.ExactAnyLabel => (a.Start, a.End) == (b.Start, b.End),
            SpanMatch.Half => a.Label == b.Label && IsHalf(),
            SpanMatch.HalfAnyLabel => IsHalf(),
            SpanMatch.Overlap => a.Label == b.Label && shared > 0,
            _ => throw new ArgumentOutOfRangeException(nameof(match), match, "This kind does not pair spans."),
        };

        bool IsHalf() => shared > 0 && 2 * shared >= a.End - a.Start + b.End - b.Start - shared;
    }

    private static HashSet<(int Position, string Label)> Positions(IReadOnlyList<LabelledSpan> spans) =>
        [.. spans.SelectMany(span => Enumerable.Range(span.Start, Math.Max(0, span.End - span.Start)).Select(position => (position, span.Label)))];
}
