namespace Lauter.Models.Gguf;

/// <summary>A file is not a GGUF file that is safe to read. The message names the file, the field, the value seen and the limit.</summary>
public sealed class GgufFormatException : IOException
{
    /// <summary>An exception without details; prefer the one with a message.</summary>
    public GgufFormatException()
    {
    }

    /// <summary>An exception with its message.</summary>
    public GgufFormatException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with its message and cause.</summary>
    public GgufFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
