namespace Lauter.Training.Losses;

/// <summary>What a network and its reference say about one row: sums of log-probabilities over the trained tokens of each answer.</summary>
/// <param name="Chosen">Of the better answer.</param>
/// <param name="ChosenTokens">Its trained tokens.</param>
/// <param name="Rejected">Of the worse answer; 0 in rows without one.</param>
/// <param name="RejectedTokens">Its trained tokens.</param>
/// <param name="ReferenceChosen">The frozen reference's sum.</param>
/// <param name="ReferenceRejected">The frozen reference's sum.</param>
/// <param name="Desirable">Whether the only answer is a wanted one (KTO).</param>
/// <param name="Baseline">How far the step's rows have moved from the reference on average, at least 0 (KTO).</param>
internal readonly record struct PreferenceScores(
    double Chosen, int ChosenTokens, double Rejected, int RejectedTokens, double ReferenceChosen, double ReferenceRejected, bool Desirable = true, double Baseline = 0);

/// <summary>The loss of one row and its slopes with respect to the two sums.</summary>
internal readonly record struct PreferenceValue(double Loss, double ChosenSlope, double RejectedSlope);

/// <summary>A loss over pairs of answers; adding one is a class of this kind and a line in <see cref="PreferenceLosses"/>. Stateless.</summary>
internal abstract class PreferenceLoss
{
    /// <summary>Name in options and files.</summary>
    public abstract string Name { get; }

    /// <summary>Whether the log-probabilities of the reference (the base without its adapter) are needed.</summary>
    public virtual bool NeedsReference => true;

    /// <summary>Whether rows have two answers.</summary>
    public virtual bool Paired => true;

    public abstract PreferenceValue Of(PreferenceScores scores, double beta, double gamma);

    protected static double Sigmoid(double x) => x >= 0 ? 1 / (1 + Math.Exp(-x)) : Math.Exp(x) / (1 + Math.Exp(x));

    /// <summary>log σ(x) without overflow.</summary>
    protected static double LogSigmoid(double x) => x >= 0 ? -Math.Log(1 + Math.Exp(-x)) : x - Math.Log(1 + Math.Exp(x));
}

/// <summary>The losses by name.</summary>
internal static class PreferenceLosses
{
    public static IReadOnlyList<PreferenceLoss> All { get; } = [new Dpo(), new Ipo(), new Orpo(), new SimPo(), new Kto()];

    public static PreferenceLoss? Find(string name) => All.FirstOrDefault(l => l.Name == name);
}

/// <summary>−log σ(β·((c − c₀) − (r − r₀))) (Rafailov et al. 2023, arXiv:2305.18290); the first step of an untouched adapter gives ln 2.</summary>
internal sealed class Dpo : PreferenceLoss
{
    public override string Name => "dpo";

    public override PreferenceValue Of(PreferenceScores s, double beta, double gamma)
    {
        var margin = beta * (s.Chosen - s.ReferenceChosen - (s.Rejected - s.ReferenceRejected));
        var slope = -beta * Sigmoid(-margin);
        return new PreferenceValue(-LogSigmoid(margin), slope, -slope);
    }
}

/// <summary>(h − 1/(2β))² over log-probabilities averaged by length (Azar et al. 2023, arXiv:2310.12036).</summary>
internal sealed class Ipo : PreferenceLoss
{
    public override string Name => "ipo";

    public override PreferenceValue Of(PreferenceScores s, double beta, double gamma)
    {
        var distance = ((s.Chosen - s.ReferenceChosen) / s.ChosenTokens) - ((s.Rejected - s.ReferenceRejected) / s.RejectedTokens) - (1 / (2 * beta));
        return new PreferenceValue(distance * distance, 2 * distance / s.ChosenTokens, -2 * distance / s.RejectedTokens);
    }
}

/// <summary>NLL of the better answer − β·log σ(log odds ratio), averaged by length, without a reference (Hong et al. 2024, arXiv:2403.07691).</summary>
internal sealed class Orpo : PreferenceLoss
{
    public override string Name => "orpo";

    public override bool NeedsReference => false;

    public override PreferenceValue Of(PreferenceScores s, double beta, double gamma)
    {
        double chosen = s.Chosen / s.ChosenTokens, rejected = s.Rejected / s.RejectedTokens;
        var ratio = LogOdds(chosen) - LogOdds(rejected);
        var pull = -beta * Sigmoid(-ratio);
        return new PreferenceValue(
            -chosen - (beta * LogSigmoid(ratio)), (-1 + (pull * Slope(chosen))) / s.ChosenTokens, -pull * Slope(rejected) / s.RejectedTokens);
    }

    private static double LogOdds(double log) => log - Math.Log(Math.Max(-Math.Exp(log) + 1, 1e-12));

    private static double Slope(double log) => 1 / Math.Max(1 - Math.Exp(log), 1e-12);
}

/// <summary>−log σ(β·(c/|c| − r/|r|) − γ) without a reference (Meng et al. 2024, arXiv:2405.14734).</summary>
internal sealed class SimPo : PreferenceLoss
{
    public override string Name => "simpo";

    public override bool NeedsReference => false;

    public override PreferenceValue Of(PreferenceScores s, double beta, double gamma)
    {
        var margin = (beta * ((s.Chosen / s.ChosenTokens) - (s.Rejected / s.RejectedTokens))) - gamma;
        var slope = -beta * Sigmoid(-margin);
        return new PreferenceValue(-LogSigmoid(margin), slope / s.ChosenTokens, -slope / s.RejectedTokens);
    }
}

/// <summary>
/// 1 − σ(±β·(log ratio − baseline)) over single answers marked wanted or unwanted (Ethayarajh et al. 2024, arXiv:2402.01306). The baseline is the mean log
/// ratio of the step's own rows, where the paper takes mismatched answers: one forward pass less, and biased by as much as rows agree.
/// </summary>
internal sealed class Kto : PreferenceLoss
{
    public override string Name => "kto";

    public override bool Paired => false;

    public override PreferenceValue Of(PreferenceScores s, double beta, double gamma)
    {
        var sign = s.Desirable ? 1 : -1;
        var value = Sigmoid(sign * beta * (s.Chosen - s.ReferenceChosen - s.Baseline));
        return new PreferenceValue(1 - value, -sign * beta * value * (1 - value), 0);
    }
}
