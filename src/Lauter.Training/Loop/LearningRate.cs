namespace Lauter.Training.Loop;

/// <summary>How the learning rate goes after its warm-up.</summary>
public enum Schedule
{
    /// <summary>Half a cosine down to the floor.</summary>
    Cosine,

    /// <summary>A straight line down to the floor.</summary>
    Linear,

    /// <summary>Stays at the peak.</summary>
    Constant,

    /// <summary>Stays at the peak, then goes down to the floor in the last fifth (warm-up, stable, decay).</summary>
    Wsd,
}

/// <summary>Linear warm-up, then a schedule.</summary>
internal sealed record LearningRate(double Peak, int WarmUpSteps, int TotalSteps, double FloorFraction, Schedule Schedule = Schedule.Cosine)
{
    private const double DecayPart = 0.2;

    /// <summary>The rate of <paramref name="step"/> (from 0).</summary>
    public double At(int step)
    {
        if (step < WarmUpSteps)
        {
            return Peak * (step + 1) / WarmUpSteps;
        }

        var done = (double)(step - WarmUpSteps) / Math.Max(1, TotalSteps - WarmUpSteps);
        var part = Schedule switch
        {
            Schedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * done)),
            Schedule.Linear => 1 - done,
            Schedule.Wsd => Math.Min(1, (1 - done) / DecayPart),
            _ => 1,
        };
        return Peak * (FloorFraction + ((1 - FloorFraction) * part));
    }
}
