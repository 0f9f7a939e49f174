using System.Runtime.InteropServices;

namespace Lauter.Models.Tokens;

/// <summary>How often each neighbouring pair of tokens occurs, kept exact through merges.</summary>
internal sealed class PairCounts
{
    private readonly List<Word> _words;
    private readonly Dictionary<long, long> _counts = [];
    private readonly Dictionary<long, List<int>> _where = [];
    private readonly PriorityQueue<long, (long Count, long Pair)> _queue;
    private readonly HashSet<long> _touched = [];

    public PairCounts(List<Word> words)
    {
        _words = words;
        for (var index = 0; index < words.Count; index++)
        {
            var word = words[index];
            for (var i = 1; i < word.Length; i++)
            {
                Change(Pair(word.Tokens[i - 1], word.Tokens[i]), word.Count, index);
            }
        }

        _queue = new PriorityQueue<long, (long Count, long Pair)>(
            _counts.Select(entry => (entry.Key, (entry.Value, entry.Key))),
            Comparer<(long Count, long Pair)>.Create((a, b) => a.Count != b.Count ? b.Count.CompareTo(a.Count) : a.Pair.CompareTo(b.Pair)));
        _touched.Clear();
    }

    public sealed class Word(int[] tokens, long count)
    {
        public int[] Tokens { get; } = tokens;

        public int Length { get; set; } = tokens.Length;

        public long Count { get; } = count;
    }

    /// <summary>Takes the pair with the highest count; among equals the one with the smallest ids.</summary>
    public bool TryTakeMostFrequent(long least, out int left, out int right)
    {
        while (_queue.TryDequeue(out var pair, out var queued))
        {
            var count = _counts.GetValueOrDefault(pair);
            if (count != queued.Count)
            {
                // The count has changed since: queue the pair again where it belongs now.
                if (count >= least)
                {
                    _queue.Enqueue(pair, (count, pair));
                }

                continue;
            }

            if (count < least)
            {
                break;
            }

            (left, right) = ((int)(pair >> 32), (int)(pair & 0xFFFFFFFF));
            return true;
        }

        (left, right) = (0, 0);
        return false;
    }

    /// <summary>Replaces the pair by one token everywhere.</summary>
    public void Merge(int left, int right, int merged)
    {
        var pair = Pair(left, right);
        if (!_where.Remove(pair, out var places))
        {
            return;
        }

        foreach (var index in places)
        {
            Merge(_words[index], index, left, right, merged);
        }

        _counts.Remove(pair);
        _touched.Remove(pair);
        foreach (var changed in _touched)
        {
            if (_counts.TryGetValue(changed, out var count) && count > 0)
            {
                _queue.Enqueue(changed, (count, changed));
            }
        }

        _touched.Clear();
    }

    private void Merge(Word word, int index, int left, int right, int merged)
    {
        var tokens = word.Tokens;
        var written = 0;
        for (var read = 0; read < word.Length; read++)
        {
            if (tokens[read] != left || read + 1 >= word.Length || tokens[read + 1] != right)
            {
                tokens[written++] = tokens[read];
                continue;
            }

            if (written > 0)
            {
                Change(Pair(tokens[written - 1], left), -word.Count, index);
                Change(Pair(tokens[written - 1], merged), word.Count, index);
            }

            if (read + 2 < word.Length)
            {
                Change(Pair(right, tokens[read + 2]), -word.Count, index);
                Change(Pair(merged, tokens[read + 2]), word.Count, index);
            }

            tokens[written++] = merged;
            read++;
        }

        word.Length = written;
    }

    private void Change(long pair, long by, int word)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _) += by;
        if (by <= 0)
        {
            return;
        }

        // A pair whose count only fell is found by its stale entry in the queue; one that rose needs a new entry.
        _touched.Add(pair);
        ref var places = ref CollectionsMarshal.GetValueRefOrAddDefault(_where, pair, out _);
        places ??= [];
        if (places.Count == 0 || places[^1] != word)
        {
            places.Add(word);
        }
    }

    private static long Pair(int left, int right) => ((long)left << 32) | (uint)right;
}
