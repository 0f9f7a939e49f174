using System.Globalization;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;

namespace Lauter.Releases.Gates;

/// <summary>The reasons of a gate in plain words. The numbers also travel by name, so that a page in another language can set its own sentence.</summary>
internal static class GateTexts
{
    public static GateReason SuiteMismatch(Scorecard baseline, Scorecard candidate) => Reason(
        GateReasons.SuiteMismatch,
        $"The scorecards are of different suites ('{baseline.SuiteName}' {Short(baseline.SuiteHash)}, '{candidate.SuiteName}' {Short(candidate.SuiteHash)}). Evaluate both on the same suite.",
        ("baseline", Short(baseline.SuiteHash)), ("candidate", Short(candidate.SuiteHash)));

    public static GateReason SignatureMismatch(MetricSpec baseline, MetricSpec candidate) => Reason(
        GateReasons.SignatureMismatch,
        $"The metric was computed in two ways ('{baseline.Signature}' and '{candidate.Signature}'). Evaluate both with the same version.",
        ("baseline", baseline.Signature), ("candidate", candidate.Signature));

    public static GateReason MetricMissing(string metric, Scorecard scorecard) => Reason(
        GateReasons.MetricMissing,
        $"The scorecard of '{scorecard.CandidateName}' has no metric '{metric}'; it has {string.Join(", ", scorecard.Metrics.Select(m => m.Name))}.",
        ("metric", metric), ("side", scorecard.CandidateName));

    public static GateReason ScoreMissing(string metric, string item, Scorecard scorecard) => Reason(
        GateReasons.MetricMissing,
        $"Item '{item}' of '{scorecard.CandidateName}' has no score of '{metric}'.",
        ("metric", metric), ("side", scorecard.CandidateName), ("item", item));

    public static GateReason ScoreInvalid(string metric, string item, double score, Scorecard scorecard, bool graded) => Reason(
        GateReasons.ScoreInvalid,
        $"Item '{item}' of '{scorecard.CandidateName}' has the score {score} of '{metric}'; expected {(graded ? "a number from 0 to 1" : "0 or 1")}.",
        ("metric", metric), ("side", scorecard.CandidateName), ("item", item), ("score", score.ToString(CultureInfo.InvariantCulture)));

    public static GateReason MetricNotPaired(string metric) => Reason(
        GateReasons.MetricNotPaired, $"'{metric}' has no score for single items; gate on exact_match(FIELD) instead.", ("metric", metric));

    public static GateReason NoItems(Scorecard scorecard) => Reason(
        GateReasons.NoItems, $"The scorecard of '{scorecard.CandidateName}' holds no items.", ("side", scorecard.CandidateName));

    public static GateReason ItemTwice(string item, Scorecard scorecard) => Reason(
        GateReasons.ItemsMismatch, $"Item '{item}' occurs twice in the scorecard of '{scorecard.CandidateName}'.", ("item", item), ("side", scorecard.CandidateName));

    public static GateReason ItemsMismatch(int missing, int strangers) => Reason(
        GateReasons.ItemsMismatch,
        $"The scorecards do not hold the same items: {missing} of the baseline's are missing from the candidate, {strangers} of the candidate's from the baseline.",
        ("missing", Count(missing)), ("extra", Count(strangers)));

    public static GateReason Unanswered(string name, int unanswered, int items, double limit) => Reason(
        GateReasons.Unanswered,
        $"'{name}' gave no usable answer to {unanswered} of {items} items ({Percent((double)unanswered / items)}); above {Percent(limit)} nothing is decided.",
        ("side", name), ("unanswered", Count(unanswered)), ("items", Count(items)), ("limit", Percent(limit)));

    public static GateReason Unjudged(int items) => Reason(
        GateReasons.Unjudged,
        $"Whether it fails depends on {Count(items)} item(s) without a readable verdict of the judge. Repair the judge and judge them again.",
        ("items", Count(items)));

    public static GateReason TooFewClusters(int clusters, int least) => Reason(
        GateReasons.TooFewClusters,
        $"The items come from {clusters} independent clusters; at least {least} are needed to estimate an error.",
        ("clusters", Count(clusters)), ("least", Count(least)));

    public static GateReason NonInferior(double low, double margin, double alpha) => Reason(
        GateReasons.NonInferior,
        $"At worst {Points(low)} against the baseline, within the margin of {Points(-margin)}; the risk of saying so wrongly is at most {Percent(alpha)}.",
        ("low", Points(low)), ("margin", Points(-margin)), ("alpha", Percent(alpha)));

