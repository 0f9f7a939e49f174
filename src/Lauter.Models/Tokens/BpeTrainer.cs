using System.Runtime.InteropServices;
using System.Text;

namespace Lauter.Models.Tokens;

/// <summary>
/// Learns a byte-level vocabulary by merging the most frequent neighbouring pair again and again (Sennrich et al. 2016). Counts are kept up to date where a merge
/// happens, and a queue holds pairs with the count they had when queued; ties go to the smaller ids, so the result depends on the texts alone.
/// </summary>
public static class BpeTrainer
{
    private const int LeastCount = 2;

    /// <summary>Learns a vocabulary.</summary>
    /// <param name="texts">The corpus, read once.</param>
    /// <param name="vocabularySize">Tokens wanted, special tokens and the 256 bytes included; fewer come out when the texts have no more pairs that occur twice.</param>
    /// <param name="specialTokens">Control tokens, distinct; they get the first ids, in this order.</param>
    /// <param name="cancellationToken">Stops the learning.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size leaves no room for special tokens and bytes, or is above 1,000,000.</exception>
    public static BpeVocabulary Train(IEnumerable<string> texts, int vocabularySize, IReadOnlyList<string> specialTokens, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(specialTokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, specialTokens.Count + 256);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(vocabularySize, 1_000_000);
        var vocabulary = new BpeVocabulary(specialTokens);
        var words = Words(texts, vocabulary, cancellationToken);
        var pairs = new PairCounts(words);
        while (vocabulary.Count < vocabularySize && pairs.TryTakeMostFrequent(LeastCount, out var left, out var right))
        {
            cancellationToken.ThrowIfCancellationRequested();
            pairs.Merge(left, right, vocabulary.AddMerge(left, right));
        }

        return vocabulary;
    }

    /// <summary>Distinct runs in order of first appearance, as byte tokens with their counts.</summary>
    private static List<PairCounts.Word> Words(IEnumerable<string> texts, BpeVocabulary vocabulary, CancellationToken cancellationToken)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        var look = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var text in texts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            PreTokenizer.Split(text, (whole, start, length) =>
                CollectionsMarshal.GetValueRefOrAddDefault(look, whole.AsSpan(start, length), out _)++);
        }

        var words = new List<PairCounts.Word>(counts.Count);
        foreach (var (run, count) in counts)
        {
            var bytes = Encoding.UTF8.GetBytes(run);
            if (bytes.Length > 1)
            {
                words.Add(new PairCounts.Word(Array.ConvertAll(bytes, vocabulary.IdOfByte), count));
            }
        }

        return words;
    }
}
