using System.Numerics.Tensors;
using Lauter.Inference.Grammars;
using Lauter.Inference.Native;

namespace Lauter.Inference.Sampling;

/// <summary>
/// Chooses the next token of one sequence from its logits. Order of filters: logit bias and penalties, constraint, top-k, temperature,
/// min-p, top-p, draw. One instance serves one sequence and is used by the scheduler's thread only.
/// </summary>
internal sealed class TokenSampler
{
    private readonly SamplingOptions _options;
    private readonly AnswerConstraint? _constraint;
    private readonly SamplerScratch _scratch;
    private readonly Dictionary<int, int> _generated = [];
    private readonly HashSet<int> _seen = [];
    private SeededRandom _random;

    public TokenSampler(SamplingOptions options, AnswerConstraint? constraint, ReadOnlySpan<int> prompt, SamplerScratch scratch)
    {
        _options = options;
        _constraint = constraint;
        _scratch = scratch;
        _random = new SeededRandom(options.Seed ?? (ulong)Random.Shared.NextInt64());
        if (options.RepeatPenalty != 1)
        {
            _seen.UnionWith(prompt.ToArray());
        }
    }

    /// <summary>Whether the constraint lets nothing follow: the answer is complete without asking the model for its end mark.</summary>
    public bool IsFinished => _constraint?.Active is { IsFinished: true };

    /// <summary>Picks a token, tells the constraint about it and reports its log-probability under the unchanged model.</summary>
    public SampledToken Next(ReadOnlySpan<float> modelLogits, LoadedModel model)
    {
        var logits = modelLogits;
        if (_options.ChangesLogits)
        {
            modelLogits.CopyTo(_scratch.Logits);
            AdjustLogits(_scratch.Logits);
            logits = _scratch.Logits;
        }

        // The constraint is asked about the free choice first: nearly always it agrees, and one question is cheaper than one per token.
        var restore = _random;
        var token = Choose(logits);
        if (_constraint?.Active is { } grammar && !grammar.Allows(token))
        {
            logits.CopyTo(_scratch.Logits);
            grammar.Mask(_scratch.Logits);
            if (float.IsNegativeInfinity(TensorPrimitives.Max<float>(_scratch.Logits)))
            {
                throw new GrammarDeadEndException();
            }

            _random = restore;
            token = Choose(_scratch.Logits);
        }

        Accept(token, model);
        return _options.NeedsLogProbability
            ? Describe(modelLogits, token, _options.TopLogProbabilities, _scratch)
            : new SampledToken(token, float.NaN, []);
    }

    /// <summary>Log-probability of <paramref name="token"/> and the <paramref name="count"/> likeliest tokens, by falling probability then id.</summary>
    public static SampledToken Describe(ReadOnlySpan<float> logits, int token, int count, SamplerScratch scratch)
    {
        var normaliser = LogSumExp(logits, scratch.Weights);
        var best = new List<TokenLogProbability>(count + 1);
        for (var id = 0; count > 0 && id < logits.Length; id++)
        {
            if (best.Count == count && logits[id] - normaliser <= best[^1].LogProbability)
            {
                continue;
            }

            var value = logits[id] - normaliser;
            var at = best.FindIndex(other => value > other.LogProbability);
            best.Insert(at < 0 ? best.Count : at, new TokenLogProbability(id, value));
            if (best.Count > count)
            {
                best.RemoveAt(count);
            }
        }

        return new SampledToken(token, logits[token] - normaliser, [.. best]);
    }

    private static float LogSumExp(ReadOnlySpan<float> logits, float[] scratch)
    {
        var max = TensorPrimitives.Max(logits);
        TensorPrimitives.Subtract(logits, max, scratch);
        TensorPrimitives.Exp<float>(scratch, scratch);
        return (float)(max + Math.Log(TensorPrimitives.Sum<float>(scratch)));
    }

    private void Accept(int token, LoadedModel model)
    {
        _constraint?.Accept(token, model.Piece(token));
        if (_options.ChangesLogits)
        {
            _generated[token] = _generated.GetValueOrDefault(token) + 1;
            _seen.Add(token);
        }
    }

