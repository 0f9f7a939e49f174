namespace Lauter.Training.Decoders;

/// <summary>
/// Several documents as one run of rows. Attention never crosses from one document to another and positions start again in each, so a pack gives what
/// its documents give one by one. A prefix that all of them share (the system prompt of a fine-tuning set) is computed once: it comes first, and every
/// document attends to it.
/// </summary>
/// <param name="Tokens">Prefix, then the rest of each document.</param>
/// <param name="Prefix">Rows of the shared prefix.</param>
/// <param name="Starts">First row of each document's own part.</param>
/// <param name="Lengths">Rows of each document's own part.</param>
/// <param name="Predictions">Rows whose next token counts, ascending.</param>
/// <param name="Targets">That next token, per prediction.</param>
/// <param name="Weights">Its weight in the loss, per prediction.</param>
/// <param name="Owners">Its document, per prediction.</param>
internal sealed record Pack(
    int[] Tokens, int Prefix, int[] Starts, int[] Lengths, int[] Predictions, int[] Targets, float[] Weights, int[] Owners)
{
    /// <summary>The target's place in its document, per prediction.</summary>
    public int[] Places { get; init; } = [];

    /// <summary>Rows the network computes.</summary>
    public int Rows => Tokens.Length;

    public int Documents => Starts.Length;

    /// <summary>Tokens of all documents, each with its prefix.</summary>
    public int DocumentTokens => Lengths.Sum() + (Prefix * Documents);

    /// <summary>Position of every row in its document.</summary>
    public int[] Positions()
    {
        var positions = new int[Rows];
        for (var i = 0; i < Prefix; i++)
        {
            positions[i] = i;
        }

        for (var d = 0; d < Documents; d++)
        {
            for (var i = 0; i < Lengths[d]; i++)
            {
                positions[Starts[d] + i] = Prefix + i;
            }
        }

        return positions;
    }

    /// <param name="documents">Token ids and, per token, its weight in the loss (0 = it is no target); 2 tokens or more each. The last token predicts nothing and is no row.</param>
    /// <param name="sharePrefix">Whether the common beginning is computed once.</param>
    public static Pack Of(IReadOnlyList<(int[] Ids, float[] Weights)> documents, bool sharePrefix)
    {
        var prefix = sharePrefix && documents.Count > 1 ? CommonPrefix(documents) : 0;
        List<int> tokens = [.. documents[0].Ids.AsSpan(0, prefix)], predictions = [], targets = [], owners = [], places = [];
        List<float> weights = [];
        int[] starts = new int[documents.Count], lengths = new int[documents.Count];
        for (var d = 0; d < documents.Count; d++)
        {
            var (ids, bears) = documents[d];
            (starts[d], lengths[d]) = (tokens.Count, ids.Length - 1 - prefix);
            for (var t = prefix; t < ids.Length - 1; t++)
            {
                if (bears[t + 1] != 0)
                {
                    predictions.Add(tokens.Count);
                    targets.Add(ids[t + 1]);
                    weights.Add(bears[t + 1]);
                    owners.Add(d);
                    places.Add(t + 1);
                }

                tokens.Add(ids[t]);
            }
        }

        return new Pack([.. tokens], prefix, starts, lengths, [.. predictions], [.. targets], [.. weights], [.. owners]) { Places = [.. places] };
    }

    /// <summary>How many leading tokens all documents share, ending before the first row that predicts a target in any of them.</summary>
    public static int CommonPrefix(IReadOnlyList<(int[] Ids, float[] Weights)> documents)
    {
        var first = documents[0].Ids;
        var length = int.MaxValue;
        foreach (var (ids, weights) in documents)
        {
            var target = 1;
            while (target < ids.Length && weights[target] == 0)
            {
                target++;
            }

            length = Math.Min(length, Math.Min(target - 1, ids.Length - 2));
            length = Math.Min(length, ids.AsSpan().CommonPrefixLength(first));
        }

        return Math.Max(0, length);
    }
}
