using Lauter.Evaluation.Statistics;

namespace Lauter.Releases.Gates;

/// <summary>One paired comparison, the candidate first: counts, design effect, interval.</summary>
internal sealed record PairedComparison(PairedTable Table, ClusterIndex Clusters, double DesignEffect, double CriticalValue, Interval Interval, double Correction)
{
    /// <param name="table">The counts.</param>
    /// <param name="differences">1, 0 or -1 for each item.</param>
    /// <param name="clusters">Clusters of the items.</param>
    /// <param name="tail">Risk on each side of the interval.</param>
    /// <param name="correction">Continuity correction in items.</param>
    public static PairedComparison Of(PairedTable table, double[] differences, ClusterIndex clusters, double tail, double correction)
    {
        if (!clusters.IsClustered)
        {
            var z = Normal.Quantile(1 - tail);
            return new PairedComparison(table, clusters, 1, z, DifferenceIntervals.TangoAt(table, z, correction), correction);
        }

        var effect = Effect(table, differences, clusters);
        var critical = clusters.Count > 1 ? BetaFunction.StudentQuantile(1 - tail, clusters.Count - 1) : double.PositiveInfinity;
        var scaled = critical * Math.Sqrt(effect);
        var interval = double.IsFinite(scaled) ? DifferenceIntervals.TangoAt(table, scaled, correction) : new Interval(-1, 1);
        return new PairedComparison(table, clusters, effect, critical, interval, correction);
    }

    /// <summary>Without a discordant pair there is nothing to estimate from; then items of one cluster count as one.</summary>
    private static double Effect(PairedTable table, double[] differences, ClusterIndex clusters) =>
        table.OnlyFirst + table.OnlySecond == 0
            ? clusters.Items / (double)clusters.Count
            : ClusteredErrors.DesignEffect(differences, clusters);

    /// <summary>p of "the true difference is at most <paramref name="difference"/>", one-sided.</summary>
    public double UpperP(double difference) =>
        Tail(DifferenceIntervals.TangoStatistic(Table, difference, -Correction) / Math.Sqrt(DesignEffect));

    /// <summary>p of "the candidate is not worse", one-sided: exact when items are independent.</summary>
    public double RegressionP() => Clusters.IsClustered
        ? Tail(-DifferenceIntervals.TangoStatistic(Table, 0, Correction) / Math.Sqrt(DesignEffect))
        : McNemar.ExactFirstBetter(Table.OnlySecond, Table.OnlyFirst);

    /// <summary>Two-sided p of "no difference": exact McNemar when items are independent.</summary>
    public double EqualityP() => Clusters.IsClustered
        ? Math.Min(1, 2 * Math.Min(UpperP(0), RegressionP()))
        : McNemar.Exact(Table.OnlyFirst, Table.OnlySecond);

    /// <summary>Writes the comparison into <paramref name="verdict"/>.</summary>
    public GateVerdict Fill(GateVerdict verdict, GatePolicy policy)
    {
        double n = Table.Items, effective = n / DesignEffect;
        var superiority = policy.Kind == GateKind.Superiority;

        // Planning needs some discordance: where none was seen, its upper confidence bound stands in.
        var discordant = Table.OnlyFirst + Table.OnlySecond;
        var discordance = discordant > 0 ? Table.Discordance : ProportionIntervals.Wilson(0, effective, 0.95).High;
        var difference = superiority ? Table.Difference : Math.Min(0, Table.Difference);
        var needed = superiority
            ? difference > 0 ? SampleSize.Superiority(discordance, difference, policy.Alpha, policy.Power) : double.PositiveInfinity
            : SampleSize.NonInferiority(discordance, policy.Margin, policy.Alpha, policy.Power, difference);
        return verdict with
        {
            Clusters = Clusters.Count,
            DesignEffect = DesignEffect,
            CandidateOnly = Table.OnlyFirst,
            BaselineOnly = Table.OnlySecond,
            BothRight = Table.BothRight,
            BothWrong = Table.BothWrong,
            Effect = Table.Difference,
            Low = Interval.Low,
            High = Interval.High,
            Confidence = superiority ? 1 - policy.Alpha : 1 - (2 * policy.Alpha),
            Method = Clusters.IsClustered ? $"tango|cc:{Correction}|clusters|student:{Clusters.Count - 1}" : $"tango|cc:{Correction}",
            P = superiority ? EqualityP() : UpperP(-policy.Margin),
            AchievedPower = superiority
                ? SampleSize.SuperiorityPower(effective, discordance, difference, policy.Alpha)
                : SampleSize.NonInferiorityPower(effective, discordance, policy.Margin, policy.Alpha),
            ItemsNeeded = double.IsFinite(needed) ? (long)Math.Ceiling(Math.Max(needed, 1) * DesignEffect) : null,
            AssumedDifference = double.IsFinite(needed) ? difference : null,
        };
    }

    private double Tail(double statistic) => double.IsNaN(statistic) ? 1
        : Clusters.IsClustered ? Clusters.Count > 1 ? BetaFunction.StudentUpperTail(statistic, Clusters.Count - 1) : 1
        : Normal.UpperTail(statistic);
}
