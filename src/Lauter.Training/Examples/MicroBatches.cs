namespace Lauter.Training.Examples;

/// <summary>Cuts the examples of a step into parts that fit a budget of padded tokens.</summary>
internal static class MicroBatches
{
    /// <summary>Parts in order; a single example longer than the budget is a part of its own.</summary>
    public static IEnumerable<IReadOnlyList<TrainingExample>> Split(IReadOnlyList<TrainingExample> examples, int paddedTokens)
    {
        List<TrainingExample> part = [];
        var longest = 0;
        foreach (var example in examples)
        {
            var next = Math.Max(longest, example.Ids.Length);
            if (part.Count > 0 && (long)next * (part.Count + 1) > paddedTokens)
            {
                yield return part;
                part = [];
                next = example.Ids.Length;
            }

            part.Add(example);
            longest = next;
        }

        if (part.Count > 0)
        {
            yield return part;
        }
    }
}
