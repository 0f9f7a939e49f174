namespace Lauter.Models.Safetensors;

/// <summary>A file is not a safetensors file that is safe to read; the message names the file, the entry and the value seen.</summary>
public sealed class SafetensorsFormatException : IOException
{
    /// <summary>An exception without details; prefer the one with a message.</summary>
    public SafetensorsFormatException()
    {
    }

    /// <summary>An exception with its message.</summary>
    public SafetensorsFormatException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with its message and cause.</summary>
    public SafetensorsFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
