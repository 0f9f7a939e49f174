using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Lauter.Data.Text;

namespace Lauter.Data.Redaction;

/// <summary>
/// Finds personal data in half- and full-width text. Nearly all text is free of it, so the scan is vectorised for the few characters that can begin a
/// finding: (1) @, (2) digits, whose group says by its length and signs which rules are worth trying, (3) words that announce a name.
/// Numbers with check digits must pass them. Thread-safe.
/// </summary>
public static class PersonalData
{
    /// <summary>Characters before a group of digits that its rules may look at, for words such as 护照 or "order".</summary>
    private const int Before = 48;

    /// <summary>Characters after it, for what must not follow.</summary>
    private const int After = 4;

    /// <summary>The same for an IBAN, whose blocks of letters are no part of the group, and for a plate.</summary>
    private const int AfterHead = 48;

    /// <summary>Longest group that is looked at; longer ones are tables or noise and are cut there.</summary>
    private const int LongestGroup = 4_096;

    private static readonly SearchValues<char> AllDigits = SearchValues.Create("0123456789０１２３４５６７８９");
    private static readonly SearchValues<char> At = SearchValues.Create("@＠");

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
        PersonalDataKind.Phone => "[PHONE]",
        _ => $"[{NameOf(kind).ToUpperInvariant()}]",
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
        PersonalDataKind.Phone => "phone",
        PersonalDataKind.OrganisationCode => "organisation_code",
        PersonalDataKind.Plate => "plate",
        PersonalDataKind.SocialSecurity => "social_security",
        PersonalDataKind.Address => "address",
        PersonalDataKind.Person => "person",
        _ => "custom",
    };

    /// <summary>The kinds that are found by form, check digit or a word beside them.</summary>
    public static IReadOnlyList<PersonalDataKind> AllKinds { get; } = [.. Enum.GetValues<PersonalDataKind>().Where(k => k < PersonalDataKind.Address)];

    /// <summary>The kinds that are found by rule and word list, and so less surely.</summary>
    public static IReadOnlyList<PersonalDataKind> ContextKinds { get; } = [PersonalDataKind.Address, PersonalDataKind.Person];

    /// <summary>Findings of <see cref="AllKinds"/> in order of their start; they never overlap. Offsets are those of <paramref name="text"/>.</summary>
    public static IReadOnlyList<PersonalDataSpan> Find(string text) => Find(text, context: false);

    /// <summary>Findings in order of their start; they never overlap.</summary>
    /// <param name="text">The text; offsets are UTF-16 units of it.</param>
    /// <param name="context">Look for <see cref="ContextKinds"/> too.</param>
    public static IReadOnlyList<PersonalDataSpan> Find(string text, bool context)
    {
        var found = new List<PersonalDataSpan>();
        FindMail(text, found);
        FindNumbers(text, found, context);
        if (context)
        {
            PersonRules.Find(text, found);
        }

        return found;
    }

    /// <summary>Replaces findings of the given kinds by their masks and counts them.</summary>
    /// <param name="text">The text.</param>
    /// <param name="kinds">Kinds to replace; others stay as they are.</param>
    /// <param name="counts">Incremented for each replacement.</param>
    public static string Redact(string text, IReadOnlySet<PersonalDataKind> kinds, IDictionary<PersonalDataKind, int> counts)
    {
        var spans = Find(text, kinds.Contains(PersonalDataKind.Person) || kinds.Contains(PersonalDataKind.Address));
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

    /// <summary>Adds what lies clear of earlier findings; <paramref name="found"/> stays in order of the starts.</summary>
    internal static bool TryAdd(List<PersonalDataSpan> found, PersonalDataSpan span)
    {
        var (low, high) = (0, found.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = found[middle].Start < span.End ? (middle + 1, high) : (low, middle);
        }

        // All before this place begin before the new one ends, and only the last of them can reach into it.
        if (low > 0 && found[low - 1].End > span.Start)
        {
            return false;
        }

        found.Insert(low, span);
        return true;
    }

    private static void FindMail(string text, List<PersonalDataSpan> found)
    {
        for (var at = 0; ;)
        {
            var next = text.AsSpan(at).IndexOfAny(At);
            if (next < 0)
            {
                return;
            }

            at += next;
            var (start, end) = (at, at + 1);
            while (start > 0 && at - start < 130 && IsMailCharacter(TextFolding.HalfWidth(text[start - 1])))
            {
                start--;
            }

            while (end < text.Length && end - at < 300 && IsMailCharacter(TextFolding.HalfWidth(text[end])))
            {
                end++;
            }

            Try(text, start, end, NumberRules.Mail, found, After);
            at = end;
        }
    }

    private static void FindNumbers(string text, List<PersonalDataSpan> found, bool context)
    {
        for (var at = 0; ;)
        {
            var next = text.AsSpan(at).IndexOfAny(AllDigits);
            if (next < 0)
            {
                return;
            }

            var group = DigitGroup.At(text, at + next, at, LongestGroup);
            if (group.IsIbanHead(text))
            {
                Try(text, group.Start, group.Start + 1, NumberRules.Ibans, found, AfterHead);
            }

            if (group.Points >= 3)
            {
                Try(text, group.Start, group.End, NumberRules.Dotted, found, After);
            }

            if (group.Digits >= 7 && (group.Points < 3 || group.Digits > 12))
            {
                Try(text, group.Start, group.End, NumberRules.Long, found, After, group.Digits);
            }
            else if (group.Letters && group.End - group.Start >= 8)
            {
                Try(text, group.Start, group.End, NumberRules.Mixed, found, After);
            }

            if (group.Colon)
            {
                var (start, end) = DigitGroup.Hexadecimal(text, group.Start);
                if (IsAddressLike(text.AsSpan(start, end - start)))
                {
                    Try(text, start, end, NumberRules.Colons, found, After);
                }
            }

            if (group.PlateStart(text) is >= 0 and var plate)
            {
                Try(text, plate, plate + 1, NumberRules.Plates, found, AfterHead);
            }

            if (context)
            {
                AddressRules.Try(text, group, found);
            }

            at = Math.Max(group.End, at + next + 1);
        }
    }

    /// <summary>Runs rules on a half-width copy of the surroundings; a finding must lie inside [start, end).</summary>
    private static void Try(string text, int start, int end, IReadOnlyList<Rule> rules, List<PersonalDataSpan> found, int after, int digits = int.MaxValue)
    {
        var from = Math.Max(0, start - Before);
        var to = Math.Min(text.Length, end + after);
        var window = ArrayPool<char>.Shared.Rent(to - from);
        var half = window.AsSpan(0, to - from);
        for (var i = 0; i < half.Length; i++)
        {
            half[i] = TextFolding.HalfWidth(text[from + i]);
        }

        // Only the group itself and what follows is searched; look-behind still sees what stands before.
        foreach (var rule in rules)
        {
            if (digits < rule.Least)
            {
                continue;
            }

            try
            {
                foreach (var match in rule.Pattern.EnumerateMatches(half, start - from))
                {
                    if (from + match.Index >= end)
                    {
                        break;
                    }

                    var length = rule.Accept(half, match.Index, match.Length);
                    if (length > 0)
                    {
                        TryAdd(found, new PersonalDataSpan(rule.Kind, from + match.Index, length));
                    }
                }
            }
            catch (RegexMatchTimeoutException)
            {
                // A hostile text must not stop the run; what was found of this kind so far stays, the other kinds are still looked for.
            }
        }

        ArrayPool<char>.Shared.Return(window);
    }

    /// <summary>IPv6 has two colons side by side or seven in all; a time of day has neither.</summary>
    private static bool IsAddressLike(ReadOnlySpan<char> text)
    {
        var (colons, twice) = (0, false);
        for (var i = 0; i < text.Length; i++)
        {
            var colon = text[i] is ':' or '：';
            colons += colon ? 1 : 0;
            twice |= colon && i > 0 && text[i - 1] is ':' or '：';
        }

        return twice || colons == 7;
    }

    private static bool IsMailCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '%' or '+' or '\'' or '-';
}
