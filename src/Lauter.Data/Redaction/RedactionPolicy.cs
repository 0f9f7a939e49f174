namespace Lauter.Data.Redaction;

/// <summary>What happens to a finding.</summary>
public enum RedactionAction
{
    /// <summary>Replaced by its kind: <c>[PHONE]</c>.</summary>
    Type,

    /// <summary>Letters and digits become *, the last four stay: the form can still be read.</summary>
    Mask,

    /// <summary>Replaced by a name that is the same wherever the same value stands: <c>[PHONE_3f2a91c7d054]</c>. Needs a key, and cannot be guessed without it.</summary>
    Pseudonym,

    /// <summary>Replaced by the full keyed hash of the value, HMAC-SHA-256 in hexadecimal. Needs a key.</summary>
    Hash,

    /// <summary>Reported, but left as it is.</summary>
    Keep,
}

/// <summary>A pattern of the user.</summary>
/// <param name="Name">Name in masks and reports: lower-case letters, digits, underscores.</param>
/// <param name="Pattern">A .NET regular expression without look-around and back-references: it runs in linear time, on half-width text.</param>
public sealed record CustomPattern(string Name, string Pattern);

/// <summary>What is looked for and what is done.</summary>
public sealed record RedactionPolicy
{
    /// <summary>Kinds that are looked for. Default: all but <see cref="PersonalDataKind.Custom"/>, which comes with <see cref="Patterns"/>.</summary>
    public IReadOnlySet<PersonalDataKind> Kinds { get; init; } = new HashSet<PersonalDataKind>([.. PersonalData.AllKinds, .. PersonalData.ContextKinds]);

    /// <summary>What happens to kinds that <see cref="Actions"/> does not name.</summary>
    public RedactionAction Default { get; init; } = RedactionAction.Type;

    /// <summary>Exceptions by kind.</summary>
    public IReadOnlyDictionary<PersonalDataKind, RedactionAction> Actions { get; init; } = new Dictionary<PersonalDataKind, RedactionAction>();

    /// <summary>Patterns of the user; they come after the product's own.</summary>
    public IReadOnlyList<CustomPattern> Patterns { get; init; } = [];

    /// <summary>Most time that one pattern may take on one text. Default 200 ms; then the text is reported and goes on without it.</summary>
    public TimeSpan PatternTimeout { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Secret of at least 16 bytes for pseudonyms and hashes.</summary>
    public ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>The action for a kind.</summary>
    public RedactionAction ActionOf(PersonalDataKind kind) => Actions.GetValueOrDefault(kind, Default);
}