    private void AdjustLogits(float[] logits)
    {
        foreach (var (id, bias) in _options.LogitBias ?? new Dictionary<int, float>())
        {
            if ((uint)id < (uint)logits.Length)
            {
                logits[id] += bias;
            }
        }

        if (_options.RepeatPenalty != 1)
        {
            foreach (var id in _seen)
            {
                logits[id] = logits[id] > 0 ? logits[id] / _options.RepeatPenalty : logits[id] * _options.RepeatPenalty;
            }
        }

        foreach (var (id, count) in _generated)
        {
            logits[id] -= (count * _options.FrequencyPenalty) + _options.PresencePenalty;
        }
    }

    private int Choose(ReadOnlySpan<float> logits)
    {
        if (_options.Temperature <= 0)
        {
            return TensorPrimitives.IndexOfMax(logits);
        }

        // exp((logit − best) / temperature): the best token weighs 1, −infinity from the constraint becomes exactly 0.
        var weights = _scratch.Weights;
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), weights);
        TensorPrimitives.Multiply<float>(weights, 1 / _options.Temperature, weights);
        TensorPrimitives.Exp<float>(weights, weights);
        if (_options.TopK == 0 && _options.TopP >= 1)
        {
            return Draw(weights);
        }

        var total = _options.TopK == 0 ? Sum(weights) : 0;
        var count = Candidates(weights, total);
        var kept = _options.TopK > 0 ? Math.Min(_options.TopK, count) : count;
        if (_options.TopK > 0)
        {
            // Top-p shares out what top-k and min-p have left.
            for (var rank = 0; rank < kept; rank++)
            {
                if (-_scratch.Keys[rank] < _options.MinP)
                {
                    kept = rank;
                    break;
                }

                total -= _scratch.Keys[rank];
            }
        }

        var limit = _options.TopP < 1 ? total * _options.TopP : double.PositiveInfinity;
        var sum = 0.0;
        for (var rank = 0; rank < kept; rank++)
        {
            sum -= _scratch.Keys[rank];
            if (sum >= limit)
            {
                kept = rank + 1;
                break;
            }
        }

        var point = _random.NextDouble() * sum;
        for (var rank = 0; rank < kept; rank++)
        {
            point += _scratch.Keys[rank];
            if (point < 0)
            {
                return _scratch.Tokens[rank];
            }
        }

        return _scratch.Tokens[Math.Max(0, kept - 1)];
    }

    /// <summary>Sum of the weights that min-p leaves.</summary>
    private double Sum(float[] weights)
    {
        var sum = 0.0;
        foreach (var weight in weights)
        {
            sum += weight >= _options.MinP ? weight : 0;
        }

        return sum;
    }

    /// <summary>
    /// The heaviest tokens, sorted by falling weight then id, as many as top-k or top-p can need. Sorting a whole vocabulary takes longer than
    /// a small model's step, so only those above a bound are, and the bound falls until they suffice.
    /// </summary>
    private int Candidates(float[] weights, double total)
    {
        for (var bound = 1f / 1_024; ; bound = bound < 1e-30f ? 0 : bound / 1_024)
        {
            var least = Math.Max(bound, _options.MinP);
            var count = 0;
            var sum = 0.0;
            for (var id = 0; id < weights.Length; id++)
            {
                if (weights[id] >= least && weights[id] > 0)
                {
                    _scratch.Tokens[count] = id;
                    _scratch.Keys[count++] = -weights[id];
                    sum += weights[id];
                }
            }

            var suffices = _options.TopK > 0 ? count >= _options.TopK : sum >= total * _options.TopP;
            if (suffices || least == _options.MinP || bound == 0)
            {
                Array.Sort(_scratch.Keys, _scratch.Tokens, 0, count);
                SortEqualsById(count);
                return count;
            }
        }
    }

    /// <summary>Sorting is not stable, and equal weights must not depend on how it went.</summary>
    private void SortEqualsById(int count)
    {
        for (var start = 0; start < count;)
        {
            var end = start + 1;
            while (end < count && _scratch.Keys[end] == _scratch.Keys[start])
            {
                end++;
            }

            Array.Sort(_scratch.Tokens, start, end - start);
            start = end;
        }
    }

    /// <summary>Draws from all tokens that min-p leaves, in the order of their ids: no sorting is needed.</summary>
    private int Draw(float[] weights)
    {
        var point = _random.NextDouble() * Sum(weights);
        var last = 0;
        for (var id = 0; id < weights.Length; id++)
        {
            if (weights[id] >= _options.MinP && weights[id] > 0)
            {
                last = id;
                point -= weights[id];
                if (point < 0)
                {
                    return id;
                }
            }
        }

        return last;
    }
}
