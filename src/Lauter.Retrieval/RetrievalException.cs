namespace Lauter.Retrieval;

/// <summary>A file of an index that is missing, cut short or of another format, or an embedder that does not fit it; the message names all three: file, value seen, way out.</summary>
public sealed class RetrievalException : Exception
{
    /// <summary>Creates the exception with a message for a person.</summary>
    public RetrievalException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message for a person and its cause.</summary>
    public RetrievalException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception without a message.</summary>
    public RetrievalException()
    {
    }
}
