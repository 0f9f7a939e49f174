using System.Text.Json.Serialization;
using Lauter.Evaluation.Statistics;

namespace Lauter.Releases.Drift;

/// <summary>What a feature is, and with it which test watches it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FeatureKind>))]
public enum FeatureKind
{
    /// <summary>Numbers: Kolmogorov–Smirnov, with PSI over pooled deciles beside it.</summary>
    [JsonStringEnumMemberName("number")]
    Number,

    /// <summary>Labels: PSI of their counts, with the Jensen–Shannon divergence beside it.</summary>
    [JsonStringEnumMemberName("label")]
    Label,

    /// <summary>Vectors: MMD on at most 300 rows of each side.</summary>
    [JsonStringEnumMemberName("vector")]
    Vector,
}

/// <summary>One feature of a window of rows: one value a row; null where a row has none.</summary>
/// <param name="Name">The feature, for example <c>input.length</c>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Numbers">Values of a number.</param>
/// <param name="Labels">Values of a label.</param>
/// <param name="Vectors">Values of a vector.</param>
public sealed record Feature(
    string Name, FeatureKind Kind, IReadOnlyList<double?>? Numbers = null, IReadOnlyList<string?>? Labels = null, IReadOnlyList<double[]?>? Vectors = null)
{
    /// <summary>Rows of the window.</summary>
    public int Rows => Numbers?.Count ?? Labels?.Count ?? Vectors?.Count ?? 0;

    /// <summary>Rows without a value.</summary>
    public int Missing => Numbers?.Count(v => v is null || !double.IsFinite(v.Value)) ?? Labels?.Count(v => v is null) ?? Vectors?.Count(v => v is null) ?? 0;
}

/// <summary>How one feature of a slice came out.</summary>
/// <param name="Slice"><c>all</c>, or <c>language=zh</c>.</param>
/// <param name="Feature">The feature; <c>NAME (missing)</c> for the share of rows without a value.</param>
/// <param name="Test">The test, for example <c>ks</c>.</param>
/// <param name="Reference">Values in the reference window.</param>
/// <param name="Current">Values in the current window.</param>
/// <param name="Distance">The distance the test judges.</param>
/// <param name="P">Chance of a distance as large without drift.</param>
/// <param name="AdjustedP">The same, adjusted for everything that was looked at (Holm).</param>
/// <param name="Psi">Population stability index; null for vectors.</param>
/// <param name="PsiThreshold">What chance alone exceeds with the alarm rate at these sizes; null for vectors.</param>
/// <param name="Alarm">True when <paramref name="AdjustedP"/> is at most the alarm rate.</param>
public sealed record DriftFinding(
    string Slice, string Feature, string Test, int Reference, int Current, double Distance, double P, double AdjustedP, double? Psi, double? PsiThreshold, bool Alarm);

/// <summary>What a comparison of two windows found.</summary>
/// <param name="FalseAlarmRate">Chance of any alarm at all when nothing has drifted.</param>
/// <param name="Findings">Every feature of every slice, the strongest first.</param>
/// <param name="TooSmall">Features with fewer than ten values on a side: nothing is said about them.</param>
public sealed record DriftReport(double FalseAlarmRate, IReadOnlyList<DriftFinding> Findings, IReadOnlyList<string> TooSmall)
{
    /// <summary>True when any feature alarms.</summary>
    [JsonIgnore]
    public bool Alarm => Findings.Any(f => f.Alarm);
}

/// <summary>
/// Compares two windows feature by feature with tests that hold their false-alarm rate at any size; all looks of one comparison share
/// it (Holm). Seeded: the same windows give the same report.
/// </summary>
public static class DriftWatch
{
    private const int LeastRows = 10;
    private const int MostVectors = 300;

