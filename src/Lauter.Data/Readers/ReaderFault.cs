namespace Lauter.Data.Readers;

/// <summary>Ends the reading of one document with a reason code. Never leaves <see cref="DocumentReader"/>.</summary>
internal sealed class ReaderFault(string reason, string detail) : Exception(detail)
{
    public string Reason { get; } = reason;
}
