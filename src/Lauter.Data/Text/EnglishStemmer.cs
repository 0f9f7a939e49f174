using System.Collections.Concurrent;

namespace Lauter.Data.Text;

/// <summary>
/// The Porter2 (Snowball English) stemmer, after the algorithm's published description at snowballstem.org/algorithms/english. Words
/// with anything but a–z and apostrophes come back unchanged. Thread-safe.
/// </summary>
public static class EnglishStemmer
{
    private static readonly Dictionary<string, string> Exceptions = new(StringComparer.Ordinal)
    {
        ["skis"] = "ski", ["skies"] = "sky", ["dying"] = "die", ["lying"] = "lie", ["tying"] = "tie", ["idly"] = "idl", ["gently"] = "gentl", ["ugly"] = "ugli", ["early"] = "earli", ["only"] = "onli",
        ["singly"] = "singl", ["sky"] = "sky", ["news"] = "news", ["howe"] = "howe", ["atlas"] = "atlas", ["cosmos"] = "cosmos",
        ["bias"] = "bias", ["andes"] = "andes",
    };

    private static readonly HashSet<string> AfterStep1A = new(StringComparer.Ordinal) { "inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed" };

    private static readonly (string Suffix, string Replacement)[] Step2 =
    [
        ("ization", "ize"), ("ational", "ate"), ("fulness", "ful"), ("ousness", "ous"), ("iveness", "ive"), ("tional", "tion"), ("biliti", "ble"),
        ("lessli", "less"), ("entli", "ent"), ("ation", "ate"), ("alism", "al"), ("aliti", "al"), ("ousli", "ous"), ("iviti", "ive"), ("fulli", "ful"),
        ("ogist", "og"), ("enci", "ence"), ("anci", "ance"), ("abli", "able"), ("izer", "ize"), ("ator", "ate"), ("alli", "al"), ("bli", "ble"), ("ogi", "og"), ("li", ""),
    ];

    private static readonly (string Suffix, string Replacement)[] Step3 =
    [
        ("ational", "ate"), ("tional", "tion"), ("alize", "al"), ("icate", "ic"), ("iciti", "ic"), ("ative", ""), ("ical", "ic"), ("ness", ""), ("ful", ""),
    ];

