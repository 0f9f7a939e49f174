using System.Text.RegularExpressions;

namespace Lauter.Models.Hub;

/// <summary>Which model: <c>owner/name</c>, and which revision of it.</summary>
public sealed partial record HubReference
{
    private HubReference(string repository, string? revision)
    {
        Repository = repository;
        Revision = revision;
    }

    /// <summary><c>owner/name</c>.</summary>
    public string Repository { get; }

    /// <summary>A branch, tag or commit; null = the hub's default branch.</summary>
    public string? Revision { get; }

    /// <summary>Reads <c>owner/name</c> or <c>owner/name@revision</c>.</summary>
    /// <exception cref="ArgumentException">The text is neither.</exception>
    public static HubReference Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.Split('@');
        return parts.Length <= 2 && Name().IsMatch(parts[0]) && (parts.Length == 1 || Branch().IsMatch(parts[1])) && !text.Contains("..", StringComparison.Ordinal)
            ? new HubReference(parts[0], parts.Length == 2 ? parts[1] : null)
            : throw new ArgumentException($"'{text}' is no model of a hub; write owner/name or owner/name@revision.", nameof(text));
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._/-]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Branch();
}
