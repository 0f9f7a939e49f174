namespace Lauter.Evaluation.Metrics.Rankings;

/// <summary>What a grade is worth in DCG. Part of the signature: the two forms differ by points.</summary>
public enum Gain
{
    /// <summary>The grade itself (trec_eval, scikit-learn).</summary>
    Linear,

    /// <summary>2^grade - 1.</summary>
    Exponential,
}

/// <summary>
/// One ranked list against graded judgements. Relevant: grade 1 or more; documents without a judgement and negative grades are worth
/// 0; the ideal list is made of everything judged. Every value is 0 when nothing is relevant.
/// </summary>
public sealed class Ranking
{
    private readonly double[] _grades;
    private readonly double[] _ideal;
    private readonly int _relevant;

    /// <param name="ranked">Documents, best first.</param>
    /// <param name="judgements">Grade by document.</param>
    public Ranking(IEnumerable<string> ranked, IReadOnlyDictionary<string, double> judgements)
    {
        _grades = [.. ranked.Select(d => Math.Max(0, judgements.GetValueOrDefault(d)))];
        _ideal = [.. judgements.Values.Select(g => Math.Max(0, g)).OrderDescending()];
        _relevant = judgements.Values.Count(g => g >= 1);
    }

    /// <summary>Sorts by score, equal scores by document id descending, as trec_eval does whatever the order given.</summary>
    /// <param name="scores">Score by document.</param>
    /// <param name="singlePrecision">Compares scores as 32-bit floats, as trec_eval does.</param>
    public static IReadOnlyList<string> Order(IReadOnlyDictionary<string, double> scores, bool singlePrecision = false) =>
    [
        .. scores.OrderByDescending(s => singlePrecision ? (float)s.Value : s.Value).ThenByDescending(s => s.Key, StringComparer.Ordinal).Select(s => s.Key),
    ];

    /// <summary>Σ gain / log2(rank + 1) over the first <paramref name="k"/> (default all).</summary>
    public double Dcg(Gain gain, int k = int.MaxValue) => Dcg(_grades, gain, k);

    /// <summary>DCG ÷ DCG of the ideal list.</summary>
    public double Ndcg(Gain gain, int k = int.MaxValue)
    {
        var ideal = Dcg(_ideal, gain, k);
        return ideal > 0 ? Dcg(_grades, gain, k) / ideal : 0;
    }

    /// <summary>Relevant documents among the first <paramref name="k"/> ÷ all relevant ones.</summary>
    public double Recall(int k) => _relevant == 0 ? 0 : Hits(k) / (double)_relevant;

    /// <summary>Relevant documents among the first <paramref name="k"/> ÷ k, also when there are fewer results.</summary>
    public double Precision(int k) => Hits(k) / (double)k;

    /// <summary>1 when a relevant document is among the first <paramref name="k"/>.</summary>
    public double Hit(int k) => Hits(k) > 0 ? 1 : 0;

    /// <summary>1 ÷ rank of the first relevant document, 0 without one in the first <paramref name="k"/>.</summary>
    public double ReciprocalRank(int k = int.MaxValue)
    {
        for (var i = 0; i < Math.Min(k, _grades.Length); i++)
        {
            if (_grades[i] >= 1)
            {
                return 1.0 / (i + 1);
            }
        }

        return 0;
    }

    /// <summary>Mean over all relevant documents of the precision where each stands; one that is not in the first <paramref name="k"/> adds 0.</summary>
    public double AveragePrecision(int k = int.MaxValue)
    {
        double sum = 0;
        var hits = 0;
        for (var i = 0; i < Math.Min(k, _grades.Length); i++)
        {
            if (_grades[i] >= 1)
            {
                sum += ++hits / (double)(i + 1);
            }
        }

        return _relevant == 0 ? 0 : sum / _relevant;
    }

    /// <summary>Precision at as many documents as are relevant.</summary>
    public double RPrecision() => _relevant == 0 ? 0 : Hits(_relevant) / (double)_relevant;

    private int Hits(int k) => _grades.Take(k).Count(g => g >= 1);

    private static double Dcg(double[] grades, Gain gain, int k)
    {
        double sum = 0;
        for (var i = 0; i < Math.Min(k, grades.Length); i++)
        {
            sum += (gain == Gain.Linear ? grades[i] : Math.Pow(2, grades[i]) - 1) / Math.Log2(i + 2);
        }

        return sum;
    }
}
