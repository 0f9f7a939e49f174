namespace Lauter.Inference.Sampling;

/// <summary>Room for calculations over one vocabulary. Samplers of one thread share it: nothing in it outlives a call.</summary>
internal sealed class SamplerScratch(int vocabularySize)
{
    public float[] Logits { get; } = new float[vocabularySize];

    public float[] Weights { get; } = new float[vocabularySize];

    /// <summary>Candidates of a choice, and minus their weights to sort them by.</summary>
    public int[] Tokens { get; } = new int[vocabularySize];

    public float[] Keys { get; } = new float[vocabularySize];
}
