namespace Lauter.Releases.Rollout;

/// <summary>
/// Evidence that may be looked at after every request: an e-process on two arms of randomly assigned requests whose outcome is good or
/// bad. Under the hypothesis it tests, the expected value of <see cref="Value"/> never exceeds 1 at any moment, so "stop when it reaches
/// 1/alpha" errs with probability of at most alpha however often one looks (Ville's inequality).
/// </summary>
/// <remarks>
/// A request goes to the candidate with the known probability w and is bad with rate θ of its arm. For an assumed pair (θl, θc) outside of
/// the hypothesis, the pair inside that is nearest by Kullback–Leibler divergence, (1-w)·KL(θl‖tl) + w·KL(θc‖tc), makes the ratio of the two
/// likelihoods an e-variable for every pair inside, because the hypothesis is convex (Grünwald, de Heide, Koolen, "Safe testing"; Turner, Ly,
/// Grünwald, "Generic E-variables for exact sequential k-sample tests"). The assumed pairs are the live arm's rate so far plus each of a few
/// effects; each keeps its own product, and the mean of the products is the evidence. Rates are estimated from the requests before.
/// Not safe for threads.
/// </remarks>
public sealed class TwoArmEvidence
{
    private const double Edge = 1e-4;
    private const double Most = 1e300;
    private static readonly double[] HarmfulEffects = [0.01, 0.03, 0.08, 0.2, 0.5];
    private readonly double _limit;
    private readonly bool _harm;
    private readonly double[] _effects;
    private readonly double[] _logs;

    private TwoArmEvidence(double limit, bool harm, double[] effects)
    {
        _limit = limit;
        _harm = harm;
        _effects = effects;
        _logs = new double[effects.Length];
    }

    /// <summary>Requests of the live release seen so far.</summary>
    public long Live { get; private set; }

    /// <summary>Bad ones among <see cref="Live"/>.</summary>
    public long LiveBad { get; private set; }

    /// <summary>Requests of the candidate seen so far.</summary>
    public long Candidate { get; private set; }

    /// <summary>Bad ones among <see cref="Candidate"/>.</summary>
    public long CandidateBad { get; private set; }

    /// <summary>The evidence: 1 without any, 1/alpha and more rejects; shown as at most 1e300.</summary>
    public double Value
    {
        get
        {
            var largest = _logs.Max();
            return Math.Min(Most, Math.Exp(largest + Math.Log(_logs.Sum(l => Math.Exp(l - largest)) / _logs.Length)));
        }
    }

    /// <summary>Evidence against "the candidate is bad at most as often as the live release".</summary>
    public static TwoArmEvidence OfHarm() => new(0, harm: true, HarmfulEffects);

    /// <summary>Evidence against "the candidate is bad more often than the live release by <paramref name="margin"/> or more".</summary>
    /// <param name="margin">Above 0 and below 1, as a share: 0.02 = two of a hundred requests.</param>
    public static TwoArmEvidence OfSafety(double margin)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(margin);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(margin, 1);
        return new TwoArmEvidence(margin, harm: false, [0, margin / 2, -margin, -3 * margin]);
    }

    /// <summary>Takes one request.</summary>
    /// <param name="candidate">True when the candidate answered it.</param>
    /// <param name="bad">True when the outcome was bad.</param>
    /// <param name="share">The probability with which a request went to the candidate when this one was assigned: above 0, below 1.</param>
    public void Add(bool candidate, bool bad, double share)
    {
        if (!(share > 0 && share < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(share), share, "A share must lie between 0 and 1, both excluded: without two arms there is nothing to compare.");
        }

        // Krichevsky–Trofimov: half a good and half a bad request in advance.
        var live = Clamp((LiveBad + 0.5) / (Live + 1));
        for (var i = 0; i < _effects.Length; i++)
        {
            var assumed = Clamp(live + _effects[i]);
            if (_harm ? assumed <= live : assumed >= live + _limit)
            {
                continue; // the pair lies inside the hypothesis: nothing to bet on
            }

            var (nearLive, nearCandidate) = Nearest(live, assumed, share);
            var (outside, inside) = candidate ? (assumed, nearCandidate) : (live, nearLive);
            _logs[i] += bad ? Math.Log(outside / inside) : Math.Log((1 - outside) / (1 - inside));
        }

        if (candidate)
        {
            Candidate++;
            CandidateBad += bad ? 1 : 0;
        }
        else
        {
            Live++;
            LiveBad += bad ? 1 : 0;
        }
    }

    /// <summary>The pair (t, t + limit) on the border of the hypothesis that is nearest to (live, candidate).</summary>
    private (double Live, double Candidate) Nearest(double live, double candidate, double share)
    {
        if (_limit == 0)
        {
            var common = ((1 - share) * live) + (share * candidate);
            return (common, common);
        }

        // The derivative of the divergence rises with t, so its root is found by halving.
        var (low, high) = (0.0, 1 - _limit);
        for (var i = 0; i < 60; i++)
        {
            var t = (low + high) / 2;
            var u = t + _limit;
            var slope = ((1 - share) * (t - live) / (t * (1 - t))) + (share * (u - candidate) / (u * (1 - u)));
            if (slope < 0)
            {
                low = t;
            }
            else
            {
                high = t;
            }
        }

        var middle = (low + high) / 2;
        return (middle, middle + _limit);
    }

    private static double Clamp(double rate) => Math.Clamp(rate, Edge, 1 - Edge);
}
