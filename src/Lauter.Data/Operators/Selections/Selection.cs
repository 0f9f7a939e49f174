using System.Globalization;
using System.Text.Json.Nodes;

namespace Lauter.Data.Operators.Selections;

/// <summary>What a selection knows of a row.</summary>
/// <param name="Draw">A number that the row's content and the seed decide; ties and chance are settled by it, so the order of rows never matters.</param>
/// <param name="Group">Value of the member that groups; empty without one.</param>
/// <param name="Score">The column that ranks; 0 without one.</param>
internal readonly record struct Pick(double Draw, string Group, double Score);

/// <summary>
/// Operators that choose among all rows that are left: the best by a measured number, as many of each label, or given shares of sources. They see numbers and
/// group names, never texts, and their result depends on the set of rows alone.
/// </summary>
internal sealed class Selection
{
    internal const string TopK = "keep_best";
    internal const string Balance = "balance_labels";
    internal const string Mix = "mix_sources";

    private readonly OperatorCall _call;

    private Selection(OperatorCall call) => _call = call;

    public static IReadOnlyList<OperatorSpec> Specs { get; } =
    [
        Spec(TopK, "Keeps the rows with the highest, or lowest, measured number.",
            new ArgumentSpec("column", ArgumentForm.Choice, "language_score", 0, 0, [.. Measures.MeasurePlan.All.Columns, "perplexity", "tokens", "flagged_words"], "What ranks; measured columns of other operators count only when these stand in the recipe."),
            new ArgumentSpec("order", ArgumentForm.Choice, "highest", 0, 0, ["highest", "lowest"], "Which end stays."),
            Number("rows", 1000, 1, 1e12, "Rows that stay, of each group."),
            Text("group", "Member whose values are ranked apart; none: all rows together.")),
        Spec(Balance, "Keeps at most as many rows of each label as the rarest has, times a factor.",
            Text("field", "Member with the label.", "label"),
            Number("factor", 1, 1, 1_000_000, "1 makes all labels equally frequent."),
            Number("least", 1, 1, 1_000_000, "Labels with fewer rows do not count as the rarest; they keep what they have."),
            SeedArgument()),
        Spec(Mix, "Takes sources in given shares: as many rows as the scarcest source allows.",
            Text("field", "Member with the source.", "source"),
            new ArgumentSpec("weights", ArgumentForm.Weights, new JsonObject(), 0, 1e9, [], "Value to weight; rows with a value that is not listed are left out.") { IsRequired = true },
            SeedArgument()),
    ];

    /// <summary>The selections of a recipe, in order.</summary>
    public static IReadOnlyList<Selection> Of(Recipe recipe) => [.. recipe.Operators.Where(o => o.Spec.Kind == OperatorKind.Select).Select(o => new Selection(o))];

    public string Name => _call.Spec.Name;

    /// <summary>Member that groups rows, or empty.</summary>
    public string Field => _call.Text(Name == TopK ? "group" : "field");

    /// <summary>Column that ranks, or null.</summary>
    public string? Column => Name == TopK ? _call.Choice("column") : null;

    /// <summary>Seed of the draw.</summary>
    public long Seed => Name == TopK ? 0 : (long)_call.Number("seed");

    /// <summary>Why rows go.</summary>
    public string Reason => Name switch { TopK => "not_among_best", Balance => "label_is_frequent", _ => "beyond_share" };

    /// <summary>Which of the rows stay.</summary>
    /// <param name="picks">All rows that are left.</param>
    public bool[] Choose(IReadOnlyList<Pick> picks)
    {
        var groups = Enumerable.Range(0, picks.Count).GroupBy(i => picks[i].Group, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.ToList(), StringComparer.Ordinal);
        var quota = Quotas(groups.ToDictionary(g => g.Key, g => g.Value.Count, StringComparer.Ordinal));
        var stays = new bool[picks.Count];
        foreach (var (group, rows) in groups)
        {
            var sign = Name == TopK ? _call.Choice("order") == "highest" ? -1 : 1 : 0;
            rows.Sort((a, b) => (sign * picks[a].Score).CompareTo(sign * picks[b].Score) is not 0 and var order ? order : picks[a].Draw.CompareTo(picks[b].Draw));
            foreach (var row in rows.Take((int)Math.Min(rows.Count, quota(group))))
            {
                stays[row] = true;
            }
        }

        return stays;
    }

    /// <summary>For a person.</summary>
    public string Detail(Pick pick) => Name switch
    {
        TopK => string.Create(CultureInfo.InvariantCulture, $"{Column} is {pick.Score:0.###}; {_call.Number("rows"):0} rows{(Field.Length > 0 ? $" of each '{Field}'" : "")} stay."),
        Balance => $"'{pick.Group}' has more rows than the rarest label allows.",
        _ => $"'{pick.Group}' has more rows than its weight allows, or no weight.",
    };

    private Func<string, double> Quotas(Dictionary<string, int> counts)
    {
        switch (Name)
        {
            case TopK:
                return _ => _call.Number("rows");
            case Balance:
                var counted = counts.Where(c => c.Value >= _call.Number("least")).Select(c => c.Value).ToList();
                var most = counted.Count == 0 ? double.MaxValue : Math.Floor(counted.Min() * _call.Number("factor"));
                return _ => most;
            default:
                var weights = _call.Weights("weights").Where(w => w.Value > 0).ToDictionary(w => w.Key, w => w.Value, StringComparer.Ordinal);
                var unit = weights.Count == 0 ? 0 : weights.Min(w => counts.GetValueOrDefault(w.Key) / w.Value);
                return group => Math.Floor((unit * weights.GetValueOrDefault(group)) + 1e-9);
        }
    }

    private static OperatorSpec Spec(string name, string summary, params ArgumentSpec[] arguments) => new(name, 1, OperatorKind.Select, false, false, summary, arguments);

    private static ArgumentSpec Number(string name, double value, double minimum, double maximum, string summary) => new(name, ArgumentForm.Number, value, minimum, maximum, [], summary);

    private static ArgumentSpec Text(string name, string summary, string value = "") => new(name, ArgumentForm.Text, value, 0, 0, [], summary);

    private static ArgumentSpec SeedArgument() => Number("seed", 1, 0, 9e15, "Another seed draws other rows.");
}
