namespace Lauter.Training.Loop;

/// <summary>Linear warm-up, then half a cosine down to a floor.</summary>
internal sealed record LearningRate(double Peak, int WarmUpSteps, int TotalSteps, double FloorFraction)
{
    /// <summary>The rate of <paramref name="step"/> (from 0).</summary>
    public double At(int step)
    {
        if (step < WarmUpSteps)
        {
            return Peak * (step + 1) / WarmUpSteps;
        }

        var done = (double)(step - WarmUpSteps) / Math.Max(1, TotalSteps - WarmUpSteps);
        return Peak * (FloorFraction + ((1 - FloorFraction) * 0.5 * (1 + Math.Cos(Math.PI * done))));
    }
}
