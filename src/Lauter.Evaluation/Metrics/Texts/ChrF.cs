using System.Globalization;
using System.Text;

namespace Lauter.Evaluation.Metrics.Texts;

/// <summary>
/// chrF and chrF++ (Popović 2015, 2017) as sacrebleu 2.6.0 computes them, 0 to 100: the F of averaged precision and recall, not the mean
/// of F by order. The best reference of each sentence counts. Immutable, thread-safe.
/// </summary>
public sealed record ChrF
{
    /// <summary>Longest character n-gram. Default 6.</summary>
    public int CharacterOrder { get; init; } = 6;

    /// <summary>Longest word n-gram: 0 for chrF (default), 2 for chrF++.</summary>
    public int WordOrder { get; init; }

    /// <summary>Weight of recall over precision. Default 2.</summary>
    public double Beta { get; init; } = 2;

    /// <summary>Lower-cases both sides.</summary>
    public bool Lowercase { get; init; }

    /// <summary>Keeps white space among the characters.</summary>
    public bool Whitespace { get; init; }

    /// <summary>The mean of F by order with a tiny value for empty orders, as the first implementation did.</summary>
    public bool EpsilonSmoothing { get; init; }

    /// <summary>Numbers in a row: hypothesis n-grams, reference n-grams, matches, for each order.</summary>
    public int Width => 3 * (CharacterOrder + WordOrder);

    /// <summary>As sacrebleu prints it.</summary>
    public string Signature(int? references) => string.Create(
        CultureInfo.InvariantCulture,
        $"nrefs:{Bleu.References(references)}|case:{(Lowercase ? "lc" : "mixed")}|eff:{(EpsilonSmoothing ? "no" : "yes")}|nc:{CharacterOrder}|nw:{WordOrder}|space:{(Whitespace ? "yes" : "no")}|version:2.6.0");

    /// <summary>Adds the counts of one item, against its best reference, to <paramref name="row"/>.</summary>
    public void Count(string hypothesis, IEnumerable<string?> references, Span<double> row)
    {
        var (characters, words) = (new NGramIds(), new NGramIds());
        var said = Counts(hypothesis, characters, words);
        var best = new double[Width];
        var bestScore = -1.0;
        foreach (var reference in references)
        {
            if (reference is null)
            {
                continue;
            }

            var right = Counts(reference, characters, words);
            var counts = new double[Width];
            for (var n = 0; n < said.Length; n++)
            {
                var expected = right[n].Values.Sum();

                // Without an n-gram on the other side there is nothing to be precise about.
                counts[3 * n] = expected > 0 ? said[n].Values.Sum() : 0;
                counts[(3 * n) + 1] = expected;
                counts[(3 * n) + 2] = said[n].Sum(g => Math.Min(g.Value, right[n].GetValueOrDefault(g.Key)));
            }

            var score = Score(counts);
            if (score > bestScore)
            {
                (bestScore, best) = (score, counts);
            }
        }

        for (var i = 0; i < best.Length; i++)
        {
            row[i] += best[i];
        }
    }

    /// <summary>The score of summed counts.</summary>
    public double Score(ReadOnlySpan<double> row)
    {
        const double Epsilon = 1e-16;
        var orders = CharacterOrder + WordOrder;
        var weight = Beta * Beta;
        double sumPrecision = 0, sumRecall = 0, sumF = 0;
        var effective = 0;
        for (var n = 0; n < orders; n++)
        {
            double said = row[3 * n], expected = row[(3 * n) + 1], matches = row[(3 * n) + 2];
            var precision = said > 0 ? matches / said : Epsilon;
            var recall = expected > 0 ? matches / expected : Epsilon;
            var denominator = (weight * precision) + recall;
            sumF += denominator > 0 ? (1 + weight) * precision * recall / denominator : Epsilon;
            if (said > 0 && expected > 0)
            {
                sumPrecision += precision;
                sumRecall += recall;
                effective++;
            }
        }

        if (EpsilonSmoothing)
        {
            return 100 * sumF / orders;
        }

        if (effective == 0 || sumPrecision + sumRecall == 0)
        {
            return 0;
        }

        double p = sumPrecision / effective, r = sumRecall / effective;
        return 100 * (1 + weight) * p * r / ((weight * p) + r);
    }

    /// <summary>Score of one sentence.</summary>
    public double Sentence(string hypothesis, params IEnumerable<string?> references)
    {
        Span<double> row = stackalloc double[Width];
        row.Clear();
        Count(hypothesis, references, row);
        return Score(row);
    }

    private Dictionary<int, int>[] Counts(string text, NGramIds characters, NGramIds words)
    {
        var line = Lowercase ? PythonText.Lower(text) : text;
        var symbols = (Whitespace ? line : string.Concat(PythonText.Split(line))).EnumerateRunes().Select(r => r.Value).ToArray();
        var grams = characters.Grams(symbols, CharacterOrder).AsEnumerable();
        if (WordOrder > 0)
        {
            grams = grams.Concat(words.Grams(words.Symbols(Words(line)), WordOrder));
        }

        return [.. grams.Select(g => NGramIds.Count(g))];
    }

    /// <summary>Words, a punctuation mark at the end (else at the start) cut off.</summary>
    private static List<string> Words(string text)
    {
        var words = new List<string>();
        foreach (var word in PythonText.Split(text))
        {
            // One code point, two UTF-16 units at most.
            if (word.Length == 1 || (word.Length == 2 && char.IsHighSurrogate(word[0])))
            {
                words.Add(word);
            }
            else if (PythonText.AsciiPunctuation.Contains(word[^1]))
            {
                words.AddRange([word[..^1], word[^1..]]);
            }
            else if (PythonText.AsciiPunctuation.Contains(word[0]))
            {
                words.AddRange([word[..1], word[1..]]);
            }
            else
            {
                words.Add(word);
            }
        }

        return words;
    }
}
