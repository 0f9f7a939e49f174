namespace Lauter.Training.Decoders;

/// <summary>A distribution over a few tokens that a prediction is asked for instead of one token (Hinton et al. 2015, arXiv:1503.02531). Probabilities sum to 1.</summary>
internal sealed unsafe class TeacherTarget(int[] ids, float[] probabilities)
{
    /// <summary>From recorded log-probabilities: the mass beyond them is spread over them in proportion.</summary>
    /// <param name="recorded">Tokens with natural-log probabilities; at least one.</param>
    public static TeacherTarget Of(IReadOnlyList<(int Id, double LogProbability)> recorded)
    {
        var largest = recorded.Max(r => r.LogProbability);
        var sum = recorded.Sum(r => Math.Exp(r.LogProbability - largest));
        return new TeacherTarget([.. recorded.Select(r => r.Id)], [.. recorded.Select(r => (float)(Math.Exp(r.LogProbability - largest) / sum))]);
    }

    public IReadOnlyList<int> Ids => ids;

    public IReadOnlyList<float> Probabilities => probabilities;

    /// <summary>weight · this + (1 − weight) · the token alone.</summary>
    public TeacherTarget MixedWith(int token, double weight) =>
        new([.. ids, token], [.. probabilities.Select(p => (float)(p * weight)), (float)(1 - weight)]);

    /// <summary>Σ probability · value.</summary>
    public float Expected(float* values)
    {
        var sum = 0.0;
        for (var i = 0; i < ids.Length; i++)
        {
            sum += (double)probabilities[i] * values[ids[i]];
        }

        return (float)sum;
    }

    /// <summary>values += factor · probability, at each token.</summary>
    public void AddTo(float* values, float factor)
    {
        for (var i = 0; i < ids.Length; i++)
        {
            values[ids[i]] += factor * probabilities[i];
        }
    }
}
