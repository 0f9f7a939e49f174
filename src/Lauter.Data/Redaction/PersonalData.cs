using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Lauter.Data.Text;

namespace Lauter.Data.Redaction;

/// <summary>
/// Finds personal data in half- and full-width text. .NET counts Han characters as word characters, so <c>\b</c> fails between 电话 and a
/// number: neighbours are tested with explicit ASCII classes instead. Numbers with check digits must pass them. Thread-safe.
/// </summary>
public static partial class PersonalData
{
    private const int TimeoutMilliseconds = 2_000;
    private const string NoDigitBefore = "(?<![0-9A-Za-z])";

    /// <summary>How far before a number a word such as 护照 or "order" is looked for, in characters.</summary>
    private const int ContextLength = 16;

    /// <summary>The mask that stands in a redacted text for each kind.</summary>
    public static string MaskOf(PersonalDataKind kind) => kind switch
    {
        PersonalDataKind.Email => "[EMAIL]",
        PersonalDataKind.Iban => "[IBAN]",
        PersonalDataKind.ResidentId => "[ID_NUMBER]",
        PersonalDataKind.CreditCode => "[COMPANY_ID]",
        PersonalDataKind.Card => "[CARD]",
        PersonalDataKind.IpAddress => "[IP]",
        PersonalDataKind.Passport => "[PASSPORT]",
        _ => "[PHONE]",
    };

    /// <summary>Name of a kind in recipes and reports, for example <c>resident_id</c>.</summary>
    public static string NameOf(PersonalDataKind kind) => kind switch
    {
        PersonalDataKind.Email => "email",
        PersonalDataKind.Iban => "iban",
        PersonalDataKind.ResidentId => "resident_id",
        PersonalDataKind.CreditCode => "credit_code",
        PersonalDataKind.Card => "card",
        PersonalDataKind.IpAddress => "ip",
        PersonalDataKind.Passport => "passport",
        _ => "phone",
    };

    /// <summary>Every kind.</summary>
    public static IReadOnlyList<PersonalDataKind> AllKinds { get; } = Enum.GetValues<PersonalDataKind>();

    /// <summary>Findings in order of their start; they never overlap. Offsets are those of <paramref name="text"/>.</summary>
    public static IReadOnlyList<PersonalDataSpan> Find(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('0', '9') < 0 && text.IndexOf('@', StringComparison.Ordinal) < 0
            && text.AsSpan().IndexOfAnyInRange('\uFF10', '\uFF20') < 0)
        {
            return [];
        }

