namespace Lauter.Models.Tokens;

/// <summary>A tokenizer cannot be loaded, or a text is too long for it.</summary>
public sealed class TokenizerException : Exception
{
    /// <summary>An exception without details; prefer the one with a message.</summary>
    public TokenizerException()
    {
    }

    /// <summary>An exception with its message.</summary>
    public TokenizerException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with its message and cause.</summary>
    public TokenizerException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
