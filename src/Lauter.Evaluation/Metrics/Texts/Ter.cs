using System.Globalization;
using System.Text;

namespace Lauter.Evaluation.Metrics.Texts;

/// <summary>
/// Translation edit rate (Snover et al. 2006) as sacrebleu 2.6.0 computes it: edits with shifts of blocks, against the mean reference
/// length, times 100; lower is better and 100 is not the worst. Immutable, thread-safe.
/// </summary>
public sealed record Ter
{
    /// <summary>Cuts punctuation from words.</summary>
    public bool Normalized { get; init; }

    /// <summary>Removes punctuation.</summary>
    public bool NoPunctuation { get; init; }

    /// <summary>Cuts Chinese and Japanese into characters (with <see cref="Normalized"/>): without both, a Chinese sentence is one word.</summary>
    public bool AsianSupport { get; init; }

    /// <summary>Keeps case; by default both sides are lower-cased.</summary>
    public bool CaseSensitive { get; init; }

    /// <summary>As sacrebleu prints it.</summary>
    public string Signature(int? references) =>
        $"nrefs:{Bleu.References(references)}|case:{(CaseSensitive ? "mixed" : "lc")}|tok:tercom|norm:{YesNo(Normalized)}|punct:{YesNo(!NoPunctuation)}|asian:{YesNo(AsianSupport)}|version:2.6.0";

    /// <summary>Edits against the best reference, and the mean length of the references.</summary>
    public (double Edits, double ReferenceLength) Count(string hypothesis, IEnumerable<string?> references)
    {
        var said = Words(hypothesis);
        double length = 0;
        var best = int.MaxValue;
        var count = 0;
        foreach (var reference in references)
        {
            if (reference is null)
            {
                continue;
            }

            var right = Words(reference);
            best = Math.Min(best, ShiftedEdits.Count(said, right));
            length += right.Length;
            count++;
        }

        return count == 0 ? (said.Length, 0) : (best, length / count);
    }

    /// <summary>The rate: edits for 100 reference words. With no reference word 100 when there was an edit, else 0.</summary>
    public static double Score(double edits, double referenceLength) =>
        100 * (referenceLength > 0 ? edits / referenceLength : edits > 0 ? 1 : 0);

    private static string YesNo(bool value) => value ? "yes" : "no";

    private string[] Words(string line)
    {
        var text = PythonText.TrimEnd(line);
        text = CaseSensitive ? text : PythonText.Lower(text);
        if (Normalized)
        {
            text = NormaliseWestern(text);
            text = AsianSupport ? NormaliseAsian(text) : text;
        }

        if (NoPunctuation)
        {
            text = Without(text, c => ".,?:;!\"()".Contains(c));
            text = AsianSupport ? Without(text, c => IsAsianPunctuation(c) || IsFullWidthPunctuation(c)) : text;
        }

        return [.. PythonText.Split(text)];
    }

    private static string Without(string text, Func<char, bool> dropped) => string.Concat(text.Where(c => !dropped(c)));

    private static string NormaliseWestern(string text)
    {
        text = text.Replace("\n-", "").Replace('\n', ' ').Replace("&quot;", "\"").Replace("&amp;", "&").Replace("&lt;", "<").Replace("&gt;", ">");
        var spaced = new StringBuilder(text.Length * 2);
        foreach (var c in $" {text} ")
        {
            _ = c is >= '{' and <= '~' or >= '[' and <= '`' or >= ' ' and <= '&' or >= '(' and <= '+' or >= ':' and <= '@' or '/'
                ? spaced.Append(' ').Append(c).Append(' ')
                : spaced.Append(c);
        }

        var joined = spaced.ToString().Replace("'s ", " 's ");
        joined = joined.EndsWith("'s", StringComparison.Ordinal) ? joined[..^2] + " 's" : joined;
        return BleuTokenizers.PeriodsAndDashes(joined);
    }

    private static string NormaliseAsian(string text)
    {
        var spaced = new StringBuilder(text.Length * 2);
        foreach (var c in text)
        {
            var alone = c is >= '\u4e00' and <= '\u9fff' or >= '\u3400' and <= '\u4dbf' or >= '\u31c0' and <= '\u31ef' or >= '\u2e80' and <= '\u2eff'
                or >= '\u3300' and <= '\u33ff' or >= '\uf900' and <= '\ufaff' or >= '\ufe30' and <= '\ufe4f' or >= '\u3200' and <= '\u3f22'
                || IsAsianPunctuation(c) || IsFullWidthPunctuation(c);
            _ = alone ? spaced.Append(' ').Append(c).Append(' ') : spaced.Append(c);
        }

        return spaced.ToString();
    }

    private static bool IsAsianPunctuation(char c) =>
        c is '\u3001' or '\u3002' or (>= '\u3008' and <= '\u3011') or (>= '\u3014' and <= '\u301f') or (>= '\uff61' and <= '\uff65') or '\u30fb';

    private static bool IsFullWidthPunctuation(char c) => c is '\uff0e' or '\uff0c' or '\uff1f' or '\uff1a' or '\uff1b' or '\uff01' or '\uff02' or '\uff08' or '\uff09';
}
