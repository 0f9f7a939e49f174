namespace Lauter.Inference.Scheduler;

/// <summary>
/// How many prompt tokens a step may carry beside the decoding sequences, so that those get their next token in time (the idea of
/// Sarathi-Serve, Agrawal et al. 2024): (target − time of the decoding part) × measured prefill rate. Both are learned while it runs.
/// </summary>
internal sealed class StepBudget(int most, TimeSpan interTokenTarget)
{
    /// <summary>Fewer prompt tokens per step than this would let a prompt starve, and a matrix product of a few rows is nearly as dear as of these.</summary>
    public const int Least = 32;

    private const double Weight = 0.2;
    private readonly double[] _secondsOfDecoding = new double[257];
    private double _secondsPerPromptToken;

    /// <summary>Prompt tokens evaluated per second, as learned so far; 0 when none were.</summary>
    public double PromptTokensPerSecond => _secondsPerPromptToken == 0 ? 0 : 1 / _secondsPerPromptToken;

    /// <summary>By which share a decoding step of <paramref name="batch"/> tokens gets longer with <paramref name="more"/>; 0 while nothing near is known.</summary>
    public double Growth(int batch, int more)
    {
        var now = Decoding(batch);
        return now == 0 ? 0 : Math.Max(0, (Decoding(batch + more) / now) - 1);
    }

    public int PromptTokens(int decoding)
    {
        if (decoding == 0 || _secondsPerPromptToken == 0)
        {
            return most;
        }

        // Where decoding alone takes half the target, prompts may still double it: else a slow machine would never get through them.
        var alone = Decoding(decoding);
        var left = Math.Max(interTokenTarget.TotalSeconds, 2 * alone) - alone;
        return (int)Math.Clamp(left / _secondsPerPromptToken, Math.Min(Least, most), most);
    }

    /// <summary>Learns from a finished step; mixed steps teach only the prompt rate, after the decoding part is taken off.</summary>
    public void Observe(int promptTokens, int decoding, TimeSpan elapsed)
    {
        if (promptTokens == 0 && decoding > 0)
        {
            ref var seconds = ref _secondsOfDecoding[Math.Min(decoding, 256)];
            seconds = Blend(seconds, elapsed.TotalSeconds);
        }
        else if (promptTokens >= Least)
        {
            var seconds = Math.Max(elapsed.TotalSeconds - Decoding(decoding), elapsed.TotalSeconds / 10);
            _secondsPerPromptToken = Blend(_secondsPerPromptToken, seconds / promptTokens);
        }
    }

    private static double Blend(double old, double seen) => old == 0 ? seen : ((1 - Weight) * old) + (Weight * seen);

    /// <summary>The time of a decoding step of the nearest size that was seen: time grows far slower than the size.</summary>
    private double Decoding(int count)
    {
        count = Math.Min(count, 256);
        for (var distance = 0; count > 0 && distance < 256; distance++)
        {
            var above = count + distance <= 256 ? _secondsOfDecoding[count + distance] : 0;
            var below = count > distance ? _secondsOfDecoding[count - distance] : 0;
            if (above > 0 || below > 0)
            {
                return above > 0 ? above : below;
            }
        }

        return 0;
    }
}
