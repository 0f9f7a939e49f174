namespace Lauter.Data.Redaction;

/// <summary>Kinds of personal data that are found by form and check digit. The order is the order of precedence.</summary>
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

    /// <summary>Bank or credit card of 16 to 19 digits, Luhn.</summary>
    Card,

    /// <summary>IPv4 or IPv6 address.</summary>
    IpAddress,

    /// <summary>Passport or travel permit, only next to a word that says so.</summary>
    Passport,

    /// <summary>Telephone number: mainland mobile and landline, North American, international with +, others next to a word that says so.</summary>
    Phone,
}

/// <summary>One finding.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Offset in UTF-16 units.</param>
/// <param name="Length">Length in UTF-16 units.</param>
public readonly record struct PersonalDataSpan(PersonalDataKind Kind, int Start, int Length)
{
    /// <summary>First offset after the finding.</summary>
    public int End => Start + Length;
}
