using System.Globalization;

namespace Lauter.Releases.Iterations;

/// <summary>What one iteration gained, as its gate measured it.</summary>
/// <param name="Number">The iteration.</param>
/// <param name="Effect">Candidate minus the live release on the deciding metric, as a share; null when the gate could not say.</param>
/// <param name="High">Upper end of the interval of the effect; null when the gate could not say.</param>
/// <param name="Margin">The gate's margin: a difference that the project cares about.</param>
public sealed record IterationGain(int Number, double? Effect, double? High, double Margin);

/// <summary>When the flywheel stops by itself: new data that no longer helps costs money and risks a regression.</summary>
public static class IterationStop
{
    /// <summary>Iterations in a row that must have gained too little.</summary>
    public const int Patience = 2;

    /// <summary>
    /// Why the next iteration is not worth its cost, or null. It is not when each of the last <see cref="Patience"/> iterations is shown to have
    /// gained less than the gate's margin: the upper end of its interval lies below it. An iteration whose gate could not say is no evidence.
    /// </summary>
    /// <param name="gains">Iterations that were decided, oldest first, without the first training.</param>
    public static string? Reason(IReadOnlyList<IterationGain> gains)
    {
        var last = gains.Skip(Math.Max(0, gains.Count - Patience)).ToList();
        return last.Count < Patience || last.Any(g => !(g.High < g.Margin))
            ? null
            : string.Create(CultureInfo.InvariantCulture,
                $"each of the iterations {string.Join(" and ", last.Select(g => g.Number))} is shown to have gained less than {last[^1].Margin * 100:0.##} points ({string.Join(", ", last.Select(g => $"{g.Effect * 100:+0.0;-0.0;0.0} points, at most {g.High * 100:+0.0;-0.0;0.0}"))}): more of the same data no longer helps. Change the data, the model or the prompt, or insist with --anyway.");
    }
}
