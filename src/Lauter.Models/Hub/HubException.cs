namespace Lauter.Models.Hub;

/// <summary>Why a hub did not give a model.</summary>
public enum HubFault
{
    /// <summary>No endpoint could be reached, or all kept failing.</summary>
    Unreachable,

    /// <summary>A token is missing, wrong, or its owner has not accepted the model's terms.</summary>
    Refused,

    /// <summary>No such model, revision or file.</summary>
    NotFound,

    /// <summary>What came is not what the hub announced: another size or hash.</summary>
    Damaged,

    /// <summary>The hub's answer cannot be understood, or names files outside the model.</summary>
    BadAnswer,

    /// <summary>The selection holds nothing that can be used safely.</summary>
    Unusable,

    /// <summary>Another process fetches the same model.</summary>
    Busy,

    /// <summary>Offline, and the model is not in the cache.</summary>
    Offline,
}

/// <summary>A model could not be fetched; the message says from where, what was seen and what to do.</summary>
public sealed class HubException : IOException
{
    /// <summary>An exception without details; prefer the one with a message.</summary>
    public HubException()
    {
    }

    /// <summary>An exception with its message.</summary>
    public HubException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with its message and cause.</summary>
    public HubException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An exception with its kind, message and cause.</summary>
    public HubException(HubFault fault, string message, Exception? innerException = null)
        : base(message, innerException) => Fault = fault;

    /// <summary>The kind of fault.</summary>
    public HubFault Fault { get; }
}
