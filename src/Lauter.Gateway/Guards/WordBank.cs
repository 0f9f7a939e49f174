using Lauter.Data.Text;

namespace Lauter.Gateway.Guards;

/// <summary>
/// Finds any of many words in one pass (Aho and Corasick, 1975). Matching is on half-width lower-case text. A word of Latin letters or digits
/// must stand alone; Han text has no borders. Building is linear in the bank, searching in the text, whatever the number of words.
/// </summary>
/// <remarks>Immutable and safe for concurrent use. About 20 bytes a character of the bank.</remarks>
public sealed class WordBank
{
    /// <summary>Longest word in characters.</summary>
    public const int MaximumLength = 256;

    private const int Root = 0;
    private readonly int[] _first = new int[char.MaxValue + 1];
    private readonly ulong[] _keys;
    private readonly int[] _next;
    private readonly int _mask;
    private readonly int[] _fail;
    private readonly int[] _word;   // length of the word that ends here, 0 = none
    private readonly int[] _output; // nearest state on the failure path where a word ends, 0 = none

    /// <param name="words">The words; empty ones and repetitions are passed over.</param>
    /// <exception cref="ArgumentException">A word is longer than <see cref="MaximumLength"/>.</exception>
    public WordBank(IEnumerable<string> words)
    {
        var folded = words.Select(w => Fold(w).Trim()).Where(w => w.Length > 0).Distinct(StringComparer.Ordinal).ToArray();
        if (Array.Find(folded, w => w.Length > MaximumLength) is { } tooLong)
        {
            throw new ArgumentException($"The word '{tooLong[..32]}…' has {tooLong.Length} characters, more than {MaximumLength}.", nameof(words));
        }

        Count = folded.Length;
        Longest = folded.Length == 0 ? 0 : folded.Max(w => w.Length);
        var most = folded.Sum(w => w.Length) + 1;
        var capacity = 1 << (32 - int.LeadingZeroCount(Math.Max(4, most) * 2));
        (_keys, _next, _mask) = (new ulong[capacity], new int[capacity], capacity - 1);
        List<int> parent = [0];
        List<char> by = ['\0'];
        List<int> ends = [0];
        foreach (var word in folded)
        {
            var state = Root;
            foreach (var c in word)
            {
                var next = Step(state, c);
                if (next == 0)
                {
                    next = ends.Count;
                    ends.Add(0);
                    parent.Add(state);
                    by.Add(c);
                    Link(state, c, next);
                }

                state = next;
            }

            ends[state] = word.Length;
        }

        _word = [.. ends];
        _fail = new int[_word.Length];
        _output = new int[_word.Length];
        Fail(parent, by);
    }

    /// <summary>How many words it holds.</summary>
    public int Count { get; }

    /// <summary>Characters of the longest word.</summary>
    public int Longest { get; }

    /// <summary>Every word in <paramref name="text"/>, with its place; where words overlap, the one that ends first counts.</summary>
    public IReadOnlyList<(int Start, int Length)> Find(string text)
    {
        List<(int, int)>? found = null;
        var folded = Fold(text);
        var state = Root;
        var free = 0;
        for (var i = 0; i < folded.Length; i++)
        {
            state = Advance(state, folded[i]);
            for (var at = _word[state] > 0 ? state : _output[state]; at != 0; at = _output[at])
            {
                var start = i + 1 - _word[at];
                if (start >= free && StandsAlone(folded, start, i + 1))
                {
                    (found ??= []).Add((start, _word[at]));
                    free = i + 1;
                    break;
                }
            }
        }

        return found ?? (IReadOnlyList<(int, int)>)[];
    }

    private static string Fold(string text) => TextFolding.HalfWidth(text).ToLowerInvariant();

    private static bool StandsAlone(string text, int start, int end) =>
        !(IsLatin(text[start]) && start > 0 && IsLatin(text[start - 1])) && !(IsLatin(text[end - 1]) && end < text.Length && IsLatin(text[end]));

    private static bool IsLatin(char c) => char.IsAsciiLetterOrDigit(c) || c is >= '\u00C0' and <= '\u024F';

    private int Advance(int state, char c)
    {
        while (true)
        {
            var next = Step(state, c);
            if (next != 0 || state == Root)
            {
                return next;
            }

            state = _fail[state];
        }
    }

    private void Fail(List<int> parent, List<char> by)
    {
        // States by depth: a parent's failure link is known before its children's.
        var depth = new int[_word.Length];
        for (var s = 1; s < depth.Length; s++)
        {
            depth[s] = depth[parent[s]] + 1; // a state is made after its parent
        }

        foreach (var s in Enumerable.Range(1, depth.Length - 1).OrderBy(s => depth[s]))
        {
            _fail[s] = parent[s] == Root ? Root : Advance(_fail[parent[s]], by[s]);
            _output[s] = _word[_fail[s]] > 0 ? _fail[s] : _output[_fail[s]];
        }
    }

    private int Step(int state, char c)
    {
        if (state == Root)
        {
            return _first[c];
        }

        var key = ((ulong)(uint)state << 16) | c;
        for (var i = Slot(key); ; i = (i + 1) & _mask)
        {
            if (_keys[i] == key)
            {
                return _next[i];
            }

            if (_keys[i] == 0)
            {
                return 0;
            }
        }
    }

    private void Link(int state, char c, int next)
    {
        if (state == Root)
        {
            _first[c] = next;
            return;
        }

        var key = ((ulong)(uint)state << 16) | c;
        var i = Slot(key);
        while (_keys[i] != 0)
        {
            i = (i + 1) & _mask;
        }

        (_keys[i], _next[i]) = (key, next);
    }

    private int Slot(ulong key) => (int)((key * 0x9E3779B97F4A7C15) >> 40) & _mask;
}
