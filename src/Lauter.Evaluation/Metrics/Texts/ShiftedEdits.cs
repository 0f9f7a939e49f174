namespace Lauter.Evaluation.Metrics.Texts;

/// <summary>
/// Fewest edits that turn a hypothesis into a reference when moving a block of words counts as one edit: greedy shifts, ranked as Tercom
/// ranks them, over a beam-limited edit distance.
/// <code>
/// distance + alignment ─► every matching block at another place ─► best move ─► repeat while it saves edits
/// </code>
/// </summary>
internal static class ShiftedEdits
{
    private const int MaximumBlock = 10;
    private const int MaximumDistance = 50;
    private const int MaximumCandidates = 1_000;

    public static int Count(string[] hypothesis, string[] reference)
    {
        if (reference.Length == 0)
        {
            return hypothesis.Length;
        }

        var ids = new NGramIds();
        int[] said = ids.Symbols(hypothesis), right = ids.Symbols(reference);
        var distance = new BeamDistance(right, said.Length);
        int shifts = 0, candidates = 0;
        while (true)
        {
            var (saved, moved) = BestShift(said, right, distance, ref candidates);
            if (candidates >= MaximumCandidates || saved <= 0)
            {
                break;
            }

            shifts++;
            said = moved;
        }

        return shifts + distance.Of(said);
    }

    private static (int Saved, int[] Words) BestShift(int[] said, int[] right, BeamDistance distance, ref int candidates)
    {
        var before = distance.Of(said);
        var alignment = Alignment.Of(distance.Operations(said.Length), said.Length, right.Length);
        (int Saved, int Length, int Start, int Target)? best = null;
        var bestWords = said;
        foreach (var (start, at, length) in Blocks(said, right))
        {
            // Only where the hypothesis is wrong and the reference lacks the block at the place it would go to.
            if (!alignment.SaidWrong.AsSpan(start, length).Contains(true) || !alignment.RightMissing.AsSpan(at, length).Contains(true))
            {
                continue;
            }

            if (start <= alignment.At[at] && alignment.At[at] < start + length)
            {
                continue;
            }

            var previous = -1;
            for (var offset = -1; offset < length; offset++)
            {
                if (at + offset >= right.Length)
                {
                    break;
                }

                var target = at + offset == -1 ? 0 : alignment.At[at + offset] + 1;
                if (target == previous)
                {
                    continue;
                }

                previous = target;
                var moved = Move(said, start, length, target);
                var candidate = (before - distance.Of(moved), length, -start, -target);
                candidates++;
                if (best is null || candidate.CompareTo(best.Value) > 0)
                {
                    (best, bestWords) = (candidate, moved);
                }
            }

            if (candidates >= MaximumCandidates)
            {
                break;
            }
        }

        return best is { } found ? (found.Saved, bestWords) : (0, said);
    }

    private static IEnumerable<(int Start, int At, int Length)> Blocks(int[] said, int[] right)
    {
        for (var start = 0; start < said.Length; start++)
        {
            for (var at = 0; at < right.Length; at++)
            {
                if (Math.Abs(at - start) > MaximumDistance)
                {
                    continue;
                }

                for (var length = 1; length <= MaximumBlock && start + length <= said.Length && at + length <= right.Length; length++)
                {
                    if (said[start + length - 1] != right[at + length - 1])
                    {
                        break;
                    }

                    yield return (start, at, length);
                }
            }
        }
    }

    private static int[] Move(int[] words, int start, int length, int target)
    {
        if (target < start)
        {
            return [.. words[..target], .. words[start..(start + length)], .. words[target..start], .. words[(start + length)..]];
        }

        // Behind the block, or into itself: then the words after it close up and it lands as far as there are words.
        var behind = target > start + length ? target : Math.Min(length + target, words.Length);
        return [.. words[..start], .. words[(start + length)..behind], .. words[start..(start + length)], .. words[behind..]];
    }

    /// <summary>Where each reference word stands in the hypothesis, and which words of either side are part of an edit.</summary>
    private sealed record Alignment(int[] At, bool[] SaidWrong, bool[] RightMissing)
    {
        public static Alignment Of(IEnumerable<Edit> operations, int said, int right)
        {
            var alignment = new Alignment(new int[right], new bool[said], new bool[right]);
            int s = -1, r = -1;
            foreach (var operation in operations)
            {
                switch (operation)
                {
                    case Edit.Keep or Edit.Replace:
                        s++;
                        r++;
                        alignment.At[r] = s;
                        alignment.SaidWrong[s] = alignment.RightMissing[r] = operation == Edit.Replace;
                        break;
                    case Edit.Drop:
                        alignment.SaidWrong[++s] = true;
                        break;
                    default:
                        alignment.At[++r] = s;
                        alignment.RightMissing[r] = true;
                        break;
                }
            }

            return alignment;
        }
    }
}

