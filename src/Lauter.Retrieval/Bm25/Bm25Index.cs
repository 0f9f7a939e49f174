using System.Runtime.InteropServices;

namespace Lauter.Retrieval.Bm25;

/// <summary>
/// An inverted index with BM25 scores in Lucene's form: Σ over query terms of
/// ln(1 + (N − n + 0.5)/(n + 0.5)) · f / (f + k1 (1 − b + b · length/average)). A term that stands twice in the query counts twice.
/// Immutable after building; searching is thread-safe.
/// </summary>
public sealed class Bm25Index
{
    private readonly Dictionary<string, int> _termNumbers;
    private readonly string[] _terms;
    private readonly int[] _offsets;
    private readonly int[] _documents;
    private readonly int[] _frequencies;
    private readonly double[] _norms;

    internal Bm25Index(string[] terms, int[] offsets, int[] documents, int[] frequencies, int[] lengths, Bm25Parameters parameters)
    {
        _terms = terms;
        _offsets = offsets;
        _documents = documents;
        _frequencies = frequencies;
        Lengths = lengths;
        Parameters = parameters;
        _termNumbers = new Dictionary<string, int>(terms.Length, StringComparer.Ordinal);
        for (var i = 0; i < terms.Length; i++)
        {
            _termNumbers.Add(terms[i], i);
        }

        var average = lengths.Length == 0 ? 1 : lengths.Average(length => (double)length);
        _norms = new double[lengths.Length];
        for (var i = 0; i < lengths.Length; i++)
        {
            _norms[i] = parameters.K1 * (1 - parameters.B + (average > 0 ? parameters.B * lengths[i] / average : 0));
        }
    }

    /// <summary>Number of documents.</summary>
    public int Count => Lengths.Length;

    /// <summary>Number of different terms.</summary>
    public int TermCount => _terms.Length;

    /// <summary>Number of (term, document) pairs.</summary>
    public long PostingCount => _documents.Length;

    /// <summary>The constants that scores use.</summary>
    public Bm25Parameters Parameters { get; }

    internal int[] Lengths { get; }

    internal ReadOnlySpan<string> Terms => _terms;

    internal ReadOnlySpan<int> Offsets => _offsets;

    internal ReadOnlySpan<int> Documents => _documents;

    internal ReadOnlySpan<int> Frequencies => _frequencies;

    /// <summary>Builds the index of documents given as term lists; a document's number is its position.</summary>
    public static Bm25Index Build(IEnumerable<IReadOnlyList<string>> documents, Bm25Parameters parameters)
    {
        var postings = new SortedDictionary<string, List<(int Document, int Frequency)>>(StringComparer.Ordinal);
        var lengths = new List<int>();
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var terms in documents)
        {
            counts.Clear();
            foreach (var term in terms)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(counts, term, out _)++;
            }

            foreach (var (term, frequency) in counts)
            {
                if (!postings.TryGetValue(term, out var list))
                {
                    postings.Add(term, list = []);
                }

                list.Add((lengths.Count, frequency));
            }

            lengths.Add(terms.Count);
        }

        var offsets = new int[postings.Count + 1];
        var total = postings.Values.Sum(list => list.Count);
        var numbers = new int[total];
        var frequencies = new int[total];
        int position = 0, index = 0;
        foreach (var list in postings.Values)
        {
            foreach (var (document, frequency) in list)
            {
                numbers[position] = document;
                frequencies[position++] = frequency;
            }

            offsets[++index] = position;
        }

        return new Bm25Index([.. postings.Keys], offsets, numbers, frequencies, [.. lengths], parameters);
    }

    /// <summary>The scores of all documents, indexed by document number; 0 where no query term occurs.</summary>
    public double[] Score(IReadOnlyList<string> query)
    {
        var scores = new double[Count];
        foreach (var term in query)
        {
            if (!_termNumbers.TryGetValue(term, out var number))
            {
                continue;
            }

            int from = _offsets[number], to = _offsets[number + 1];
            double n = to - from;
            var idf = Math.Log(1 + ((Count - n + 0.5) / (n + 0.5)));
            for (var i = from; i < to; i++)
            {
                var document = _documents[i];
                double f = _frequencies[i];
                scores[document] += idf * f / (f + _norms[document]);
            }
        }

        return scores;
    }

    /// <summary>The <paramref name="k"/> best documents with a score above 0, best first, ties by document number.</summary>
    public IReadOnlyList<ScoredItem> Search(IReadOnlyList<string> query, int k) => TopItems.Select(Score(query), k, positiveOnly: true);
}
