namespace Lauter.Models.Peft;

/// <summary>An adapter cannot be read, does not fit its base, or cannot be expressed in the wanted form; the message says which and what else to do.</summary>
public sealed class AdapterException : IOException
{
    /// <summary>An exception without details; prefer the one with a message.</summary>
    public AdapterException()
    {
    }

    /// <summary>An exception with its message.</summary>
    public AdapterException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with its message and cause.</summary>
    public AdapterException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
