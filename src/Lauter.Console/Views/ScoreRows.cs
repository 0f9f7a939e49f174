namespace Lauter.Console.Views;

/// <summary>The deciding metric of every candidate, grouped by language, on one scale.</summary>
internal sealed record ScoreRows(LinearScale Scale, IReadOnlyList<ScoreGroup> Groups)
{
    private static readonly string[] Order = ["all", "en", "zh", "und"];

    public static ScoreRows Of(ScorecardSection section)
    {
        var rows = section.Candidates
            .SelectMany(candidate => candidate.Scores.Where(score => score.Metric == section.Metric).Select(score => (candidate, score)))
            .ToList();
        var ends = rows.SelectMany(row => new[] { row.score.Value, row.score.Low, row.score.High }).OfType<double>();
        var groups = rows.GroupBy(row => row.score.Language, StringComparer.Ordinal)
            .OrderBy(group => Array.IndexOf(Order, group.Key) is var at and >= 0 ? at : Order.Length).ThenBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new ScoreGroup(group.Key, group.Max(row => row.score.Items), [.. group.Select(row => new ScoreRow(row.candidate, row.score))]));
        return new ScoreRows(LinearScale.Around(ends, 5, 0, 1), [.. groups]);
    }
}

/// <summary>All candidates on one language.</summary>
internal sealed record ScoreGroup(string Language, long Items, IReadOnlyList<ScoreRow> Rows);

/// <summary>One candidate on one language.</summary>
internal sealed record ScoreRow(CandidateScores Candidate, ScoreView Score);
