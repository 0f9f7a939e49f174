using System.Globalization;
using System.Runtime.CompilerServices;
using Lauter.Data.Operators.Measures;

namespace Lauter.Data.Operators;

/// <summary>Why a row was dropped.</summary>
/// <param name="Operator">Name of the operator.</param>
/// <param name="Reason">Stable code.</param>
/// <param name="Detail">The value seen and the limit, for a person.</param>
internal readonly record struct DropVerdict(string Operator, string Reason, string Detail);

/// <summary>Compares scores with the thresholds of a recipe. Reads no text, so a changed threshold costs nothing to try. Immutable, thread-safe.</summary>
internal sealed class DropRules
{
    private static readonly ConditionalWeakTable<Recipe, DropRules> Known = [];
    private static readonly ConditionalWeakTable<Recipe, DropRules> KnownOverAll = [];
    private static readonly DropRules None = new(null, MeasurePlan.All);

    private readonly List<Rule> _rules = [];

    private sealed record Rule(string Operator, Check? Check, int Column, double[] Limits, IReadOnlyList<string>? Languages);

    private DropRules(Recipe? recipe, MeasurePlan? plan)
    {
        var calls = (recipe?.Operators ?? []).Select(c => (Call: c, Operator: DropOperators.All.FirstOrDefault(d => d.Spec.Name == c.Spec.Name)))
            .Where(c => c.Operator is not null).ToList();
        Plan = plan ?? new MeasurePlan(
            calls.SelectMany(c => c.Operator!.Checks).Select(c => c.Column),
            calls.Where(c => c.Operator!.Measure is not null).Select(c => c.Operator!.Measure!(c.Call)));
        if (plan is not null && calls.FirstOrDefault(c => c.Operator!.Measure is not null).Call is { } configured)
        {
            throw new InvalidOperationException($"'{configured.Spec.Name}' measures with a file of the recipe, which only plain rows are measured with.");
        }

        foreach (var (call, known) in calls)
        {
            if (call.Spec.Name == OperatorCatalog.DropLanguage)
            {
                _rules.Add(new Rule(call.Spec.Name, null, 0, [], call.Choices("keep")));
            }

            foreach (var check in known!.Checks)
            {
                _rules.Add(new Rule(call.Spec.Name, check, Plan[check.Column], [call.Number(check.Argument, "en"), call.Number(check.Argument, "zh"), call.Number(check.Argument, "und")], null));
            }
        }
    }

    /// <summary>What must be measured for these rules.</summary>
    public MeasurePlan Plan { get; }

    /// <summary>The rules of a recipe over the measures that they read and no others; built once for each recipe.</summary>
    public static DropRules Of(Recipe recipe) => Known.GetValue(recipe, static r => new DropRules(r, null));

    /// <summary>The first operator that drops a text with these scores of all measures; null when the text stays.</summary>
    public static DropVerdict? Check(Recipe? recipe, Scores scores) =>
        (recipe is null ? None : KnownOverAll.GetValue(recipe, static r => new DropRules(r, MeasurePlan.All))).Check(scores.Language, scores.Values);

    /// <summary>The first operator that drops a text with these numbers; null when the text stays.</summary>
    public DropVerdict? Check(string language, ReadOnlySpan<double> values)
    {
        var index = Index(language);
        foreach (var rule in _rules)
        {
            if (Fails(rule, index, language, values))
            {
                return Verdict(rule, index, language, values);
            }
        }

        return null;
    }

    /// <summary>Every check that would drop a text with these numbers, in order: what <c>preview</c> counts.</summary>
    public IEnumerable<DropVerdict> All(string language, double[] values)
    {
        var index = Index(language);
        return _rules.Where(r => Fails(r, index, language, values)).Select(r => Verdict(r, index, language, values));
    }

    /// <summary>Each check with its threshold and value: what <c>explain</c> shows.</summary>
    public IEnumerable<(string Operator, string Argument, double Value, double Limit, bool IsLeast, bool Passes)> Values(string language, double[] values)
    {
        var index = Index(language);
        return _rules.Where(r => r.Check is not null)
            .Select(r => (r.Operator, r.Check!.Argument, values[r.Column], r.Limits[index], r.Check.IsLeast, !Fails(r, index, language, values)));
    }

    private static bool Fails(Rule rule, int index, string language, ReadOnlySpan<double> values) => rule switch
    {
        { Languages: { } keep } => !keep.Contains(language),
        { Check.IsLeast: true } => values[rule.Column] < rule.Limits[index],
        _ => values[rule.Column] > rule.Limits[index],
    };

    private static DropVerdict Verdict(Rule rule, int index, string language, ReadOnlySpan<double> values)
    {
        if (rule.Check is not { } check)
        {
            return new DropVerdict(rule.Operator, "other_language", $"the language is '{language}', kept are {string.Join(", ", rule.Languages!)}.");
        }

        var (value, limit) = (values[rule.Column], rule.Limits[index]);
        return new DropVerdict(rule.Operator, check.Reason, string.Create(CultureInfo.InvariantCulture, $"{value:0.###} {check.What}; {limit:0.###} is the {(check.IsLeast ? "least" : "most")} for '{language}'."));
    }

    private static int Index(string language) => language switch { "en" => 0, "zh" => 1, _ => 2 };
}
