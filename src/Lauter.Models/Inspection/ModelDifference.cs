using Lauter.Models.Families;
using Lauter.Models.Gguf;

namespace Lauter.Models.Inspection;

/// <summary>What distinguishes two models: keys (of GGUF files) and weights, compared as dequantised values in GGUF order whatever form each has.</summary>
public sealed record ModelDifference
{
    /// <summary>Keys whose values differ or that only one file has.</summary>
    public required IReadOnlyList<KeyDifference> Keys { get; init; }

    /// <summary>Weights of both models, most different first.</summary>
    public required IReadOnlyList<WeightDifference> Weights { get; init; }

    /// <summary>Weights that only the left model has.</summary>
    public required IReadOnlyList<string> OnlyLeft { get; init; }

    /// <summary>Weights that only the right model has.</summary>
    public required IReadOnlyList<string> OnlyRight { get; init; }

    /// <summary>Whether both models compute the same; keys like the name may still differ.</summary>
    public bool SameWeights => OnlyLeft.Count == 0 && OnlyRight.Count == 0 && Weights.All(weight => weight.Largest == 0);

    /// <summary>Compares two models of any form that <see cref="ModelWeights.Open"/> reads. One tensor of each is in memory at a time.</summary>
    /// <param name="left">A GGUF file or checkpoint folder.</param>
    /// <param name="right">Another.</param>
    /// <param name="cancellationToken">Ends the comparison between tensors.</param>
    public static ModelDifference Between(string left, string right, CancellationToken cancellationToken = default)
    {
        using ModelWeights one = ModelWeights.Open(left), other = ModelWeights.Open(right);
        var byName = other.Names.ToDictionary(weight => weight.Gguf, StringComparer.Ordinal);
        var weights = new List<WeightDifference>();
        foreach (var weight in one.Names)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (byName.TryGetValue(weight.Gguf, out var same))
            {
                weights.Add(weight.Shape.SequenceEqual(same.Shape)
                    ? WeightDifference.Between(weight, one.Read(weight), other.Read(same), one.StoredType(weight), other.StoredType(same))
                    : new WeightDifference(weight.Gguf, weight.Shape, same.Shape, one.StoredType(weight).ToString(), other.StoredType(same).ToString(), double.PositiveInfinity, double.PositiveInfinity));
            }
        }

        return new ModelDifference
        {
            Keys = KeyDifference.Between(left, right),
            Weights = [.. weights.OrderByDescending(weight => weight.Relative).ThenByDescending(weight => weight.Largest)],
            OnlyLeft = [.. one.Names.Where(weight => !byName.ContainsKey(weight.Gguf)).Select(weight => weight.Gguf)],
            OnlyRight = [.. byName.Keys.Except(one.Names.Select(weight => weight.Gguf), StringComparer.Ordinal)],
        };
    }
}

/// <summary>One weight in two models.</summary>
/// <param name="Name">Name in GGUF files.</param>
/// <param name="LeftShape">Shape on the left.</param>
/// <param name="RightShape">Shape on the right.</param>
/// <param name="LeftType">Storage on the left.</param>
/// <param name="RightType">Storage on the right.</param>
/// <param name="Largest">Largest absolute difference of a value; infinite where the shapes differ.</param>
/// <param name="Relative">Root mean square of the difference ÷ that of the left values.</param>
public sealed record WeightDifference(string Name, IReadOnlyList<long> LeftShape, IReadOnlyList<long> RightShape, string LeftType, string RightType, double Largest, double Relative)
{
    internal static WeightDifference Between(WeightName weight, float[] left, float[] right, GgufTensorType leftType, GgufTensorType rightType)
    {
        double largest = 0, difference = 0, size = 0;
        for (var i = 0; i < left.Length; i++)
        {
            var delta = Math.Abs((double)left[i] - right[i]);
            largest = double.IsNaN(delta) ? double.PositiveInfinity : Math.Max(largest, delta);
            difference += delta * delta;
            size += (double)left[i] * left[i];
        }

        var relative = difference == 0 ? 0 : size == 0 ? double.PositiveInfinity : Math.Sqrt(difference / size);
        return new WeightDifference(weight.Gguf, weight.Shape, weight.Shape, leftType.ToString(), rightType.ToString(), largest, double.IsNaN(relative) ? double.PositiveInfinity : relative);
    }
}

/// <summary>One key in two GGUF files.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Left">Its value as text, or null when missing.</param>
/// <param name="Right">Its value as text, or null when missing.</param>
public sealed record KeyDifference(string Key, string? Left, string? Right)
{
    private const int MostShown = 120;

    internal static IReadOnlyList<KeyDifference> Between(string left, string right)
    {
        if (Directory.Exists(left) || Directory.Exists(right) || Path.GetExtension(left) == ".safetensors" || Path.GetExtension(right) == ".safetensors")
        {
            return [];
        }

        using GgufFile one = GgufFile.Open(left), other = GgufFile.Open(right);
        return [.. one.Metadata.Keys.Union(other.Metadata.Keys, StringComparer.Ordinal)
            .Where(key => !Same(one.Metadata.GetValueOrDefault(key), other.Metadata.GetValueOrDefault(key)))
            .Select(key => new KeyDifference(key, Shown(one.Metadata.GetValueOrDefault(key)), Shown(other.Metadata.GetValueOrDefault(key))))];
    }

    private static bool Same(object? left, object? right) => left is Array one && right is Array other
        ? one.GetType() == other.GetType() && one.Length == other.Length && one.Cast<object>().SequenceEqual(other.Cast<object>())
        : Equals(left, right);

    private static string? Shown(object? value)
    {
        var text = value switch
        {
            null => null,
            Array array => $"{array.Length} values: {string.Join(", ", array.Cast<object>().Take(6))}",
            _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture),
        };
        return text?.Length > MostShown ? text[..MostShown] + "…" : text;
    }
}