    public static GateReason Superior(double low, double p) => Reason(
        GateReasons.Superior, $"Better than the baseline by at least {Points(low)} ({Equation(p)}).", ("low", Points(low)), ("p", P(p)));

    public static GateReason WorseThanMargin(double high, double margin) => Reason(
        GateReasons.WorseThanMargin,
        $"At best {Points(high)} against the baseline, beyond the margin of {Points(-margin)}.",
        ("high", Points(high)), ("margin", Points(-margin)));

    public static GateReason NotBetter(double high) => Reason(
        GateReasons.NotBetter, $"At best {Points(high)} against the baseline: it is not better.", ("high", Points(high)));

    public static GateReason IntervalTooWide(double low, double high, double threshold, int items, long? needed) => Reason(
        GateReasons.IntervalTooWide,
        $"The difference lies between {Points(low)} and {Points(high)}; {Points(threshold)} must be excluded. "
            + (needed is { } n ? $"About {n:N0} items would be enough; there are {items:N0}." : "More items would not help unless the candidate is better than it looks."),
        ("low", Points(low)), ("high", Points(high)), ("threshold", Points(threshold)), ("items", Count(items)), ("needed", needed is { } x ? Count(x) : ""));

    public static GateReason MinimumReached(double low, double minimum, double alpha) => Reason(
        GateReasons.MinimumReached,
        $"The value is at least {Percent(low)}, the minimum {Percent(minimum)}; the risk of saying so wrongly is at most {Percent(alpha)}.",
        ("low", Percent(low)), ("minimum", Percent(minimum)), ("alpha", Percent(alpha)));

    public static GateReason BelowMinimum(double high, double minimum) => Reason(
        GateReasons.BelowMinimum, $"The value is at most {Percent(high)}, below the minimum of {Percent(minimum)}.", ("high", Percent(high)), ("minimum", Percent(minimum)));

    public static GateReason MinimumUncertain(double low, double high, double minimum, long? needed) => Reason(
        GateReasons.MinimumUncertain,
        $"The value lies between {Percent(low)} and {Percent(high)}; whether it reaches {Percent(minimum)} is open."
            + (needed is { } n ? $" About {n:N0} items would be enough." : ""),
        ("low", Percent(low)), ("high", Percent(high)), ("minimum", Percent(minimum)), ("needed", needed is { } x ? Count(x) : ""));

    public static GateReason StratumRegressed(StratumResult stratum) => Reason(
        GateReasons.StratumRegressed,
        $"{stratum.Stratum}: {Points(stratum.Effect)} against the baseline ({stratum.BaselineOnly} items lost, {stratum.CandidateOnly} won of {stratum.Items}; adjusted {Equation(stratum.RegressionHolm)}).",
        ("stratum", stratum.Stratum), ("effect", Points(stratum.Effect)), ("lost", Count(stratum.BaselineOnly)), ("won", Count(stratum.CandidateOnly)),
        ("items", Count(stratum.Items)), ("p", P(stratum.RegressionHolm)));

    public static GateReason StratumUncertain(StratumResult stratum, double margin) => Reason(
        GateReasons.StratumUncertain,
        $"{stratum.Stratum}: between {Points(stratum.Low)} and {Points(stratum.High)} against the baseline; the stratum's margin is {Points(-margin)}.",
        ("stratum", stratum.Stratum), ("low", Points(stratum.Low)), ("high", Points(stratum.High)), ("margin", Points(-margin)), ("items", Count(stratum.Items)));

    public static GateReason TooFewItems(int items, int least) => Reason(
        GateReasons.NoItems, $"There are {items} items; a graded comparison needs at least {least}.", ("items", Count(items)), ("least", Count(least)));

    public static GateReason Peeked(int looks, int allowed) => Reason(
        GateReasons.Peeked,
        $"This comparison was looked at {looks} times while its data grew; the stated risk holds for {allowed}. Decide on a suite of fixed size, or with a sequential test.",
        ("looks", Count(looks)), ("allowed", Count(allowed)));

    public static GateReason NothingToCompare(string metric) => Reason(
        GateReasons.GuardrailUncertain, $"The guardrail '{metric}' needs a baseline.", ("metric", metric));

