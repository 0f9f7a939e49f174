using Lauter.Training.Loop;

namespace Lauter.Training.Examples;

/// <summary>
/// Replaces prompt tokens at random in training ("token noise", a discrete form of dropout on the input). What is replaced depends on
/// (seed, step, place in the batch) only. Control tokens stay: they carry the frame of the conversation.
/// </summary>
internal sealed class TokenNoise(double probability, int vocabularySize, IReadOnlySet<int> kept, ulong seed)
{
    public IReadOnlyList<TrainingExample> Apply(IReadOnlyList<TrainingExample> examples, int step)
    {
        if (probability <= 0)
        {
            return examples;
        }

        var random = new SeededRandom(seed, 3, (ulong)step);
        return [.. examples.Select(e => e with { Ids = Noised(e, ref random) })];
    }

    private int[] Noised(TrainingExample example, ref SeededRandom random)
    {
        var ids = (int[])example.Ids.Clone();
        for (var i = 0; i < ids.Length; i++)
        {
            if (!example.Trained[i] && !kept.Contains(ids[i]) && random.NextDouble() < probability)
            {
                var replacement = random.Next(vocabularySize);
                ids[i] = kept.Contains(replacement) ? ids[i] : replacement;
            }
        }

        return ids;
    }
}
