using Lauter.Evaluation.Statistics;

namespace Lauter.Releases.Gates;

/// <summary>
/// One paired comparison, the candidate first: counts, effect, design effect, interval. Scores of 0 and 1 go by Tango's score interval,
/// graded ones by Student's on the differences with one imagined item won and one lost in full, so that few or equal differences never
/// look certain (for 0 and 1 that is Bonett and Price's form).
/// </summary>
internal sealed record PairedComparison(
    PairedTable Table, ClusterIndex Clusters, double DesignEffect, double CriticalValue, Interval Interval, double Correction, GradedMean? Graded)
{
    private const double ContinuityCorrection = 0.5;

    /// <summary>Candidate minus baseline.</summary>
    public double Effect => Graded?.Observed ?? Table.Difference;

    /// <param name="pairs">The scores.</param>
    /// <param name="members">The items that take part.</param>
    /// <param name="tail">Risk on each side of the interval.</param>
    public static PairedComparison Of(PairedItems pairs, int[] members, double tail)
    {
        var clusters = ClusterIndex.Of(members.Select(i => pairs.Items[i].Cluster));
        var differences = Array.ConvertAll(members, i => pairs.Candidate[i] - pairs.Baseline[i]);
        var table = pairs.Table(members);
        return pairs.IsBinary ? OfCounts(table, differences, clusters, tail) : OfGraded(table, differences, clusters, tail);
    }

    /// <summary>Independent items; the clusters are left empty.</summary>
    internal static PairedComparison OfIndependent(PairedTable table, double tail)
    {
        var z = Normal.Quantile(1 - tail);
        return new PairedComparison(table, ClusterIndex.Of<int>([]), 1, z, DifferenceIntervals.TangoAt(table, z, ContinuityCorrection), ContinuityCorrection, null);
    }

    private static PairedComparison OfGraded(PairedTable table, double[] differences, ClusterIndex clusters, double tail)
    {
        var mean = GradedMean.Of(differences, clusters);
        var effect = clusters.IsClustered ? ClusterEffect(differences, clusters) : 1;
        if (mean.Degrees < 1)
        {
            return new PairedComparison(table, clusters, effect, double.PositiveInfinity, new Interval(-1, 1), 0, mean);
        }

        var critical = BetaFunction.StudentQuantile(1 - tail, mean.Degrees);
        var interval = new Interval(Math.Max(-1, mean.Centre - (critical * mean.Error)), Math.Min(1, mean.Centre + (critical * mean.Error)));
        return new PairedComparison(table, clusters, effect, critical, interval, 0, mean);
    }

    /// <param name="table">The counts.</param>
    /// <param name="differences">1, 0 or -1 for each item; only read with clusters.</param>
    /// <param name="clusters">Clusters of the items.</param>
    /// <param name="tail">Risk on each side of the interval.</param>
    internal static PairedComparison OfCounts(PairedTable table, double[] differences, ClusterIndex clusters, double tail)
    {
        if (!clusters.IsClustered)
        {
            return OfIndependent(table, tail) with { Clusters = clusters };
        }

        var effect = ClusterEffect(differences, clusters);
        var critical = clusters.Count > 1 ? BetaFunction.StudentQuantile(1 - tail, clusters.Count - 1) : double.PositiveInfinity;
        var scaled = critical * Math.Sqrt(effect);
        var interval = double.IsFinite(scaled) ? DifferenceIntervals.TangoAt(table, scaled, ContinuityCorrection) : new Interval(-1, 1);
        return new PairedComparison(table, clusters, effect, critical, interval, ContinuityCorrection, null);
    }

    /// <summary>
    /// The design effect seen, drawn towards the largest possible one (a cluster moves as one) by as much as two further clusters that
    /// differ would: a handful of lost items in clusters of their own looks independent by luck, and passed 0.067 of releases at a
    /// stated 0.05 in the simulation.
    /// </summary>
    private static double ClusterEffect(double[] differences, ClusterIndex clusters)
    {
        double squares = 0;
        var differing = 0;
        for (var c = 0; c < clusters.Count; c++)
        {
            var members = clusters.Members(c);
            squares += (double)members.Length * members.Length;
            foreach (var member in members)
            {
                if (differences[member] != 0)
                {
                    differing++;
                    break;
                }
            }
        }

        double largest = squares / clusters.Items, seen = differing == 0 ? largest : ClusteredErrors.DesignEffect(differences, clusters);
        return seen >= largest ? seen : seen + ((largest - seen) * 2 / (differing + 2));
    }

    /// <summary>p of "the true difference is at most <paramref name="difference"/>", one-sided.</summary>
    public double UpperP(double difference) => Graded is { } mean ? mean.Tail(difference) : Tail(DifferenceIntervals.TangoStatistic(Table, difference, -Correction) / Math.Sqrt(DesignEffect));

    /// <summary>p of "the candidate is not worse", one-sided: exact when items are independent.</summary>
    public double RegressionP() => Graded is { } mean ? 1 - mean.Tail(0)
        : Clusters.IsClustered ? Tail(-DifferenceIntervals.TangoStatistic(Table, 0, Correction) / Math.Sqrt(DesignEffect))
        : McNemar.ExactFirstBetter(Table.OnlySecond, Table.OnlyFirst);

    /// <summary>Two-sided p of "no difference": exact McNemar when items are independent.</summary>
    public double EqualityP() => Clusters.IsClustered || Graded is not null
        ? Math.Min(1, 2 * Math.Min(UpperP(0), RegressionP()))
        : McNemar.Exact(Table.OnlyFirst, Table.OnlySecond);

    /// <summary>Writes the comparison into <paramref name="verdict"/>.</summary>
    public GateVerdict Fill(GateVerdict verdict, GatePolicy policy)
    {
        double n = Table.Items, effective = n / DesignEffect;
        var superiority = policy.Kind == GateKind.Superiority;

        // Planning needs some discordance: where none was seen, its upper confidence bound stands in.
        var discordant = Table.OnlyFirst + Table.OnlySecond;
        var discordance = Graded is { } mean ? mean.Variance + (mean.Observed * mean.Observed)
            : discordant > 0 ? Table.Discordance : ProportionIntervals.Wilson(0, effective, 0.95).High;
        var difference = superiority ? Effect : Math.Min(0, Effect);
        var needed = superiority
            ? difference > 0 ? SampleSize.Superiority(discordance, difference, policy.Spent, policy.Power) : double.PositiveInfinity
            : SampleSize.NonInferiority(discordance, policy.Margin, policy.Spent, policy.Power, difference);
        return verdict with
        {
            Clusters = Clusters.Count,
            DesignEffect = DesignEffect,
            CandidateOnly = Table.OnlyFirst,
            BaselineOnly = Table.OnlySecond,
            BothRight = Table.BothRight,
            BothWrong = Table.BothWrong,
            Effect = Effect,
            Low = Interval.Low,
            High = Interval.High,
            Confidence = superiority ? 1 - policy.Spent : 1 - (2 * policy.Spent),
            Method = Graded is { } graded ? $"student|imagined:2|{(Clusters.IsClustered ? "clusters|" : "")}degrees:{graded.Degrees}"
                : Clusters.IsClustered ? $"tango|cc:{Correction}|clusters|student:{Clusters.Count - 1}" : $"tango|cc:{Correction}",
            P = superiority ? EqualityP() : UpperP(-policy.Margin),
            AchievedPower = superiority
                ? SampleSize.SuperiorityPower(effective, discordance, difference, policy.Spent)
                : SampleSize.NonInferiorityPower(effective, discordance, policy.Margin, policy.Spent),
            ItemsNeeded = double.IsFinite(needed) ? (long)Math.Ceiling(Math.Max(needed, 1) * DesignEffect) : null,
            AssumedDifference = double.IsFinite(needed) ? difference : null,
        };
    }

    private double Tail(double statistic) => double.IsNaN(statistic) ? 1
        : Clusters.IsClustered ? Clusters.Count > 1 ? BetaFunction.StudentUpperTail(statistic, Clusters.Count - 1) : 1
        : Normal.UpperTail(statistic);
}

