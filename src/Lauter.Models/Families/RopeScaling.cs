namespace Lauter.Models.Families;

/// <summary>How rotary positions are stretched beyond the original training length.</summary>
/// <param name="Kind">The method.</param>
/// <param name="Factor">Stretch, at least 1.</param>
/// <param name="OriginalContextLength">Tokens of the original training, where the method needs it; else 0.</param>
public sealed record RopeScaling(RopeScalingKind Kind, double Factor, int OriginalContextLength)
{
    /// <summary>Llama 3: wavelengths longer than the original context ÷ this are stretched fully.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths shorter than the original context ÷ this are left alone.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>
    /// Divisors of the frequencies that Llama 3.1 uses: 1 for short wavelengths, <see cref="Factor"/> for long ones, and between them 1/((1−s)/factor + s), where s goes
    /// linearly from 0 to 1 (transformers, <c>modeling_rope_utils</c>). The frequencies are computed in fp32, as both implementations do.
    /// </summary>
    public float[] Llama3Factors(double ropeBase, int dimension)
    {
        double longest = OriginalContextLength / LowFrequencyFactor, shortest = OriginalContextLength / HighFrequencyFactor;
        var factors = new float[dimension / 2];
        for (var pair = 0; pair < factors.Length; pair++)
        {
            var wavelength = 2 * Math.PI * Math.Pow(ropeBase, 2.0 * pair / dimension);
            var smooth = ((OriginalContextLength / wavelength) - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
            factors[pair] = (float)(wavelength < shortest ? 1 : wavelength > longest ? Factor : 1 / (((1 - smooth) / Factor) + smooth));
        }

        return factors;
    }
}

/// <summary>Methods of stretching rotary positions.</summary>
public enum RopeScalingKind
{
    /// <summary>All positions divided by the factor.</summary>
    Linear,

    /// <summary>Per-frequency divisors of Llama 3.1; stored as factors.</summary>
    Llama3,

    /// <summary>YaRN (Peng et al. 2023).</summary>
    Yarn,
}
