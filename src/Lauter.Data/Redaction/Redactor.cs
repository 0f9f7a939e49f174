using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Lauter.Data.Text;

namespace Lauter.Data.Redaction;

/// <summary>One replaced or kept finding.</summary>
/// <param name="Span">Where it stood in the original text.</param>
/// <param name="Type">Name of its kind, or of the user's pattern.</param>
/// <param name="Value">The original value, as written.</param>
/// <param name="Replacement">What stands there now; null when it was kept.</param>
public readonly record struct Redaction(PersonalDataSpan Span, string Type, string Value, string? Replacement);

/// <summary>A text after redaction.</summary>
/// <param name="Text">The text without what was found.</param>
/// <param name="Findings">In order of their start.</param>
/// <param name="TimedOut">Names of user patterns that ran out of time on this text.</param>
public readonly record struct RedactedText(string Text, IReadOnlyList<Redaction> Findings, IReadOnlyList<string> TimedOut);

/// <summary>Applies a <see cref="RedactionPolicy"/> to texts. The same value gives the same pseudonym everywhere, full-width or not. Thread-safe.</summary>
public sealed class Redactor
{
    /// <summary>Shortest key.</summary>
    public const int LeastKeyBytes = 16;

    private readonly RedactionPolicy _policy;
    private readonly List<(CustomPattern Pattern, Regex Regex)> _patterns = [];
    private readonly bool _context;

    /// <exception cref="ArgumentException">A pattern can't be used, or pseudonyms or hashes are asked for without a key; the message says which.</exception>
    public Redactor(RedactionPolicy policy)
    {
        _policy = policy;
        _context = policy.Kinds.Contains(PersonalDataKind.Person) || policy.Kinds.Contains(PersonalDataKind.Address);
        foreach (var pattern in policy.Patterns)
        {
            if (pattern.Name.Length == 0 || pattern.Name.Any(c => !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '_'))
            {
                throw new ArgumentException($"The pattern's name '{pattern.Name}' may hold only lower-case letters, digits and underscores.");
            }

            try
            {
                _patterns.Add((pattern, new Regex(pattern.Pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, policy.PatternTimeout)));
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                throw new ArgumentException($"The pattern '{pattern.Name}' can't be used: {e.Message} Look-around, back-references and atomic groups are refused, because they may take exponential time.", e);
            }
        }

        var keyed = policy.Kinds.Append(PersonalDataKind.Custom).Any(k => policy.ActionOf(k) is RedactionAction.Pseudonym or RedactionAction.Hash);
        if (keyed && policy.Key.Length < LeastKeyBytes)
        {
            throw new ArgumentException($"Pseudonyms and hashes need a key of at least {LeastKeyBytes} bytes; {policy.Key.Length} were given. Without one, anybody could try all telephone numbers.");
        }
    }

    /// <summary>Redacts a text; the very same object comes back when nothing was replaced.</summary>
    public RedactedText Redact(string text)
    {
        var timedOut = new List<string>();
        var spans = Find(text, timedOut);
        if (spans.Count == 0)
        {
            return new RedactedText(text, [], timedOut);
        }

        var findings = new List<Redaction>(spans.Count);
        var builder = new StringBuilder(text.Length);
        var at = 0;
        foreach (var span in spans)
        {
            var value = text.Substring(span.Start, span.Length);
            var type = TypeOf(span);
            var replacement = ReplacementOf(span, type, value);
            findings.Add(new Redaction(span, type, value, replacement));
            if (replacement is not null)
            {
                builder.Append(text, at, span.Start - at).Append(replacement);
                at = span.End;
            }
        }

        return new RedactedText(at == 0 ? text : builder.Append(text, at, text.Length - at).ToString(), findings, timedOut);
    }

    private List<PersonalDataSpan> Find(string text, List<string> timedOut)
    {
        var spans = PersonalData.Find(text, _context).Where(s => _policy.Kinds.Contains(s.Kind)).ToList();
        if (_patterns.Count == 0)
        {
            return spans;
        }

        var half = TextFolding.HalfWidth(text);
        for (var i = 0; i < _patterns.Count; i++)
        {
            try
            {
                foreach (var match in _patterns[i].Regex.EnumerateMatches(half))
                {
                    if (match.Length > 0)
                    {
                        PersonalData.TryAdd(spans, new PersonalDataSpan(PersonalDataKind.Custom, match.Index, match.Length, i));
                    }
                }
            }
            catch (RegexMatchTimeoutException)
            {
                // Said in the report: the rest of this text was not searched for this pattern.
                timedOut.Add(_patterns[i].Pattern.Name);
            }
        }

        return spans;
    }

    private string TypeOf(PersonalDataSpan span) => span.Kind == PersonalDataKind.Custom ? _patterns[span.Pattern].Pattern.Name : PersonalData.NameOf(span.Kind);

    private string? ReplacementOf(PersonalDataSpan span, string type, string value)
    {
        var name = span.Kind == PersonalDataKind.Custom ? type.ToUpperInvariant() : PersonalData.MaskOf(span.Kind)[1..^1];
        return _policy.ActionOf(span.Kind) switch
        {
            RedactionAction.Keep => null,
            RedactionAction.Type => $"[{name}]",
            RedactionAction.Mask => Masked(value),
            RedactionAction.Pseudonym => $"[{name}_{KeyedHash(type, value)[..12]}]",
            _ => KeyedHash(type, value),
        };
    }

    /// <summary>The value without what people write differently: width, case, blanks, hyphens, brackets.</summary>
    internal static string Canonical(string value) => string.Concat(TextFolding.HalfWidth(value).Where(c => c is not (' ' or '-' or '(' or ')' or '.') || value.Contains('@', StringComparison.Ordinal))).ToUpperInvariant();

    private string KeyedHash(string type, string value) => Convert.ToHexStringLower(HMACSHA256.HashData(_policy.Key.Span, Encoding.UTF8.GetBytes($"{type}\n{Canonical(value)}")));

    private static string Masked(string value)
    {
        var visible = value.Count(char.IsLetterOrDigit) > 8 ? 4 : 0;
        var masked = value.ToCharArray();
        for (int i = masked.Length - 1, seen = 0; i >= 0; i--)
        {
            if (char.IsLetterOrDigit(masked[i]) && seen++ >= visible)
            {
                masked[i] = '*';
            }
        }

        return new string(masked);
    }
}
