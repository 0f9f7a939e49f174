using System.Text.RegularExpressions;
using Lauter.Models.Families;

namespace Lauter.Models.Peft;

/// <summary>A LoRA adapter in the form of the PEFT library: its settings and its pairs. Immutable.</summary>
public sealed record PeftAdapter
{
    private static readonly TimeSpan MostMatching = TimeSpan.FromSeconds(1);

    /// <summary>What the adapter was trained on, for people; a path or a name, or null.</summary>
    public string? BaseModel { get; init; }

    /// <summary>Rank where <see cref="RankPattern"/> says nothing else.</summary>
    public required int Rank { get; init; }

    /// <summary>Numerator of the scale where <see cref="AlphaPattern"/> says nothing else.</summary>
    public required double Alpha { get; init; }

    /// <summary>Dropout of the training, for the record.</summary>
    public double Dropout { get; init; }

    /// <summary>Whether the scale is alpha/√r instead of alpha/r (Kalajdzievski 2023).</summary>
    public bool RankStabilised { get; init; }

    /// <summary>Last parts of the adapted modules' paths, like <c>q_proj</c>.</summary>
    public required IReadOnlyList<string> TargetModules { get; init; }

    /// <summary>Other ranks by a pattern that matches the end of a module's path.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>Other alphas by a pattern that matches the end of a module's path.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>The pairs, by module path.</summary>
    public required IReadOnlyList<LoraPair> Pairs { get; init; }

    /// <summary>Whole weights trained beside the pairs (<c>modules_to_save</c>), by their name in the checkpoint, like <c>lm_head.weight</c>, with their shapes.</summary>
    public IReadOnlyDictionary<string, (long[] Shape, float[] Values)> Saved { get; init; } = new Dictionary<string, (long[], float[])>();

    /// <summary>Whether any pair has DoRA's magnitudes.</summary>
    public bool HasMagnitudes => Pairs.Any(pair => pair.Magnitude is not null);

    /// <summary>The factor on B·A.</summary>
    public double Scale(LoraPair pair)
    {
        ArgumentNullException.ThrowIfNull(pair);
        var alpha = AlphaPattern.Where(entry => Matches(entry.Key, pair.Module)).Select(entry => (double?)entry.Value).FirstOrDefault() ?? Alpha;
        return alpha / (RankStabilised ? Math.Sqrt(pair.Rank) : pair.Rank);
    }

    /// <summary>Reads a folder with <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
    /// <exception cref="AdapterException">Something is missing, damaged, or a kind of adapter that is more than LoRA and DoRA.</exception>
    public static PeftAdapter Read(string folder) => PeftReader.Read(folder);

    /// <summary>Writes the two files of the PEFT library into a folder, fp32; each replaces its predecessor whole.</summary>
    public void Write(string folder) => PeftWriter.Write(this, folder);

    /// <summary>The weight of each pair, once every pair and saved weight fits the base.</summary>
    /// <exception cref="AdapterException">A module is not in the base, or has another shape there: the adapter belongs to another model.</exception>
    public IReadOnlyList<(LoraPair Pair, WeightName Weight)> On(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var weights = ModelFamily.Named(config.Family).Weights(config).ToDictionary(weight => weight.HuggingFace, StringComparer.Ordinal);
        foreach (var (name, (shape, _)) in Saved)
        {
            if (!weights.TryGetValue(name, out var weight) || !weight.Shape.SequenceEqual(shape))
            {
                throw new AdapterException($"The adapter holds '{name}' [{string.Join(", ", shape)}], but the base ({config.Family}, {config.Layers} layers of width {config.Width}) {(weight is null ? "has no such weight" : $"has it as [{string.Join(", ", weight.Shape)}]")}: it belongs to another base.");
            }
        }

        return [.. Pairs.Select(pair => weights.TryGetValue(pair.Module + ".weight", out var weight) && weight.Shape.SequenceEqual([pair.Outputs, pair.Inputs])
            ? (pair, weight)
            : throw new AdapterException($"The adapter changes '{pair.Module}' [{pair.Outputs}, {pair.Inputs}], but the base ({config.Family}, {config.Layers} layers of width {config.Width}) {(weight is null ? "has no such module" : $"has it as [{string.Join(", ", weight.Shape)}]")}: it belongs to another base."))];
    }

    /// <summary>PEFT's rule: a pattern is a regular expression for the whole path or for its last parts.</summary>
    internal static bool Matches(string pattern, string module)
    {
        try
        {
            return module == pattern || module.EndsWith("." + pattern, StringComparison.Ordinal) || Regex.IsMatch(module, $@"\A(.*\.)?({pattern})\z", RegexOptions.CultureInvariant, MostMatching);
        }
        catch (Exception exception) when (exception is RegexParseException or RegexMatchTimeoutException)
        {
            throw new AdapterException($"The pattern '{pattern}' of the adapter's settings cannot be used: {exception.Message}", exception);
        }
    }
}
