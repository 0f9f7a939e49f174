namespace Lauter.Evaluation.Judges;

/// <summary>Who won a pair.</summary>
public enum PairWinner
{
    /// <summary>The judge named none.</summary>
    Unparsed,

    /// <summary>The first answer.</summary>
    First,

    /// <summary>The second answer.</summary>
    Second,

    /// <summary>Neither is better.</summary>
    Tie,

    /// <summary>The judge changed its mind when the order changed.</summary>
    Inconsistent,
}

/// <summary>
/// Reads what a judge wrote. Only the last line of the asked form counts, and what is not of that form is null: an outcome of its own,
/// never a score. A judge that thinks aloud may name scores on the way.
/// </summary>
public static class JudgeReplies
{
    /// <summary>1 to 5, or null.</summary>
    public static int? Score(string reply) => Last(reply, "SCORE") is { } text && int.TryParse(text.Split(['/', '.', ' '])[0], out var score) && score is >= 1 and <= 5 ? score : null;

    /// <summary>The winner in the order in which the answers were shown.</summary>
    public static PairWinner Winner(string reply) => Last(reply, "WINNER")?.ToUpperInvariant() switch
    {
        "A" => PairWinner.First,
        "B" => PairWinner.Second,
        "TIE" => PairWinner.Tie,
        _ => PairWinner.Unparsed,
    };

    /// <summary>True or false, or null.</summary>
    public static bool? Correct(string reply) => Word(Last(reply, "CORRECT"));

    /// <summary>One verdict for each criterion, or null when any of them is missing: a rubric half read is not read.</summary>
    public static IReadOnlyList<bool>? Rubric(string reply, int criteria)
    {
        var verdicts = new bool?[criteria];
        for (var i = 0; i < criteria; i++)
        {
            verdicts[i] = Word(Last(reply, $"{i + 1}"));
        }

        return Array.TrueForAll(verdicts, v => v is not null) ? [.. verdicts.Select(v => v!.Value)] : null;
    }

    /// <summary>The verdict of both orders: a winner only when both name the same answer (or both a tie).</summary>
    /// <param name="shown">With the first answer shown as A.</param>
    /// <param name="swapped">With the second answer shown as A.</param>
    public static PairWinner BothOrders(PairWinner shown, PairWinner swapped)
    {
        var mirrored = swapped switch { PairWinner.First => PairWinner.Second, PairWinner.Second => PairWinner.First, _ => swapped };
        return shown == PairWinner.Unparsed || swapped == PairWinner.Unparsed ? PairWinner.Unparsed : shown == mirrored ? shown : PairWinner.Inconsistent;
    }

    private static bool? Word(string? text) => text?.ToUpperInvariant() switch { "YES" => true, "NO" => false, _ => null };

    private static string? Last(string reply, string label)
    {
        foreach (var line in reply.Split('\n').Reverse())
        {
            var text = line.Trim().Trim('*', '#', '`', ' ');
            if (text.StartsWith(label, StringComparison.OrdinalIgnoreCase) && text.Length > label.Length && text[label.Length..].TrimStart('*', ' ') is [':' or '：', .. var rest])
            {
                return rest.Trim().Trim('*', '`', '.', ' ');
            }
        }

        return null;
    }
}
