using System.Text.Json.Nodes;
using Lauter.Evaluation.Judges;
using Lauter.Evaluation.Metrics.Classes;
using Lauter.Evaluation.Statistics;
using Lauter.Evaluation.Suites.Imports;

namespace Lauter.Evaluation.Humans;

/// <summary>One rater's work.</summary>
/// <param name="Rater">The name given in the sheet.</param>
/// <param name="Answers">Items answered.</param>
/// <param name="LeftRate">Of pairs with a winner: share for the left one; 0.5 without a habit.</param>
/// <param name="LeftInterval">95 % Wilson interval of it.</param>
public sealed record RaterReport(string Rater, int Answers, double? LeftRate, Interval? LeftInterval);

/// <summary>
/// What people said, unblinded. An item's verdict is the strict majority of its raters; without one a pair is a tie and a single answer is undecided.
/// </summary>
/// <param name="Items">Items that at least one person answered.</param>
/// <param name="Missing">Items of the set that nobody answered.</param>
/// <param name="Raters">Each rater.</param>
/// <param name="Good">Pairs: the first candidate is better. Single: passes.</param>
/// <param name="Same">Pairs: neither is better. Single: undecided.</param>
/// <param name="Bad">Pairs: the second candidate is better. Single: fails.</param>
/// <param name="Net">Pairs: (good - bad) / items, -1 to 1. Single: good / (good + bad).</param>
/// <param name="Interval">95 % interval of it: Tango for pairs, Wilson for single answers. Raters of one item are not independent; items are what counts.</param>
/// <param name="SignP">Pairs: two-sided exact p of "as often better as worse".</param>
/// <param name="Agreement">Share of pairs of raters on one item that say the same; null when no item has two.</param>
/// <param name="Alpha">Krippendorff's alpha (nominal); null when it is not defined.</param>
/// <param name="Kappa">Two raters: Cohen's kappa on the items both answered. More: Fleiss' kappa. Null when it is not defined.</param>
/// <param name="Verdicts">Verdict of each item: <c>first</c>, <c>second</c>, <c>tie</c>; or <c>pass</c>, <c>fail</c>, <c>undecided</c>.</param>
public sealed record HumanResult(
    int Items, int Missing, IReadOnlyList<RaterReport> Raters, int Good, int Same, int Bad, double? Net, Interval? Interval, double? SignP, double? Agreement, double? Alpha, double? Kappa,
    IReadOnlyDictionary<string, string> Verdicts)
{
    private static readonly string[] PairChoices = ["left", "right", "tie"];
    private static readonly string[] SingleChoices = ["pass", "fail"];

    /// <summary>Reads what raters exported.</summary>
    /// <param name="key">The key of the set.</param>
    /// <param name="answers">Lines of all raters: <c>set</c>, <c>rater</c>, <c>id</c>, <c>choice</c>.</param>
    /// <exception cref="InvalidDataException">Answers belong to another set, name a stranger, or contradict each other; up to ten faults are named.</exception>
    public static HumanResult Of(JsonObject key, IEnumerable<string> answers)
    {
        var pairs = key["pairs"]?.GetValue<bool>() ?? throw new InvalidDataException("The key says nothing about its kind.");
        string[] items = [.. (key["items"] as JsonArray ?? []).Select(i => i!.ToString())];
        var swapped = (key["swapped"] as JsonArray ?? []).Select(i => i!.ToString()).ToHashSet(StringComparer.Ordinal);
        var given = Choices(key["set"]?.ToString() ?? "", items, pairs, answers);
        string[] raters = [.. given.Keys.Select(k => k.Rater).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

        // 0 first or pass, 1 second or fail, 2 tie.
        double?[][] ratings = [.. raters.Select(r => items.Select(i => given.TryGetValue((r, i), out var choice) ? Class(choice, swapped.Contains(i)) : (double?)null).ToArray())];
        var verdicts = new Dictionary<string, string>(StringComparer.Ordinal);
        string[] words = pairs ? ["first", "second", "tie"] : ["pass", "fail", "undecided"];
        for (var i = 0; i < items.Length; i++)
        {
            double[] said = [.. ratings.Select(r => r[i]).OfType<double>()];
            if (said.Length > 0)
            {
                var top = said.CountBy(s => s).MaxBy(c => c.Value);
                verdicts[items[i]] = words[2 * top.Value > said.Length ? (int)top.Key : 2];
            }
        }

        int good = verdicts.Count(v => v.Value == words[0]), bad = verdicts.Count(v => v.Value == words[1]), same = verdicts.Count - good - bad, decided = good + bad;
        return new HumanResult(
            verdicts.Count, items.Length - verdicts.Count, [.. raters.Select(r => Report(r, given, pairs))], good, same, bad,
            pairs ? verdicts.Count == 0 ? null : (good - bad) / (double)verdicts.Count : decided == 0 ? null : good / (double)decided,
            pairs ? verdicts.Count == 0 ? null : DifferenceIntervals.Tango(new PairedTable(0, good, bad, same), 0.95) : decided == 0 ? null : ProportionIntervals.Wilson(good, decided, 0.95),
            pairs ? McNemar.Exact(good, bad) : null, Alike(ratings), Finite(Statistics.Agreement.Alpha(ratings, RatingScale.Nominal)), Kappas(ratings, pairs), verdicts);
    }

    private static Dictionary<(string Rater, string Id), string> Choices(string set, string[] items, bool pairs, IEnumerable<string> answers)
    {
        var known = items.ToHashSet(StringComparer.Ordinal);
        var given = new Dictionary<(string, string), string>();
        var faults = new List<string>();
        foreach (var (row, number) in SuiteImport.Objects(answers))
        {
            var (rater, id, choice) = (row["rater"]?.ToString() ?? "", row["id"]?.ToString() ?? "", row["choice"]?.ToString() ?? "");
            var fault = row["set"]?.ToString() != set ? "belongs to another set of tasks"
                : rater.Length == 0 ? "names no rater"
                : !known.Contains(id) ? $"'{id}' is no item of this set"
                : !(pairs ? PairChoices : SingleChoices).Contains(choice, StringComparer.Ordinal) ? $"'{choice}' is not one of {string.Join(", ", pairs ? PairChoices : SingleChoices)}"
                : !given.TryAdd((rater, id), choice) && given[(rater, id)] != choice ? $"'{rater}' answered '{id}' in two ways" : null;
            if (fault is not null)
            {
                faults.Add($"line {number}: {fault}");
            }
        }

        return faults.Count == 0 ? given : throw new InvalidDataException($"{faults.Count} answer(s) cannot be used:\n  {string.Join("\n  ", faults.Take(10))}{(faults.Count > 10 ? $"\n  and {faults.Count - 10} more" : "")}");
    }

    private static double Class(string choice, bool swapped) => choice switch { "tie" => 2, "pass" => 0, "fail" => 1, "left" => swapped ? 1 : 0, _ => swapped ? 0 : 1 };

    private static RaterReport Report(string rater, Dictionary<(string Rater, string Id), string> given, bool pairs)
    {
        string[] mine = [.. given.Where(g => g.Key.Rater == rater).Select(g => g.Value)];
        int left = mine.Count(c => c == "left"), sided = left + mine.Count(c => c == "right");
        return new RaterReport(rater, mine.Length, pairs && sided > 0 ? left / (double)sided : null, pairs && sided > 0 ? ProportionIntervals.Wilson(left, sided, 0.95) : null);
    }

    private static double? Alike(double?[][] ratings)
    {
        long equal = 0, all = 0;
        for (var i = 0; i < ratings.Length; i++)
        {
            for (var j = i + 1; j < ratings.Length; j++)
            {
                foreach (var (a, b) in ratings[i].Zip(ratings[j]).Where(p => p.First is not null && p.Second is not null))
                {
                    all++;
                    equal += a == b ? 1 : 0;
                }
            }
        }

        return all == 0 ? null : equal / (double)all;
    }

    private static double? Kappas(double?[][] ratings, bool pairs)
    {
        if (ratings.Length != 2)
        {
            return ratings.Length < 2 ? null : Finite(Statistics.Agreement.Fleiss(ratings, pairs ? [0, 1, 2] : [0, 1]));
        }

        var both = ratings[0].Zip(ratings[1]).Where(p => p.First is not null && p.Second is not null).ToArray();
        return both.Length == 0 ? null : Finite(ConfusionMatrix.Of([.. both.Select(p => (int)p.First!)], [.. both.Select(p => (int)p.Second!)], 3).Kappa());
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