    public static GateReason Guardrail(GuardrailResult rail) => Reason(
        rail.Decision == GateDecision.Fail ? GateReasons.GuardrailHarmed : GateReasons.GuardrailUncertain,
        rail.Decision == GateDecision.Fail
            ? $"{rail.Metric}: {Points(rail.Effect)} against the baseline, beyond {Points(-rail.Margin)} (adjusted {Equation(rail.RegressionHolm)})."
            : $"{rail.Metric}: between {Points(rail.Low)} and {Points(rail.High)} against the baseline; {Points(-rail.Margin)} must be excluded.",
        ("metric", rail.Metric), ("effect", Points(rail.Effect)), ("low", Points(rail.Low)), ("high", Points(rail.High)), ("margin", Points(-rail.Margin)), ("p", P(rail.RegressionHolm)));

    public static GateReason Limit(LimitResult limit) => Reason(
        limit.Decision == GateDecision.Fail ? GateReasons.LimitExceeded : GateReasons.LimitUncertain,
        limit.Value is null ? $"{limit.Limit}: nothing was measured for every item."
            : limit.Decision == GateDecision.Fail ? $"{limit.Limit}: {Figure(limit.Value)}, at least {Figure(limit.Low)}; the limit is {Figure(limit.Allowed)}."
            : $"{limit.Limit}: {Figure(limit.Value)}, at most {(limit.High is null ? "unknown: too few answers" : Figure(limit.High))}; whether the limit of {Figure(limit.Allowed)} is kept is open.",
        ("limit", limit.Limit), ("value", Figure(limit.Value)), ("low", Figure(limit.Low)), ("high", Figure(limit.High)), ("allowed", Figure(limit.Allowed)));

    public static GateReason BankFailed(BankRule rule, int passed, int items) => Reason(
        GateReasons.BankFailed,
        $"{rule.Bank}: {passed} of {items} passed ({Percent(passed / (double)items)}); at least {Percent(rule.Rate)} must.",
        ("bank", rule.Bank), ("passed", Count(passed)), ("items", Count(items)), ("rate", Percent(rule.Rate)));

    public static GateReason BankMissing(BankRule rule) => Reason(GateReasons.BankUncertain, $"{rule.Bank}: no answers were given.", ("bank", rule.Bank));

    public static GateReason BankTwice(BankRule rule, string id) => Reason(GateReasons.BankUncertain, $"{rule.Bank}: question '{id}' occurs twice.", ("bank", rule.Bank), ("item", id));

    public static GateReason BankUnjudged(BankRule rule, int unjudged) => Reason(
        GateReasons.BankUncertain, $"{rule.Bank}: {unjudged} answers could not be judged; they decide whether the rate is reached.", ("bank", rule.Bank), ("unjudged", Count(unjudged)));

    public static GateReason BankSmall(BankRule rule, int items, IReadOnlyList<string> missing) => Reason(
        GateReasons.BankUncertain,
        $"{rule.Bank}: {items} questions, {rule.Items} are needed{(missing.Count == 0 ? "" : $"; too few of {string.Join(", ", missing)}")}.",
        ("bank", rule.Bank), ("items", Count(items)), ("needed", Count(rule.Items)), ("risks", string.Join(", ", missing)));

    public static GateReason BankUncertain(BankRule rule, double confidence, double asked) => Reason(
        GateReasons.BankUncertain,
        $"{rule.Bank}: the rate is reached, but only with {Percent(confidence)} confidence for the true rate; the policy asks for {Percent(asked)}.",
        ("bank", rule.Bank), ("confidence", Percent(confidence)), ("asked", Percent(asked)));

    public static GateReason ApprovalMissing(ApprovalRule rule, int given) => Reason(
        GateReasons.ApprovalMissing, $"{given} of {rule.Count} approvals were given as '{rule.Role}'.", ("role", rule.Role), ("given", Count(given)), ("needed", Count(rule.Count)));

    /// <summary>A difference of shares in points, signed: <c>-1.25 points</c>.</summary>
    internal static string Points(double share) => $"{(share * 100 is var p && Math.Abs(p) < 0.005 ? 0 : p).ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture)} points";

    internal static string Percent(double share) => (share * 100).ToString("0.0#", CultureInfo.InvariantCulture) + " %";

    private static string Equation(double p) => p < 0.0001 ? $"p {P(p)}" : $"p = {P(p)}";

    private static string P(double p) => p < 0.0001 ? "< 0.0001" : p.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Figure(double? value) => value?.ToString("0.######", CultureInfo.InvariantCulture) ?? "";

    private static string Count(long count) => count.ToString(CultureInfo.InvariantCulture);

    private static string Short(string hash) => hash.Length > 12 ? hash[..12] : hash;

    private static GateReason Reason(string code, string text, params (string Name, string Value)[] values) =>
        new(code, text, values.ToDictionary(v => v.Name, v => v.Value, StringComparer.Ordinal));
}