    private static readonly string[] Step4 =
        ["ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "ion", "al", "er", "ic"];

    /// <summary>Words recur: most are answered from here. Full, it stays as it is, which bounds its memory and costs only speed.</summary>
    private static readonly ConcurrentDictionary<string, string> Known = new(StringComparer.Ordinal);

    private const int MostKnown = 50_000;

    /// <summary>The stem of a lower-case word.</summary>
    public static string Stem(string word)
    {
        if (word.Length <= 2)
        {
            return word;
        }

        if (Known.TryGetValue(word, out var known))
        {
            return known;
        }

        var stem = Compute(word);
        if (_knownCount < MostKnown && Known.TryAdd(word, stem))
        {
            Interlocked.Increment(ref _knownCount);
        }

        return stem;
    }

    private static int _knownCount;

    private static string Compute(string word)
    {

        foreach (var c in word)
        {
            if (c is not ((>= 'a' and <= 'z') or '\'' or '\u2019'))
            {
                return word;
            }
        }

        if (Exceptions.TryGetValue(word, out var exception))
        {
            return exception;
        }

        var w = word.Replace('\u2019', '\'').TrimStart('\'').ToCharArray();
        for (var i = 0; i < w.Length; i++)
        {
            // Y marks a y that is a consonant: at the start, or after a vowel.
            if (w[i] == 'y' && (i == 0 || IsVowel(w[i - 1])))
            {
                w[i] = 'Y';
            }
        }

        var s = new string(w);
        var (r1, r2) = Regions(s);
        s = Step0(s);
        s = Step1A(s);
        if (AfterStep1A.Contains(s))
        {
            return s;
        }

        s = Step1B(s, r1);
        s = Step1C(s);
        s = ReplaceLongest(s, Step2, r1, r2, second: true);
        s = ReplaceLongest(s, Step3, r1, r2, second: false);
        s = RunStep4(s, r2);
        s = Step5(s, r1, r2);
        return s.ToLowerInvariant();
    }

    private static bool IsVowel(char c) => c is 'a' or 'e' or 'i' or 'o' or 'u' or 'y';

    private static (int R1, int R2) Regions(string s)
    {
        var r1 = s.StartsWith("gener", StringComparison.Ordinal) ? 5
            : s.StartsWith("commun", StringComparison.Ordinal) ? 6
            : s.StartsWith("arsen", StringComparison.Ordinal) ? 5
            : AfterVowelConsonant(s, 0);
        return (r1, AfterVowelConsonant(s, r1));
    }

    private static int AfterVowelConsonant(string s, int from)
    {
        for (var i = from + 1; i < s.Length; i++)
        {
            if (!IsVowel(s[i]) && IsVowel(s[i - 1]))
            {
                return i + 1;
            }
        }

        return s.Length;
    }

    private static string Step0(string s) =>
        s.EndsWith("'s'", StringComparison.Ordinal) ? s[..^3] : s.EndsWith("'s", StringComparison.Ordinal) ? s[..^2] : s.EndsWith('\'') ? s[..^1] : s;

    private static string Step1A(string s)
    {
        if (s.EndsWith("sses", StringComparison.Ordinal))
        {
            return s[..^2];
        }

        if (s.EndsWith("ied", StringComparison.Ordinal) || s.EndsWith("ies", StringComparison.Ordinal))
        {
            return s.Length > 4 ? s[..^2] : s[..^1];
        }

        if (s.EndsWith("us", StringComparison.Ordinal) || s.EndsWith("ss", StringComparison.Ordinal) || !s.EndsWith('s'))
        {
            return s;
        }

        for (var i = 0; i < s.Length - 2; i++)
        {
            if (IsVowel(s[i]))
            {
                return s[..^1];
            }
        }

        return s;
    }

    private static string Step1B(string s, int r1)
    {
        foreach (var suffix in (ReadOnlySpan<string>)["eedly", "eed"])
        {
            if (s.EndsWith(suffix, StringComparison.Ordinal))
            {
                return s.Length - suffix.Length >= r1 ? string.Concat(s.AsSpan(0, s.Length - suffix.Length), "ee") : s;
            }
        }

        foreach (var suffix in (ReadOnlySpan<string>)["ingly", "edly", "ing", "ed"])
        {
            if (!s.EndsWith(suffix, StringComparison.Ordinal))
            {
                continue;
            }

            var stem = s[..^suffix.Length];
            if (!stem.Any(IsVowel))
            {
                return s;
            }

            if (stem.EndsWith("at", StringComparison.Ordinal) || stem.EndsWith("bl", StringComparison.Ordinal) || stem.EndsWith("iz", StringComparison.Ordinal))
            {
                return stem + "e";
            }

            if (stem.Length > 1 && stem[^1] == stem[^2] && stem[^1] is 'b' or 'd' or 'f' or 'g' or 'm' or 'n' or 'p' or 'r' or 't')
            {
                return stem[..^1];
            }

            return IsShort(stem, r1) ? stem + "e" : stem;
        }

        return s;
    }

    private static bool IsShort(string s, int r1) => s.Length <= r1 && EndsInShortSyllable(s);

    private static bool EndsInShortSyllable(string s) =>
        s.Length == 2 ? IsVowel(s[0]) && !IsVowel(s[1])
        : s.Length > 2 && !IsVowel(s[^1]) && s[^1] is not ('w' or 'x' or 'Y') && IsVowel(s[^2]) && !IsVowel(s[^3]);

    private static string Step1C(string s) => s.Length > 2 && s[^1] is 'y' or 'Y' && !IsVowel(s[^2]) ? s[..^1] + "i" : s;

    private static string ReplaceLongest(string s, (string Suffix, string Replacement)[] rules, int r1, int r2, bool second)
    {
        foreach (var (suffix, replacement) in rules)
        {
            if (!s.EndsWith(suffix, StringComparison.Ordinal))
            {
                continue;
            }

            var at = s.Length - suffix.Length;
            var allowed = at >= r1 && suffix switch
            {
                "ogi" => at > 0 && s[at - 1] == 'l',
                "li" => at > 0 && s[at - 1] is 'c' or 'd' or 'e' or 'g' or 'h' or 'k' or 'm' or 'n' or 'r' or 't',
                "ative" when !second => at >= r2,
                _ => true,
            };
            return allowed ? string.Concat(s.AsSpan(0, at), replacement) : s;
        }

        return s;
    }

    private static string RunStep4(string s, int r2)
    {
        foreach (var suffix in Step4)
        {
            if (!s.EndsWith(suffix, StringComparison.Ordinal))
            {
                continue;
            }

            var at = s.Length - suffix.Length;
            var allowed = at >= r2 && (!string.Equals(suffix, "ion", StringComparison.Ordinal) || (at > 0 && s[at - 1] is 's' or 't'));
            return allowed ? s[..at] : s;
        }

        return s;
    }

    private static string Step5(string s, int r1, int r2)
    {
        var at = s.Length - 1;
        if (s.EndsWith('e'))
        {
            return at >= r2 || (at >= r1 && !EndsInShortSyllable(s[..^1])) ? s[..^1] : s;
        }

        return s.EndsWith("ll", StringComparison.Ordinal) && at >= r2 ? s[..^1] : s;
    }
}
