namespace Lauter.Models.Conversion;

/// <summary>A tokenizer cannot be expressed in GGUF so that llama.cpp gives the same ids; the message says which part.</summary>
public sealed class TokenizerConversionException : IOException
{
    /// <summary>An exception without details; prefer the one with a message.</summary>
    public TokenizerConversionException()
    {
    }

    /// <summary>An exception with its message.</summary>
    public TokenizerConversionException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with its message and cause.</summary>
    public TokenizerConversionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
