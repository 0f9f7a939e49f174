using System.Text.RegularExpressions;

namespace Lauter.Training.Lora;

/// <summary>
/// A low-rank adapter (Hu et al. 2021, arXiv:2106.09685) on a frozen base: W becomes W + s·B·A with A [rank, in], B [out, rank].
/// </summary>
public sealed partial record LoraOptions
{
    /// <summary>The projections an adapter can sit on, by the names of PEFT.</summary>
    public static IReadOnlyList<string> AllTargets { get; } = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    /// <summary>Inner size, 1–1,024.</summary>
    public int Rank { get; init; } = 16;

    /// <summary>Strength: the update is scaled by alpha ÷ rank. Above 0; null = twice the rank.</summary>
    public double? Alpha { get; init; }

    /// <summary>Projections that get an adapter, from <see cref="AllTargets"/>.</summary>
    public IReadOnlyList<string> Targets { get; init; } = AllTargets;

    /// <summary>Other ranks for some modules: a projection's name, or <c>layers.N.projection</c>. Rank 0 leaves the module out.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>Scales by alpha ÷ √rank instead, so that a higher rank does not learn more slowly (Kalajdzievski 2023, arXiv:2312.03732).</summary>
    public bool RankStabilised { get; init; }

    /// <summary>Learning rate of B as a multiple of A's (LoRA+, Hayou et al. 2024, arXiv:2402.12354); 1 or more.</summary>
    public double RateRatio { get; init; } = 1;

    /// <summary>
    /// Learns the length of each row of a matrix apart from its direction (DoRA, Liu et al. 2024, arXiv:2402.09353). Costs one more product a matrix; served as a
    /// merged model only, because llama.cpp's adapters cannot hold it.
    /// </summary>
    public bool WeightDecomposed { get; init; }

    /// <summary>The factor s of a module of rank <paramref name="rank"/>.</summary>
    internal double Scale(int rank) => (Alpha ?? 2.0 * Rank) / (RankStabilised ? Math.Sqrt(rank) : rank);

    /// <summary>The rank of one module; the most precise pattern wins. 0 = no adapter there.</summary>
    internal int RankOf(int layer, string target) =>
        RankPattern.TryGetValue($"layers.{layer}.{target}", out var one) ? one
        : !Targets.Contains(target) ? 0
        : RankPattern.TryGetValue(target, out var all) ? all
        : Rank;

    /// <summary>Every fault at once.</summary>
    internal IEnumerable<string> Faults()
    {
        if (Rank is < 1 or > 1024)
        {
            yield return $"Rank is {Rank}; allowed is 1 to 1,024.";
        }

        if (Alpha is <= 0 or > 1e6)
        {
            yield return $"Alpha is {Alpha}; it must be above 0.";
        }

        if (!(RateRatio is >= 1 and <= 1000))
        {
            yield return $"RateRatio is {RateRatio}; allowed is 1 to 1,000.";
        }

        foreach (var target in Targets.Where(t => !AllTargets.Contains(t)))
        {
            yield return $"Targets has '{target}'; known are {string.Join(", ", AllTargets)}.";
        }

        foreach (var (key, rank) in RankPattern)
        {
            if (rank is < 0 or > 1024 || !Module().IsMatch(key))
            {
                yield return $"RankPattern has '{key}': {rank}; write a projection's name, or layers.N.NAME, and a rank of 0 to 1,024.";
            }
        }
    }

    [GeneratedRegex(@"^(layers\.[0-9]{1,4}\.)?([qkvo]|gate|up|down)_proj$")]
    private static partial Regex Module();
}
