using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Lauter.Data.Redaction;

/// <summary>Length of the finding that begins at <paramref name="start"/>, or 0 when the candidate is none.</summary>
/// <param name="text">Half-width text with its surroundings.</param>
/// <param name="start">Where the candidate begins.</param>
/// <param name="length">How long it is.</param>
internal delegate int Accept(ReadOnlySpan<char> text, int start, int length);

/// <summary>One form of personal data: a pattern proposes, <paramref name="Accept"/> decides.</summary>
/// <param name="Kind">What it finds.</param>
/// <param name="Pattern">Matched on half-width text.</param>
/// <param name="Accept">Says how much of a match is a finding.</param>
/// <param name="Least">Fewest digits of a group in which a match is possible: most groups are spared most patterns.</param>
internal sealed record Rule(PersonalDataKind Kind, Regex Pattern, Accept Accept, int Least = 0);

/// <summary>
/// The rules for numbers, in order of precedence. They run on a window around a group of digits, so they may be written for clarity. .NET counts Han
/// characters as word characters, so <c>\b</c> fails between 电话 and a number: neighbours are tested with explicit ASCII classes instead.
/// </summary>
internal static partial class NumberRules
{
    private const int TimeoutMilliseconds = 2_000;
    private const string NotBefore = "(?<![0-9A-Za-z])";
    private const string NotAfter = "(?![0-9A-Za-z])";

    /// <summary>How far before a number a word such as 护照 or "order" is looked for, in characters.</summary>
    private const int ContextLength = 32;

    /// <summary>For groups with at least seven digits.</summary>
    public static IReadOnlyList<Rule> Long { get; } =
    [
        new(PersonalDataKind.ResidentId, ResidentId(), (t, s, n) => When(CheckDigits.IsResidentId(t.Slice(s, n)), n), 17),
        new(PersonalDataKind.CreditCode, CreditCode(), (t, s, n) => When(IsCreditCode(t, s, n) && !After(t, s, NotPersonal()), n), 8),
        new(PersonalDataKind.Card, Card(), (t, s, n) => When(IsCard(t.Slice(s, n)) && !After(t, s, NotPersonal()), n), 15),
        new(PersonalDataKind.ResidentId, OldResidentId(), (t, s, n) => When(CheckDigits.IsResidentId(t.Slice(s, n)) && CheckDigits.HasProvince(t.Slice(s, n)) && !After(t, s, NotPersonal()), n), 15),
        new(PersonalDataKind.OrganisationCode, OrganisationCode(), (t, s, n) => When(CheckDigits.IsOrganisationCode(t.Slice(s, n)) && After(t, s, OrganisationWord()), n)),
        new(PersonalDataKind.SocialSecurity, SocialSecurity(), (t, s, n) => When(CheckDigits.IsSocialSecurity(t.Slice(s, n)) && (n == 11 ? !After(t, s, NotPersonal()) : After(t, s, SocialSecurityWord())), n), 9),
        new(PersonalDataKind.IpAddress, IpV4(), (t, s, n) => When(!After(t, s, Version()), n)),
        new(PersonalDataKind.Passport, Passport(), (t, s, n) => When(After(t, s, PassportWord()), n), 7),
        new(PersonalDataKind.Phone, Mobile(), (t, s, n) => When(!After(t, s, NotPersonal()), n), 11),
        new(PersonalDataKind.Phone, International(), (t, s, n) => When(Digits(t.Slice(s, n)) is >= 8 and <= 15, n), 8),
        new(PersonalDataKind.Phone, Landline(), (t, s, n) => When(Digits(t.Slice(s, n)) is >= 10 and <= 12 && !After(t, s, NotPersonal()), n), 10),
        new(PersonalDataKind.Phone, NorthAmerican(), (t, s, n) => When(!IsServiceNumber(t.Slice(s, n)) && !After(t, s, NotPersonal()), n), 10),
        new(PersonalDataKind.Phone, LooseNumber(), (t, s, n) => When(Digits(t.Slice(s, n)) is >= 7 and <= 15 && !IsServiceNumber(t.Slice(s, n)) && After(t, s, PhoneWord()), n), 7),
    ];

