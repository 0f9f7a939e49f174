namespace Lauter.Inference.Scheduler;

/// <summary>
/// How many prompt tokens a step may carry beside the decoding sequences, so that those get their next token in time (the idea of
/// Sarathi-Serve, Agrawal et al. 2024): (target − time of the decoding part) × measured prefill rate.
/// </summary>
internal sealed class StepBudget(int most, TimeSpan interTokenTarget)
{
    /// <summary>Fewer prompt tokens per step than this would let a prompt starve.</summary>
    public const int Least = 16;

    private const double Weight = 0.2;
    private double _secondsPerPromptToken;
    private double _secondsPerDecode;

    public int PromptTokens(int decoding)
    {
        if (decoding == 0 || _secondsPerPromptToken == 0)
        {
            return most;
        }

        var left = interTokenTarget.TotalSeconds - (decoding * _secondsPerDecode);
        return (int)Math.Clamp(left / _secondsPerPromptToken, Least, most);
    }

    /// <summary>Learns from a finished step; mixed steps teach only the prompt rate, after the decoding part is taken off.</summary>
    public void Observe(int promptTokens, int decoding, TimeSpan elapsed)
    {
        if (promptTokens == 0 && decoding > 0)
        {
            _secondsPerDecode = Blend(_secondsPerDecode, elapsed.TotalSeconds / decoding);
        }
        else if (promptTokens > 0)
        {
            var seconds = Math.Max(elapsed.TotalSeconds - (decoding * _secondsPerDecode), elapsed.TotalSeconds / 10);
            _secondsPerPromptToken = Blend(_secondsPerPromptToken, seconds / promptTokens);
        }
    }

    private static double Blend(double old, double seen) => old == 0 ? seen : ((1 - Weight) * old) + (Weight * seen);
}