/// <summary>One step from the hypothesis to the reference.</summary>
internal enum Edit : byte
{
    /// <summary>Not reached.</summary>
    None,

    /// <summary>The same word.</summary>
    Keep,

    /// <summary>Another word.</summary>
    Replace,

    /// <summary>A word of the hypothesis is too much.</summary>
    Drop,

    /// <summary>A word of the reference is missing.</summary>
    Insert,
}

/// <summary>
/// Edit distance inside a band along the diagonal. Hypotheses asked about one after the other share their beginnings, so rows of a
/// common prefix are kept.
/// </summary>
internal sealed class BeamDistance
{
    private const int Beam = 25;
    private const int Unreached = int.MaxValue / 2;

    private readonly int[] _reference;
    private readonly int[][] _costs;
    private readonly Edit[][] _edits;
    private readonly int _beam;
    private readonly double _ratio;
    private readonly int[] _last;
    private int _valid;

    /// <param name="reference">The reference's words.</param>
    /// <param name="length">Words of every hypothesis that will be asked about.</param>
    public BeamDistance(int[] reference, int length)
    {
        _reference = reference;
        _last = new int[length];
        _ratio = length == 0 ? 1 : reference.Length / (double)length;
        _beam = Beam < _ratio / 2 ? (int)Math.Ceiling((_ratio / 2) + Beam) : Beam;
        _costs = [.. Enumerable.Range(0, length + 1).Select(_ => new int[reference.Length + 1])];
        _edits = [.. Enumerable.Range(0, length + 1).Select(_ => new Edit[reference.Length + 1])];
        for (var j = 0; j <= reference.Length; j++)
        {
            _costs[0][j] = j;
            _edits[0][j] = Edit.Insert;
        }
    }

    /// <summary>Edits from <paramref name="words"/> to the reference.</summary>
    public int Of(int[] words)
    {
        var same = 0;
        while (same < _valid && words[same] == _last[same])
        {
            same++;
        }

        for (var i = same + 1; i <= words.Length; i++)
        {
            Row(i, words);
        }

        words.CopyTo(_last, 0);
        _valid = words.Length;
        return _costs[words.Length][_reference.Length];
    }

    /// <summary>The edits behind the last answer of <see cref="Of"/>, first to last.</summary>
    public IReadOnlyList<Edit> Operations(int length)
    {
        var trace = new List<Edit>();
        int i = length, j = _reference.Length;
        while (i > 0 || j > 0)
        {
            var edit = _edits[i][j];
            trace.Add(edit);
            i -= edit is Edit.Insert ? 0 : 1;
            j -= edit is Edit.Drop ? 0 : 1;
        }

        trace.Reverse();
        return trace;
    }

    private void Row(int i, int[] words)
    {
        int[] above = _costs[i - 1], row = _costs[i];
        var edits = _edits[i];
        Array.Fill(row, Unreached);
        Array.Clear(edits);
        var diagonal = (int)Math.Floor(i * _ratio);
        var from = Math.Max(0, diagonal - _beam);
        var to = i == words.Length ? _reference.Length + 1 : Math.Min(_reference.Length + 1, diagonal + _beam);
        for (var j = from; j < to; j++)
        {
            if (j == 0)
            {
                (row[0], edits[0]) = (above[0] + 1, Edit.Drop);
                continue;
            }

            // Ties: keep or replace, then drop, then insert; the alignment, and with it the shifts tried, depend on it.
            var same = words[i - 1] == _reference[j - 1];
            var (cost, edit) = (above[j - 1] + (same ? 0 : 1), same ? Edit.Keep : Edit.Replace);
            if (above[j] + 1 < cost)
            {
                (cost, edit) = (above[j] + 1, Edit.Drop);
            }

            if (row[j - 1] + 1 < cost)
            {
                (cost, edit) = (row[j - 1] + 1, Edit.Insert);
            }

            if (cost < Unreached)
            {
                (row[j], edits[j]) = (cost, edit);
            }
        }
    }
}