    /// <summary>For groups that begin with two capitals and two digits.</summary>
    public static IReadOnlyList<Rule> Ibans { get; } = [new(PersonalDataKind.Iban, Iban(), (t, s, n) => IbanLength(t.Slice(s, n)))];

    /// <summary>For short groups that hold a letter.</summary>
    public static IReadOnlyList<Rule> Mixed { get; } = [Long[4]];

    /// <summary>For short groups with three points.</summary>
    public static IReadOnlyList<Rule> Dotted { get; } = [Long[6]];

    /// <summary>For hexadecimal groups with colons.</summary>
    public static IReadOnlyList<Rule> Colons { get; } = [new(PersonalDataKind.IpAddress, IpV6(), (t, s, n) => When(IsIpV6(t.Slice(s, n)), n))];

    /// <summary>For groups right after a letter that follows the sign of a province.</summary>
    public static IReadOnlyList<Rule> Plates { get; } = [new(PersonalDataKind.Plate, Plate(), (_, _, n) => n)];

    /// <summary>For places with an @.</summary>
    public static IReadOnlyList<Rule> Mail { get; } = [new(PersonalDataKind.Email, Email(), (_, _, n) => n)];

    private static int When(bool accepted, int length) => accepted ? length : 0;

    /// <summary>Eighteen plain digits may be a card or a mistyped resident number: then the organisation code inside must be right too, and no card be spoken of.</summary>
    private static bool IsCreditCode(ReadOnlySpan<char> text, int start, int length)
    {
        var value = text.Slice(start, length);
        return CheckDigits.IsCreditCode(value) && !CheckDigits.HasResidentIdForm(value)
            && (value.ContainsAnyExceptInRange('0', '9') || !CheckDigits.IsCard(value) || (CheckDigits.IsOrganisationCode(value[8..17]) && !After(text, start, CardWord())));
    }

    private static bool IsCard(ReadOnlySpan<char> value) =>
        (CheckDigits.IsCard(value) || CheckDigits.IsAmericanExpress(value)) && value.ContainsAnyExcept(value[0], ' ', '-') && !CheckDigits.HasResidentIdForm(value);

    /// <summary>The longest prefix of a spaced candidate that is a valid IBAN, or 0: "DE… was paid" must not swallow the next word.</summary>
    private static int IbanLength(ReadOnlySpan<char> candidate)
    {
        for (var length = candidate.Length; length >= 15; length--)
        {
            var ends = length == candidate.Length || !char.IsAsciiLetterOrDigit(candidate[length]);
            if (ends && candidate[length - 1] != ' ' && CheckDigits.IsIban(candidate[..length]))
            {
                return length;
            }
        }

        return 0;
    }

