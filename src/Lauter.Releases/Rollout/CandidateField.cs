namespace Lauter.Releases.Rollout;

/// <summary>
/// Several candidates and the live release at the same time: an e-process for every ordered pair of arms, so that each candidate is compared with the live
/// release and with each rival, in the same window. Not safe for threads.
/// </summary>
/// <remarks>
/// A request that went to one of two arms i and j went to i with the probability w(i) ÷ (w(i) + w(j)), whatever the others are, so
/// <see cref="TwoArmEvidence"/> holds for each pair. With K candidates, each harm limit K/alpha bounds the probability that the best arm is taken out by
/// alpha (it meets K others), and each safety limit K/alpha bounds the probability that a candidate which is worse than the live release by the margin is promoted.
/// A winner that is worse than the best arm by the margin needs one of the two errors: at most 2·alpha.
/// </remarks>
internal sealed class CandidateField(IReadOnlyList<string> candidates, IReadOnlyList<RolloutSignal> signals, double margin)
{
    private readonly Dictionary<(RolloutSignal Signal, int Arm, int Other), (TwoArmEvidence Harm, TwoArmEvidence Safety)> _pairs = Pairs(candidates.Count, signals, margin);

    /// <summary>Takes one observation of <paramref name="arm"/>: 0 = the live release, then the candidates in order.</summary>
    public void Add(RolloutSignal signal, int arm, bool bad, DateTimeOffset at, Rollout rollout)
    {
        var mine = WeightOf(arm, at, rollout);
        for (var other = 0; other <= candidates.Count; other++)
        {
            var theirs = WeightOf(other, at, rollout);
            if (other == arm || !(mine > 0 && theirs > 0))
            {
                continue;
            }

            if (arm > 0)
            {
                var own = _pairs[(signal, arm, other)];
                own.Harm.Add(candidate: true, bad, mine / (mine + theirs));
                own.Safety.Add(candidate: true, bad, mine / (mine + theirs));
            }

            if (other > 0)
            {
                var against = _pairs[(signal, other, arm)];
                against.Harm.Add(candidate: false, bad, theirs / (mine + theirs));
                against.Safety.Add(candidate: false, bad, theirs / (mine + theirs));
            }
        }
    }

    /// <summary>What candidate number <paramref name="arm"/> (from 1) shows beside the live release, by signal.</summary>
    public IEnumerable<SignalEvidence> AgainstLive(int arm) => signals.Select(s => _pairs[(s, arm, 0)] is var pair
        ? new SignalEvidence(s, pair.Harm.Live, pair.Harm.LiveBad, pair.Harm.Candidate, pair.Harm.CandidateBad, pair.Harm.Value, pair.Safety.Value)
        {
            Release = candidates.Count > 1 ? candidates[arm - 1] : null,
        }
        : throw new InvalidOperationException("A pattern that always matches did not."));

    /// <summary>Where candidate number <paramref name="arm"/> stands against every arm; only arms that stand can keep it from a promotion.</summary>
    public CandidateEvidence Of(int arm, long answers, Rollout rollout)
    {
        var others = Enumerable.Range(0, candidates.Count + 1).Where(o => o != arm).ToList();
        var worst = others.MaxBy(o => signals.Average(s => _pairs[(s, arm, o)].Harm.Value));
        var standing = others.Where(o => o == 0 || rollout.StandsAt(candidates[o - 1], DateTimeOffset.MaxValue));
        return new CandidateEvidence(
            candidates[arm - 1], answers, signals.Average(s => _pairs[(s, arm, worst)].Harm.Value), worst == 0 ? rollout.Live : candidates[worst - 1],
            standing.Min(o => signals.Min(s => _pairs[(s, arm, o)].Safety.Value)));
    }

    /// <summary>Share of the candidate's requests that were bad, over all signals; for choosing among those that may all be promoted.</summary>
    public double BadShare(int arm) => signals.Average(s => _pairs[(s, arm, 0)].Harm is var e && e.Candidate > 0 ? (double)e.CandidateBad / e.Candidate : 0);

    private double WeightOf(int arm, DateTimeOffset at, Rollout rollout)
    {
        var each = rollout.ShareAt(at) / candidates.Count;
        return arm > 0
            ? rollout.StandsAt(candidates[arm - 1], at) ? each : 0
            : 1 - (each * candidates.Count(c => rollout.StandsAt(c, at)));
    }

    private static Dictionary<(RolloutSignal, int, int), (TwoArmEvidence, TwoArmEvidence)> Pairs(int count, IReadOnlyList<RolloutSignal> signals, double margin) =>
    (
        from signal in signals
        from arm in Enumerable.Range(1, count)
        from other in Enumerable.Range(0, count + 1)
        where other != arm
        select (signal, arm, other)).ToDictionary(p => p, _ => (TwoArmEvidence.OfHarm(), TwoArmEvidence.OfSafety(margin)));
}
