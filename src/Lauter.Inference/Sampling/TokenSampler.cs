using System.Numerics.Tensors;
using Lauter.Inference.Grammars;

namespace Lauter.Inference.Sampling;

/// <summary>
/// Chooses the next token of one sequence from its logits. Order of filters: logit bias and penalties, constraint, top-k, temperature,
/// min-p, top-p, draw. One instance serves one sequence and is used by the scheduler's thread only.
/// </summary>
internal sealed class TokenSampler
{
    private readonly SamplingOptions _options;
    private readonly GrammarState? _grammar;
    private readonly Dictionary<int, int> _generated = [];
    private readonly HashSet<int> _seen;
    private readonly float[] _logits;
    private readonly int[] _order;
    private readonly float[] _keys;
    private SeededRandom _random;

    public TokenSampler(SamplingOptions options, GrammarState? grammar, int vocabularySize, ReadOnlySpan<int> prompt)
    {
        _options = options;
        _grammar = grammar;
        _logits = new float[vocabularySize];
        _order = options.Temperature > 0 ? new int[vocabularySize] : [];
        _keys = options.Temperature > 0 ? new float[vocabularySize] : [];
        _random = new SeededRandom(options.Seed ?? (ulong)Random.Shared.NextInt64());
        _seen = [];
        if (options.RepeatPenalty != 1)
        {
            _seen.UnionWith(prompt.ToArray());
        }
    }

    /// <summary>Whether the constraint lets nothing follow: the answer is complete without asking the model for its end mark.</summary>
    public bool IsFinished => _grammar is { IsFinished: true };

    /// <summary>Picks a token, tells the constraint about it and reports its log-probability under the unchanged model.</summary>
    public SampledToken Next(ReadOnlySpan<float> modelLogits)
    {
        modelLogits.CopyTo(_logits);
        AdjustLogits();
        // The constraint is asked about the free choice first: nearly always it agrees, and one question is cheaper than one per token.
        var restore = _random;
        var token = Choose();
        if (_grammar is not null && !_grammar.Allows(token))
        {
            _grammar.Mask(_logits);
            if (float.IsNegativeInfinity(TensorPrimitives.Max(_logits)))
            {
                throw new GrammarDeadEndException();
            }

            _random = restore;
            token = Choose();
        }

        Accept(token);
        return _options.NeedsLogProbability
            ? Describe(modelLogits, token, _options.TopLogProbabilities)
            : new SampledToken(token, float.NaN, []);
    }

    /// <summary>Log-probability of <paramref name="token"/> and the <paramref name="count"/> likeliest tokens, by falling probability then id.</summary>
    public static SampledToken Describe(ReadOnlySpan<float> logits, int token, int count)
    {
        var normaliser = LogSumExp(logits);
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

    private static float LogSumExp(ReadOnlySpan<float> logits)
    {
        var max = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (var logit in logits)
        {
            sum += Math.Exp(logit - max);
        }

        return (float)(max + Math.Log(sum));
    }

    private void Accept(int token)
    {
        _grammar?.Accept(token);
        if (_options.ChangesLogits)
        {
            _generated[token] = _generated.GetValueOrDefault(token) + 1;
            _seen.Add(token);
        }
    }

    private void AdjustLogits()
    {
        if (!_options.ChangesLogits)
        {
            return;
        }

        foreach (var (id, bias) in _options.LogitBias ?? new Dictionary<int, float>())
        {
            if ((uint)id < (uint)_logits.Length)
            {
                _logits[id] += bias;
            }
        }

        if (_options.RepeatPenalty != 1)
        {
            foreach (var id in _seen)
            {
                _logits[id] = _logits[id] > 0 ? _logits[id] / _options.RepeatPenalty : _logits[id] * _options.RepeatPenalty;
            }
        }

        foreach (var (id, count) in _generated)
        {
            _logits[id] -= (count * _options.FrequencyPenalty) + _options.PresencePenalty;
        }
    }

    private int Choose()
    {
        if (_options.Temperature <= 0)
        {
            return TensorPrimitives.IndexOfMax(_logits);
        }

        for (var id = 0; id < _logits.Length; id++)
        {
            _order[id] = id;
            _keys[id] = -_logits[id];
        }

        Array.Sort(_keys, _order);
        var kept = _options.TopK > 0 ? Math.Min(_options.TopK, _order.Length) : _order.Length;
        var top = _keys[0];
        var total = 0.0;
        for (var rank = 0; rank < kept; rank++)
        {
            // exp((logit − best) / temperature); −infinity from the constraint becomes exactly 0.
            var weight = (float)Math.Exp((top - _keys[rank]) / _options.Temperature);
            if (weight == 0 || weight < _options.MinP)
            {
                kept = rank;
                break;
            }

            _keys[rank] = rank == 0 ? 1 : weight;
            total += _keys[rank];
        }

        var limit = total * _options.TopP;
        var sum = 0.0;
        for (var rank = 0; rank < kept && _options.TopP < 1; rank++)
        {
            sum += _keys[rank];
            if (sum >= limit)
            {
                kept = rank + 1;
                total = sum;
                break;
            }
        }

        var point = _random.NextDouble() * total;
        for (var rank = 0; rank < kept; rank++)
        {
            point -= _keys[rank];
            if (point < 0)
            {
                return _order[rank];
            }
        }

        return _order[Math.Max(0, kept - 1)];
    }
}