    private static bool IsIpV6(ReadOnlySpan<char> value) =>
        value.Length >= 6 && value.ContainsAnyInRange('0', '9') && IPAddress.TryParse(value, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6;

    private static int Digits(ReadOnlySpan<char> value)
    {
        var count = 0;
        foreach (var c in value)
        {
            count += char.IsAsciiDigit(c) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Company hotlines (400, 800 and the North American toll-free codes) are not personal.</summary>
    private static bool IsServiceNumber(ReadOnlySpan<char> value)
    {
        Span<char> first = stackalloc char[3];
        var count = 0;
        for (var i = 0; i < value.Length && count < 3; i++)
        {
            if (char.IsAsciiDigit(value[i]))
            {
                first[count++] = value[i];
            }
        }

        return first is "400" or "800" or "888" or "877" or "866" or "855" or "844" or "833" or "950" or "951" or "952" or "955" or "956";
    }

    private static bool After(ReadOnlySpan<char> text, int start, Regex word) => word.IsMatch(text[Math.Max(0, start - ContextLength)..start]);

    [GeneratedRegex(@"(?<![A-Za-z0-9._%+'\-])[A-Za-z0-9_](?:[A-Za-z0-9_%+'\-]|\.(?!\.)){0,127}(?<!\.)@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{1,24}(?![A-Za-z0-9\-])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Email();

    [GeneratedRegex(NotBefore + "[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{1,4}){3,8}" + NotAfter, RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Iban();

    [GeneratedRegex(NotBefore + "[0-9]{17}[0-9Xx]" + NotAfter, RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex ResidentId();

    [GeneratedRegex(NotBefore + "[0-9]{15}" + NotAfter, RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex OldResidentId();

    [GeneratedRegex(NotBefore + "[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]{18}" + NotAfter, RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex CreditCode();

    [GeneratedRegex(NotBefore + "[0-9A-Z]{8}-?[0-9X]" + NotAfter, RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex OrganisationCode();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][\-.])(?:[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{9})(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex SocialSecurity();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][ \-.])(?:[0-9]{15,19}|[0-9]{4}(?:[ \-][0-9]{4}){3}(?:[ \-]?[0-9]{1,3})?|3[47][0-9]{2}[ \-][0-9]{6}[ \-][0-9]{5})(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Card();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9A-Za-z]\.|(?<![0-9.])[0-9]{1,2}-)(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?![0-9A-Za-z]|\.[0-9]|-[0-9]{1,2}(?![0-9.]))", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex IpV4();

    [GeneratedRegex("(?<![0-9A-Za-z:.])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*[0-9A-Fa-f](?![0-9A-Za-z:])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex IpV6();

    [GeneratedRegex(NotBefore + "(?:[A-Z][0-9]{8}|[A-Z]{2}[0-9]{7}|[CHM][0-9]{8}(?:[0-9]{2})?|[0-9]{8}(?:[0-9]{2})?)" + NotAfter, RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Passport();

    /// <summary>A country code in front belongs to the number.</summary>
    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][\-.])(?:\(?(?:\+|00)?86\)?[ \-]?)?1[3-9][0-9](?:[0-9]{8}|[ \-][0-9]{4}[ \-][0-9]{4})(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Mobile();

    [GeneratedRegex(@"(?<![0-9A-Za-z+])\+[1-9](?:[ \-.]?\(?[0-9]{1,4}\)?){2,7}" + NotAfter, RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex International();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][\-.])(?:\(0[1-9][0-9]{1,2}\) ?|0[1-9][0-9]{1,2}-)[1-9][0-9]{2,3}[ \-]?[0-9]{4}(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Landline();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][ \-.])(?:\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[\-.][0-9]{4}|[2-9][0-9]{2}([\-.])[2-9][0-9]{2}\1[0-9]{4})(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex NorthAmerican();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][ \-.])\(?[0-9]{2,5}\)?(?:[ \-.]?[0-9]{2,5}){1,4}(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex LooseNumber();

    [GeneratedRegex("[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·• ]?(?:[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳])" + NotAfter, RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Plate();

    [GeneratedRegex(@"(?:phone|mobile|telephone|\btel|\bcell|whatsapp|call me (?:at|on)|reach me (?:at|on)|电话|電話|手机|手機|座机|致电|拨打|号码是|微信)[^0-9\n]{0,8}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex PhoneWord();

    [GeneratedRegex(@"(?:passport|护照|護照|通行证|通行證|台胞证|permit no)[^0-9\n]{0,8}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex PassportWord();

    [GeneratedRegex(@"(?:机构代码|機構代碼|organi[sz]ation code)[^0-9A-Za-z\n]{0,8}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex OrganisationWord();

    [GeneratedRegex(@"(?:card|卡)[^0-9\n]{0,8}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex CardWord();

    [GeneratedRegex(@"(?:\bssn\b|social security|社保)[^0-9\n]{0,10}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex SocialSecurityWord();

    [GeneratedRegex(@"(?:order|tracking|serial|invoice|\bsn\b|\bs/n|ticket|batch|\blot\b|订单|訂單|运单|快递|序列号|批号|批次|发票号|工单|单号|流水号)[^0-9\n]{0,8}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex NotPersonal();

    [GeneratedRegex(@"(?:version|firmware|release|build|\bv|版本|固件)[^0-9\n]{0,6}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex Version();
}