        var half = TextFolding.HalfWidth(text);
        var found = new List<PersonalDataSpan>();
        Collect(found, half, PersonalDataKind.Email, Email(), _ => true);
        Collect(found, half, PersonalDataKind.Iban, Iban(), m => IbanLength(m.Value));
        Collect(found, half, PersonalDataKind.ResidentId, ResidentId(), m => CheckDigits.IsResidentId(m.Value));
        Collect(found, half, PersonalDataKind.CreditCode, CreditCode(), m => CheckDigits.IsCreditCode(m.Value));
        Collect(found, half, PersonalDataKind.Card, Card(), m => CheckDigits.IsCard(m.Value) && !IsOneDigit(m.Value) && !CheckDigits.HasResidentIdForm(m.Value) && !After(half, m, NotPersonal()));
        Collect(found, half, PersonalDataKind.IpAddress, IpV4(), m => IPAddress.TryParse(m.Value, out _) && !After(half, m, Version()));
        Collect(found, half, PersonalDataKind.IpAddress, IpV6(), m => IsIpV6(m.Value));
        Collect(found, half, PersonalDataKind.Passport, Passport(), m => After(half, m, PassportWord()));
        Collect(found, half, PersonalDataKind.Phone, Mobile(), m => !After(half, m, NotPersonal()));
        Collect(found, half, PersonalDataKind.Phone, International(), m => m.Value.Count(char.IsAsciiDigit) is >= 8 and <= 15);
        Collect(found, half, PersonalDataKind.Phone, Landline(), m => m.Value.Count(char.IsAsciiDigit) is >= 10 and <= 12 && !After(half, m, NotPersonal()));
        Collect(found, half, PersonalDataKind.Phone, NorthAmerican(), m => !IsServiceNumber(m.Value) && !After(half, m, NotPersonal()));
        Collect(found, half, PersonalDataKind.Phone, LooseNumber(), m => m.Value.Count(char.IsAsciiDigit) is >= 7 and <= 15 && !IsServiceNumber(m.Value) && After(half, m, PhoneWord()));
        found.Sort((a, b) => a.Start.CompareTo(b.Start));
        return found;
    }

    /// <summary>Replaces findings of the given kinds by their masks and counts them.</summary>
    /// <param name="text">The text.</param>
    /// <param name="kinds">Kinds to replace; others stay as they are.</param>
    /// <param name="counts">Incremented for each replacement.</param>
    public static string Redact(string text, IReadOnlySet<PersonalDataKind> kinds, IDictionary<PersonalDataKind, int> counts)
    {
        var spans = Find(text);
        if (spans.Count == 0)
        {
            return text;
        }

        var builder = new StringBuilder(text.Length);
        var at = 0;
        foreach (var span in spans)
        {
            if (!kinds.Contains(span.Kind))
            {
                continue;
            }

            builder.Append(text, at, span.Start - at).Append(MaskOf(span.Kind));
            at = span.End;
            counts[span.Kind] = counts.TryGetValue(span.Kind, out var count) ? count + 1 : 1;
        }

        return builder.Append(text, at, text.Length - at).ToString();
    }

    private static void Collect(List<PersonalDataSpan> found, string text, PersonalDataKind kind, Regex regex, Func<Match, bool> accept) =>
        Collect(found, text, kind, regex, m => accept(m) ? m.Length : 0);

    private static void Collect(List<PersonalDataSpan> found, string text, PersonalDataKind kind, Regex regex, Func<Match, int> lengthOf)
    {
        try
        {
            for (var match = regex.Match(text); match.Success; match = match.NextMatch())
            {
                var length = lengthOf(match);
                if (length > 0 && !found.Exists(s => s.Start < match.Index + length && match.Index < s.End))
                {
                    found.Add(new PersonalDataSpan(kind, match.Index, length));
                }
            }
        }
        catch (RegexMatchTimeoutException)
        {
            // A hostile text must not stop the run; what was found of this kind so far stays, the other kinds are still looked for.
        }
    }

    /// <summary>The longest prefix of a spaced candidate that is a valid IBAN, or 0: "DE… was paid" must not swallow the next word.</summary>
    private static int IbanLength(string candidate)
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

    private static bool IsIpV6(string value) =>
        value.Length >= 6 && value.Any(char.IsAsciiDigit) && IPAddress.TryParse(value, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6;

    private static bool IsOneDigit(string value) => value.Where(char.IsAsciiDigit).Distinct().Count() < 2;

    /// <summary>Company hotlines (400, 800 and the North American toll-free codes) are not personal.</summary>
    private static bool IsServiceNumber(string value)
    {
        var digits = string.Concat(value.Where(char.IsAsciiDigit));
        return digits is "110" or "119" or "120" or "911" or "112"
            || digits[..3] is "400" or "800" or "888" or "877" or "866" or "855" or "844" or "833" or "950" or "951" or "952" or "955" or "956";
    }

    private static bool After(string text, Match match, Regex word)
    {
        var start = Math.Max(0, match.Index - ContextLength);
        return word.IsMatch(text.AsSpan(start, match.Index - start));
    }

    [GeneratedRegex(@"(?<![A-Za-z0-9._%+'\-])[A-Za-z0-9_](?:[A-Za-z0-9_%+'\-]|\.(?!\.)){0,127}(?<!\.)@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{1,24}(?![A-Za-z0-9\-])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Email();

    [GeneratedRegex(NoDigitBefore + "[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{1,4}){3,8}(?![0-9A-Za-z])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Iban();

    [GeneratedRegex(NoDigitBefore + "[0-9]{17}[0-9Xx](?![0-9A-Za-z])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex ResidentId();

    [GeneratedRegex(NoDigitBefore + "[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]{18}(?![0-9A-Za-z])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex CreditCode();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][ \-.])(?:[0-9]{16,19}|[0-9]{4}(?:[ \-][0-9]{4}){3}(?:[ \-]?[0-9]{1,3})?)(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Card();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9A-Za-z]\.)(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?![0-9A-Za-z]|\.[0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex IpV4();

    [GeneratedRegex("(?<![0-9A-Za-z:.])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*[0-9A-Fa-f](?![0-9A-Za-z:])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex IpV6();

    [GeneratedRegex(NoDigitBefore + "(?:[A-Z][0-9]{8}|[A-Z]{2}[0-9]{7}|[HM][0-9]{10})(?![0-9A-Za-z])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Passport();

    [GeneratedRegex(@"(?:(?<![0-9A-Za-z]|[0-9][\-.])|(?<=(?<![0-9A-Za-z])(?:\+|00)?86[ \-]?))1[3-9][0-9](?:[0-9]{8}|[ \-][0-9]{4}[ \-][0-9]{4})(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Mobile();

    [GeneratedRegex(@"(?<![0-9A-Za-z+])\+[1-9](?:[ \-.]?\(?[0-9]{1,4}\)?){2,7}(?![0-9A-Za-z])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex International();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][\-.])(?:\(0[1-9][0-9]{1,2}\) ?|0[1-9][0-9]{1,2}-)[1-9][0-9]{2,3}[ \-]?[0-9]{4}(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Landline();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][ \-.])(?:\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[\-.][0-9]{4}|[2-9][0-9]{2}([\-.])[2-9][0-9]{2}\1[0-9]{4})(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex NorthAmerican();

    [GeneratedRegex(@"(?<![0-9A-Za-z]|[0-9][ \-.])\(?[0-9]{2,5}\)?(?:[ \-.]?[0-9]{2,5}){1,4}(?![0-9A-Za-z]|[\-.][0-9])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex LooseNumber();

    [GeneratedRegex(@"(?:phone|mobile|telephone|\btel|\bcell|whatsapp|call me (?:at|on)|reach me (?:at|on)|电话|電話|手机|手機|座机|致电|拨打|号码是|微信)[^0-9\n]{0,8}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex PhoneWord();

    [GeneratedRegex(@"(?:passport|护照|護照|通行证|通行證|permit no)[^0-9\n]{0,8}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex PassportWord();

    [GeneratedRegex(@"(?:order|tracking|serial|invoice|\bsn\b|\bs/n|ticket|batch|\blot\b|订单|訂單|运单|快递|序列号|批号|批次|发票号|工单|单号|流水号)[^0-9\n]{0,8}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex NotPersonal();

    [GeneratedRegex(@"(?:version|firmware|release|build|\bv|版本|固件)[^0-9\n]{0,6}$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, TimeoutMilliseconds)]
    private static partial Regex Version();
}
