using System.Text;

namespace Lauter.Evaluation.Metrics.Texts;

/// <summary>Precision, recall and F1.</summary>
/// <param name="Precision">Shared ÷ said.</param>
/// <param name="Recall">Shared ÷ expected.</param>
/// <param name="F1">2PR/(P+R), 0 when nothing is shared.</param>
public readonly record struct PrecisionRecall(double Precision, double Recall, double F1)
{
    internal static PrecisionRecall Of(double shared, double said, double expected)
    {
        double p = said > 0 ? shared / said : 0, r = expected > 0 ? shared / expected : 0;
        return new PrecisionRecall(p, r, p + r > 0 ? 2 * p * r / (p + r) : 0);
    }
}

/// <summary>How ROUGE cuts text.</summary>
public enum RougeTokens
{
    /// <summary>Lower-case runs of a-z and 0-9, as rouge_score: Chinese text has no token and scores 0.</summary>
    English,

    /// <summary>As <see cref="English"/>, words of more than three letters stemmed by Porter.</summary>
    EnglishStemmed,

    /// <summary>Every character that is not white space: the form for Chinese. The two never compare.</summary>
    Characters,
}

/// <summary>ROUGE (Lin 2004) as rouge_score 0.1.2 computes it, 0 to 1. Immutable, thread-safe.</summary>
/// <param name="Tokens">How text is cut.</param>
public sealed record Rouge(RougeTokens Tokens = RougeTokens.English)
{
    /// <summary>The tokeniser's part of a signature.</summary>
    public string Signature => Tokens switch
    {
        RougeTokens.English => "tok:a-z0-9|stem:no|as:rouge_score-0.1.2",
        RougeTokens.EnglishStemmed => "tok:a-z0-9|stem:porter-nltk|as:rouge_score-0.1.2",
        _ => "tok:zh-char|stem:no|v:1",
    };

    /// <summary>Overlap of n-grams.</summary>
    public PrecisionRecall N(int n, string hypothesis, string reference)
    {
        var ids = new NGramIds();
        var said = ids.Grams(ids.Symbols(Tokenize(hypothesis)), n)[n - 1];
        var right = ids.Grams(ids.Symbols(Tokenize(reference)), n)[n - 1];
        var counts = NGramIds.Count(right);
        var shared = NGramIds.Count(said).Sum(g => Math.Min(g.Value, counts.GetValueOrDefault(g.Key)));
        return PrecisionRecall.Of(shared, said.Length, right.Length);
    }

    /// <summary>Longest common subsequence.</summary>
    public PrecisionRecall L(string hypothesis, string reference)
    {
        var ids = new NGramIds();
        int[] said = ids.Symbols(Tokenize(hypothesis)), right = ids.Symbols(Tokenize(reference));
        return PrecisionRecall.Of(Table(right, said)[right.Length, said.Length], said.Length, right.Length);
    }

    /// <summary>Longest common subsequences of each reference line with all lines of the hypothesis together; lines end at a line feed.</summary>
    public PrecisionRecall Lsum(string hypothesis, string reference)
    {
        var ids = new NGramIds();
        int[][] said = Lines(hypothesis), right = Lines(reference);
        var (saidLeft, rightLeft) = (NGramIds.Count(said.SelectMany(s => s).ToArray()), NGramIds.Count(right.SelectMany(s => s).ToArray()));
        var hits = 0;
        foreach (var line in right)
        {
            var members = new SortedSet<int>();
            foreach (var other in said)
            {
                members.UnionWith(Members(line, other));
            }

            foreach (var token in members.Select(i => line[i]))
            {
                if (saidLeft.GetValueOrDefault(token) > 0 && rightLeft.GetValueOrDefault(token) > 0)
                {
                    hits++;
                    saidLeft[token]--;
                    rightLeft[token]--;
                }
            }
        }

        return PrecisionRecall.Of(hits, said.Sum(s => s.Length), right.Sum(s => s.Length));

        int[][] Lines(string text) => [.. text.Split('\n').Where(l => l.Length > 0).Select(l => ids.Symbols(Tokenize(l)))];
    }

    /// <summary>The tokens of <paramref name="text"/>.</summary>
    public IReadOnlyList<string> Tokenize(string text)
    {
        if (Tokens == RougeTokens.Characters)
        {
            return [.. text.EnumerateRunes().Where(r => !Rune.IsWhiteSpace(r)).Select(r => r.ToString())];
        }

        var words = new List<string>();
        var lower = PythonText.Lower(text);
        var start = -1;
        for (var i = 0; i <= lower.Length; i++)
        {
            if (i < lower.Length && lower[i] is (>= 'a' and <= 'z') or (>= '0' and <= '9'))
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                var word = lower[start..i];
                words.Add(Tokens == RougeTokens.EnglishStemmed && word.Length > 3 ? PorterStemmer.Stem(word) : word);
                start = -1;
            }
        }

        return words;
    }

    private static int[,] Table(int[] right, int[] said)
    {
        var table = new int[right.Length + 1, said.Length + 1];
        for (var i = 1; i <= right.Length; i++)
        {
            for (var j = 1; j <= said.Length; j++)
            {
                table[i, j] = right[i - 1] == said[j - 1] ? table[i - 1, j - 1] + 1 : Math.Max(table[i - 1, j], table[i, j - 1]);
            }
        }

        return table;
    }

    private static IEnumerable<int> Members(int[] right, int[] said)
    {
        var table = Table(right, said);
        int i = right.Length, j = said.Length;
        while (i > 0 && j > 0)
        {
            if (right[i - 1] == said[j - 1])
            {
                yield return i - 1;
                i--;
                j--;
            }
            else if (table[i, j - 1] > table[i - 1, j])
            {
                j--;
            }
            else
            {
                i--;
            }
        }
    }
}
