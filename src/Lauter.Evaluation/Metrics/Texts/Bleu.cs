using System.Globalization;

namespace Lauter.Evaluation.Metrics.Texts;

/// <summary>What BLEU does with an order that has no match.</summary>
public enum BleuSmoothing
{
    /// <summary>The value stays 0, and with it the score.</summary>
    None,

    /// <summary>1/2, 1/4 … of a match, as mteval does. The default.</summary>
    Exp,

    /// <summary>A fixed count instead of 0.</summary>
    Floor,

    /// <summary>A fixed count more on both sides of every order above 1.</summary>
    AddK,
}

/// <summary>
/// BLEU (Papineni et al. 2002) as sacrebleu 2.6.0 computes it, 0 to 100. Corpus scores come from summed counts, never from averaged
/// scores, so a resample is a sum of rows. Immutable, thread-safe.
/// </summary>
public sealed record Bleu
{
    /// <summary>One of <see cref="BleuTokenizers.Names"/>. Default 13a; Chinese needs zh or char.</summary>
    public string Tokenizer { get; init; } = "13a";

    /// <summary>Default exp.</summary>
    public BleuSmoothing Smoothing { get; init; } = BleuSmoothing.Exp;

    /// <summary>The count of floor (default 0.1) or add-k (default 1).</summary>
    public double? SmoothingValue { get; init; }

    /// <summary>Lower-cases both sides.</summary>
    public bool Lowercase { get; init; }

    /// <summary>Averages only over orders that the hypothesis is long enough for; the usual choice for single sentences.</summary>
    public bool EffectiveOrder { get; init; }

    /// <summary>Longest n-gram, 1 to 9. Default 4.</summary>
    public int MaximumOrder { get; init; } = 4;

    /// <summary>Numbers in a row of <see cref="Count"/>: hypothesis length, reference length, matches by order, n-grams by order.</summary>
    public int Width => 2 + (2 * MaximumOrder);

    /// <summary>As sacrebleu prints it. <paramref name="references"/>: references of each item, null when items differ.</summary>
    public string Signature(int? references) => string.Create(
        CultureInfo.InvariantCulture,
        $"nrefs:{References(references)}|case:{(Lowercase ? "lc" : "mixed")}|eff:{(EffectiveOrder ? "yes" : "no")}|tok:{Tokenizer}|smooth:{SmoothingName()}|version:2.6.0");

    /// <summary>Adds the counts of one item to <paramref name="row"/>. Null references are absent ones.</summary>
    public void Count(string hypothesis, IEnumerable<string?> references, Span<double> row)
    {
        var ids = new NGramIds();
        var said = ids.Grams(ids.Symbols(Tokens(hypothesis)), MaximumOrder);
        var counts = Array.ConvertAll(said, g => NGramIds.Count(g));
        var best = Array.ConvertAll(counts, _ => new Dictionary<int, int>());
        int closest = -1, closestGap = int.MaxValue;
        foreach (var reference in references)
        {
            if (reference is null)
            {
                continue;
            }

            var right = ids.Grams(ids.Symbols(Tokens(reference)), MaximumOrder);
            var gap = Math.Abs(said[0].Length - right[0].Length);
            if (gap < closestGap || (gap == closestGap && right[0].Length < closest))
            {
                (closest, closestGap) = (right[0].Length, gap);
            }

            for (var n = 0; n < MaximumOrder; n++)
            {
                foreach (var (gram, times) in NGramIds.Count(right[n]))
                {
                    best[n][gram] = Math.Max(best[n].GetValueOrDefault(gram), times);
                }
            }
        }

        row[0] += said[0].Length;
        row[1] += Math.Max(closest, 0);
        for (var n = 0; n < MaximumOrder; n++)
        {
            row[2 + n] += counts[n].Sum(g => Math.Min(g.Value, best[n].GetValueOrDefault(g.Key)));
            row[2 + MaximumOrder + n] += said[n].Length;
        }
    }

    /// <summary>The score of summed counts.</summary>
    public double Score(ReadOnlySpan<double> row)
    {
        double said = row[0], expected = row[1];
        var correct = row.Slice(2, MaximumOrder);
        var total = row.Slice(2 + MaximumOrder, MaximumOrder);
        if (!correct.ContainsAnyExcept(0.0))
        {
            return 0;
        }

        double logs = 0, halving = 1;
        var orders = 0;
        for (var n = 0; n < MaximumOrder; n++)
        {
            var add = Smoothing == BleuSmoothing.AddK && n > 0 ? SmoothingValue ?? 1 : 0;
            double matches = correct[n] + add, all = total[n] + add;
            if (all == 0)
            {
                break;
            }

            orders = n + 1;
            double precision = 0;
            if (matches > 0)
            {
                precision = 100.0 * matches / all;
            }
            else if (Smoothing == BleuSmoothing.Exp)
            {
                halving *= 2;
                precision = 100.0 / (halving * all);
            }
            else if (Smoothing == BleuSmoothing.Floor)
            {
                precision = 100.0 * (SmoothingValue ?? 0.1) / all;
            }

            logs += precision == 0 ? double.NegativeInfinity : Math.Log(precision);
        }

        // Orders the text is too short for have precision 0 and sink the score unless the effective order leaves them out.
        if (!EffectiveOrder && orders < MaximumOrder)
        {
            return 0;
        }

        var brevity = said < expected ? said > 0 ? Math.Exp(1 - (expected / said)) : 0 : 1;
        return brevity * Math.Exp(logs / orders);
    }

    /// <summary>Score of one sentence.</summary>
    public double Sentence(string hypothesis, params IEnumerable<string?> references)
    {
        Span<double> row = stackalloc double[Width];
        row.Clear();
        Count(hypothesis, references, row);
        return Score(row);
    }

    internal static string References(int? count) => count?.ToString(CultureInfo.InvariantCulture) ?? "var";

    private IReadOnlyList<string> Tokens(string text) => BleuTokenizers.Tokenize(Tokenizer, Lowercase ? PythonText.Lower(text) : text);

    private string SmoothingName() => Smoothing switch
    {
        BleuSmoothing.None => "none",
        BleuSmoothing.Exp => "exp",
        BleuSmoothing.Floor => string.Create(CultureInfo.InvariantCulture, $"floor[{SmoothingValue ?? 0.1:0.00}]"),
        _ => string.Create(CultureInfo.InvariantCulture, $"add-k[{SmoothingValue ?? 1:0.00}]"),
    };
}
