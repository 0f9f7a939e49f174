using System.Text;
using System.Text.Json;

namespace Lauter.Gateway.Guards;

/// <summary>Mends the ways in which models miss JSON: text or a fence around it, a comma before the end, a missing end.</summary>
internal static class JsonRepair
{
    /// <summary>The mended text, or null when it cannot be mended without inventing a value.</summary>
    public static string? Mend(string text)
    {
        var begin = text.AsSpan().IndexOfAny('{', '[');
        if (begin < 0)
        {
            return null;
        }

        var output = new StringBuilder(text.Length - begin);
        Stack<char> open = new();
        var (inString, escaped) = (false, false);
        for (var i = begin; i < text.Length; i++)
        {
            var c = text[i];
            if (inString)
            {
                output.Append(c is '\n' ? "\\n" : c is '\r' ? "\\r" : c is '\t' ? "\\t" : c.ToString());
                (inString, escaped) = (escaped || c != '"', !escaped && c == '\\');
                continue;
            }

            if (c is '}' or ']')
            {
                if (open.Count == 0 || open.Peek() != c)
                {
                    return null;
                }

                TrimComma(output);
                open.Pop();
                output.Append(c);
                if (open.Count == 0)
                {
                    return Valid(output.ToString());
                }

                continue;
            }

            if (c is '{' or '[')
            {
                open.Push(c == '{' ? '}' : ']');
            }

            inString = c == '"';
            output.Append(c);
        }

        if (inString)
        {
            output.Append('"');
        }

        TrimComma(output);
        while (open.TryPop(out var close))
        {
            output.Append(close);
        }

        return Valid(output.ToString());
    }

    private static void TrimComma(StringBuilder output)
    {
        var end = output.Length;
        while (end > 0 && char.IsWhiteSpace(output[end - 1]))
        {
            end--;
        }

        if (end > 0 && output[end - 1] == ',')
        {
            output.Length = end - 1;
        }
    }

    private static string? Valid(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return text;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
