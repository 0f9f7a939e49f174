using System.Text;
using System.Text.Json.Nodes;
using Lauter.Data.Redaction;

namespace Lauter.Gateway.Guards;

/// <summary>
/// The masks of one request, such as <c>[EMAIL_1]</c>: equal values get equal masks, so that the model can still tell people apart, and an answer
/// that repeats a mask gets the value back. They live as long as the request and are written nowhere.
/// </summary>
internal sealed class Masks(JsonNode? question)
{
    /// <summary>Longest mask in characters, which is what a stream holds back at most for them.</summary>
    public const int MaximumLength = 24;

    private readonly Dictionary<string, string> _maskOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _valueOf = new(StringComparer.Ordinal);
    private readonly string _text = question?.ToJsonString() ?? "";
    private int _last;

    public bool Any => _maskOf.Count > 0;

    public string Apply(string text, IReadOnlyList<PersonalDataSpan> spans)
    {
        var builder = new StringBuilder(text.Length);
        var at = 0;
        foreach (var span in spans)
        {
            builder.Append(text, at, span.Start - at).Append(MaskOf(text.Substring(span.Start, span.Length), span.Kind));
            at = span.End;
        }

        return builder.Append(text, at, text.Length - at).ToString();
    }

    public string Restore(string text)
    {
        if (!text.Contains('['))
        {
            return text;
        }

        foreach (var (mask, value) in _valueOf)
        {
            text = text.Replace(mask, value, StringComparison.Ordinal);
        }

        return text;
    }

    /// <summary>How many characters at the end of <paramref name="text"/> may be the beginning of a mask.</summary>
    public static int Open(string text)
    {
        var bracket = text.LastIndexOf('[');
        return bracket >= 0 && text.Length - bracket < MaximumLength && text.IndexOf(']', bracket) < 0 ? text.Length - bracket : 0;
    }

    private string MaskOf(string value, PersonalDataKind kind)
    {
        if (_maskOf.TryGetValue(value, out var known))
        {
            return known;
        }

        string mask;
        do
        {
            mask = $"{PersonalData.MaskOf(kind).TrimEnd(']')}_{++_last}]";
        }
        while (_text.Contains(mask, StringComparison.Ordinal)); // the caller wrote this one himself

        _maskOf[value] = mask;
        _valueOf[mask] = value;
        return mask;
    }
}