/// <summary>Mean of graded differences with one item of +1 and one of -1 added.</summary>
/// <param name="Observed">The mean without them.</param>
/// <param name="Centre">The mean with them.</param>
/// <param name="Error">Standard error with them, by cluster.</param>
/// <param name="Variance">Variance of one difference, without them.</param>
/// <param name="Degrees">Degrees of freedom: clusters - 1.</param>
internal sealed record GradedMean(double Observed, double Centre, double Error, double Variance, int Degrees)
{
    public static GradedMean Of(double[] differences, ClusterIndex clusters)
    {
        double[] padded = [.. differences, 1, -1];
        var owner = new int[padded.Length];
        for (var c = 0; c < clusters.Count; c++)
        {
            foreach (var member in clusters.Members(c))
            {
                owner[member] = c;
            }
        }

        (owner[^2], owner[^1]) = (clusters.Count, clusters.Count + 1);
        var mean = differences.Average();
        return new GradedMean(
            mean, padded.Average(), ClusteredErrors.Sandwich(padded, ClusterIndex.Of(owner)),
            differences.Sum(d => (d - mean) * (d - mean)) / Math.Max(1, differences.Length - 1), clusters.Count - 1);
    }

    /// <summary>p of "the true mean is at most <paramref name="difference"/>".</summary>
    public double Tail(double difference) => Degrees < 1 ? 1 : BetaFunction.StudentUpperTail((Centre - difference) / Error, Degrees);
}
