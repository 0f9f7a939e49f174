namespace Lauter.Data.Redaction;

/// <summary>Kinds of personal data. Names in files come from <see cref="PersonalData.NameOf"/>; add new kinds at the end.</summary>
public enum PersonalDataKind
{
    /// <summary>E-mail address.</summary>
    Email,

    /// <summary>International bank account number, ISO 13616, mod 97.</summary>
    Iban,

    /// <summary>Resident identity number of mainland China, GB 11643: date and check digit are verified.</summary>
    ResidentId,

    /// <summary>Unified social credit code, GB 32100: check character is verified.</summary>
    CreditCode,

    /// <summary>Bank or credit card of 16 to 19 digits or American Express of 15, Luhn.</summary>
    Card,

    /// <summary>IPv4 or IPv6 address.</summary>
    IpAddress,

    /// <summary>Passport or travel permit, only next to a word that says so.</summary>
    Passport,

    /// <summary>Telephone number: mainland mobile and landline, North American, international with +, others next to a word that says so.</summary>
    Phone,

    /// <summary>Organisation code, GB 11714: check character, and only next to a word that says so.</summary>
    OrganisationCode,

    /// <summary>Number plate of mainland China: province, letter, five or six characters.</summary>
    Plate,

    /// <summary>United States social security number: with hyphens, or next to a word that says so.</summary>
    SocialSecurity,

    /// <summary>Street address, by rule and word list: not every one is found.</summary>
    Address,

    /// <summary>Name of a person, by context and word list: not every one is found.</summary>
    Person,

    /// <summary>A pattern of the user.</summary>
    Custom,
}

/// <summary>One finding.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Offset in UTF-16 units.</param>
/// <param name="Length">Length in UTF-16 units.</param>
/// <param name="Pattern">For <see cref="PersonalDataKind.Custom"/>: which of the user's patterns, from 0.</param>
public readonly record struct PersonalDataSpan(PersonalDataKind Kind, int Start, int Length, int Pattern = -1)
{
    /// <summary>First offset after the finding.</summary>
    public int End => Start + Length;
}
