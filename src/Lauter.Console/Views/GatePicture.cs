namespace Lauter.Console.Views;

/// <summary>The interval of a gate on a track: the line it must not cross, zero, and where the interval lies.</summary>
internal sealed class GatePicture
{
    private GatePicture(LinearScale scale, double line, GateSection gate)
    {
        Scale = scale;
        Line = line;
        Gate = gate;
    }

    public LinearScale Scale { get; }

    /// <summary>What the whole interval must lie right of: minus the margin, zero, or the minimum.</summary>
    public double Line { get; }

    public GateSection Gate { get; }

    public bool HasInterval => Gate.Low is { } low && Gate.High is { } high && double.IsFinite(low) && double.IsFinite(high);

    /// <summary>The picture of a decision; without an interval it shows the line only.</summary>
    public static GatePicture Of(GateSection gate)
    {
        if (gate.Minimum is { } minimum)
        {
            var ends = new[] { minimum - 0.05, minimum + 0.05, gate.Low ?? minimum, gate.High ?? minimum, gate.Effect ?? minimum };
            return new GatePicture(LinearScale.Around(ends, 6, 0, 1), minimum, gate);
        }

        var line = gate.NonInferiority ? -gate.Margin : 0;
        // Room on both sides of the line, else the forbidden side could not be seen.
        var room = Math.Max(gate.Margin, 0.01);
        var values = new[] { room, line - (room / 2), gate.Low ?? 0, gate.High ?? 0, gate.Effect ?? 0 };
        return new GatePicture(LinearScale.Around(values, 6), line, gate);
    }

    /// <summary>Key of the sentence that explains the verdict.</summary>
    public string ExplanationKey => Gate.Outcome switch
    {
        GateOutcome.Pass when Gate.Minimum is not null => "gate.explain.pass.minimum",
        GateOutcome.Pass => Gate.NonInferiority ? "gate.explain.pass.noninferiority" : "gate.explain.pass.superiority",
        GateOutcome.Fail => "gate.explain.fail",
        _ => "gate.explain.insufficient",
    };

    /// <summary>Key of the question that the gate answers.</summary>
    public string QuestionKey =>
        Gate.Minimum is not null ? "gate.question.minimum" : Gate.NonInferiority ? "gate.question.noninferiority" : "gate.question.superiority";

    /// <summary>A value on the scale as text: a difference with its sign, or a share.</summary>
    public string Mark(double value, Numbers numbers) => Gate.Minimum is null ? numbers.Signed(value) : numbers.Percent(value, 0);

    public string VerdictKey => KeyOf(Gate.Outcome);

    public static string KeyOf(GateOutcome outcome) => outcome switch
    {
        GateOutcome.Pass => "gate.pass",
        GateOutcome.Fail => "gate.fail",
        _ => "gate.insufficient",
    };
}
