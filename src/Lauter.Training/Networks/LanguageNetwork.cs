namespace Lauter.Training.Networks;

/// <summary>A network as everyone else sees it: ids in, log-probabilities out.</summary>
public abstract class LanguageNetwork : IDisposable
{
    /// <summary>Natural-log probabilities of the next token after each prefix: [ids.Length, vocabulary].</summary>
    /// <param name="ids">1 or more token ids, no more than the context.</param>
    public abstract float[,] LogProbabilities(int[] ids);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the weights.</summary>
    /// <param name="disposing">Whether called from <see cref="Dispose()"/>.</param>
    protected abstract void Dispose(bool disposing);
}