    /// <summary>Compares slices of features.</summary>
    /// <param name="slices">By slice: each feature in the reference and the current window.</param>
    /// <param name="falseAlarmRate">Chance of any alarm without drift; above 0, at most 0.5. Default 0.01.</param>
    /// <param name="seed">Seed of the permutations.</param>
    public static DriftReport Compare(
        IEnumerable<(string Slice, Feature Reference, Feature Current)> slices, double falseAlarmRate = 0.01, ulong seed = 1)
    {
        if (!(falseAlarmRate is > 0 and <= 0.5))
        {
            throw new ArgumentOutOfRangeException(nameof(falseAlarmRate), falseAlarmRate, "A false-alarm rate lies above 0 and is at most 0.5.");
        }

        var found = new List<DriftFinding>();
        var small = new List<string>();
        var looks = slices.ToList();

        // Holm multiplies the smallest p by the number of tests: with fewer permutations even the clearest drift would stay above the rate.
        var permutations = Math.Max(999, (int)Math.Min(1_000_000, Math.Ceiling(2 * looks.Count / falseAlarmRate)));
        foreach (var (slice, reference, current) in looks)
        {
            if (reference.Missing + current.Missing > 0 && reference.Rows >= LeastRows && current.Rows >= LeastRows)
            {
                found.Add(Counts(
                    slice, $"{reference.Name} (missing)", [reference.Missing, reference.Rows - reference.Missing], [current.Missing, current.Rows - current.Missing], falseAlarmRate, seed, permutations));
            }

            if (reference.Rows - reference.Missing < LeastRows || current.Rows - current.Missing < LeastRows)
            {
                small.Add($"{slice}: {reference.Name}");
                continue;
            }

            found.Add(reference.Kind switch
            {
                FeatureKind.Number => Numbers(slice, reference, current, falseAlarmRate),
                FeatureKind.Label => Labels(slice, reference, current, falseAlarmRate, seed, permutations),
                _ => Vectors(slice, reference, current, seed, permutations),
            });
        }

        var adjusted = MultipleTests.Holm([.. found.Select(f => f.P)]);
        return new DriftReport(
            falseAlarmRate,
            [.. found.Select((f, i) => f with { AdjustedP = adjusted[i], Alarm = adjusted[i] <= falseAlarmRate }).OrderBy(f => f.P).ThenBy(f => f.Slice, StringComparer.Ordinal).ThenBy(f => f.Feature, StringComparer.Ordinal)],
            small);
    }

    private static DriftFinding Numbers(string slice, Feature reference, Feature current, double rate)
    {
        double[] x = [.. reference.Numbers!.Where(v => v is { } n && double.IsFinite(n)).Select(v => v!.Value)];
        double[] y = [.. current.Numbers!.Where(v => v is { } n && double.IsFinite(n)).Select(v => v!.Value)];
        var (r, c) = DriftTests.PooledDeciles(x, y);
        return new DriftFinding(
            slice, reference.Name, "ks", x.Length, y.Length, Distances.KolmogorovSmirnov(x, y), DriftTests.KolmogorovSmirnov(x, y), 1,
            Distances.Psi(r, c), DriftTests.PsiThreshold(r.Length, x.Length, y.Length, rate), Alarm: false);
    }

    private static DriftFinding Labels(string slice, Feature reference, Feature current, double rate, ulong seed, int permutations)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var label in reference.Labels!.Concat(current.Labels!))
        {
            if (label is not null)
            {
                ids.TryAdd(label, ids.Count);
            }
        }

        long[] r = new long[ids.Count], c = new long[ids.Count];
        foreach (var label in reference.Labels!.OfType<string>())
        {
            r[ids[label]]++;
        }

        foreach (var label in current.Labels!.OfType<string>())
        {
            c[ids[label]]++;
        }

        return Counts(slice, reference.Name, r, c, rate, seed, permutations);
    }

    private static DriftFinding Counts(string slice, string name, long[] reference, long[] current, double rate, ulong seed, int permutations)
    {
        int n = (int)reference.Sum(), m = (int)current.Sum();
        var psi = Distances.Psi(reference, current);
        return new DriftFinding(
            slice, name, "psi", n, m, psi, DriftTests.Psi(reference, current, seed, permutations), 1, psi, DriftTests.PsiThreshold(reference.Length, n, m, rate), Alarm: false);
    }

    private static DriftFinding Vectors(string slice, Feature reference, Feature current, ulong seed, int permutations)
    {
        var (x, y) = (Some(reference.Vectors!, seed), Some(current.Vectors!, seed + 1));
        return new DriftFinding(slice, reference.Name, "mmd", x.Count, y.Count, Distances.MmdSquared(x, y), DriftTests.Mmd(x, y, seed, permutations), 1, null, null, Alarm: false);
    }

    private static List<double[]> Some(IReadOnlyList<double[]?> vectors, ulong seed)
    {
        var kept = vectors.OfType<double[]>().ToList();
        var random = new SeededRandom(seed);
        for (var i = 0; i < Math.Min(MostVectors, kept.Count); i++)
        {
            var j = i + random.NextInt(kept.Count - i);
            (kept[i], kept[j]) = (kept[j], kept[i]);
        }

        return kept.Count > MostVectors ? kept[..MostVectors] : kept;
    }
}
