using System.Text;
using Helpdesk.Generator.Text;

namespace Helpdesk.Generator.Tickets;

/// <summary>Plants repeated tickets: the same message sent twice, or once more with small differences.</summary>
internal static class Copies
{
    public static readonly string[] Kinds = ["exact", "case", "whitespace", "typo", "width"];

    public static Ticket Of(Ticket original, Dice dice)
    {
        var kind = dice.Chance(0.35) ? "exact" : dice.Pick(Kinds);
        var text = Change(original, kind, dice);
        if (text == original.Text)
        {
            kind = "exact";
        }

        return original with
        {
            Text = text,
            Original = original,
            CopyKind = kind,
            Received = original.Received.AddMinutes(3 + dice.Below(60 * 24 * 4)),
        };
    }

    private static string Change(Ticket ticket, string kind, Dice dice) => kind switch
    {
        "case" => ticket.Text.Any(char.IsAsciiLetterUpper) ? ticket.Text.ToLowerInvariant() : ticket.Text.ToUpperInvariant(),
        "whitespace" => ticket.Language == "zh"
            ? ticket.Text.Replace("，", "， ", StringComparison.Ordinal).Replace("。", "。\n", StringComparison.Ordinal)
            : ticket.Text.Replace(". ", ".\n", StringComparison.Ordinal).Replace(" a ", "  a ", StringComparison.Ordinal) + " \n",
        "typo" => ticket.Language == "zh" ? TypingErrors.Chinese(ticket.Text, 3, dice) : TypingErrors.English(ticket.Text, 3, dice),
        "width" => Widen(ticket.Text),
        _ => ticket.Text,
    };

    /// <summary>ASCII digits and some punctuation as full-width characters (U+FF01 to U+FF5E).</summary>
    public static string Widen(string text)
    {
        var wide = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            wide.Append(char.IsAsciiDigit(c) || c is '!' or '?' or ':' or '(' or ')' ? (char)(c - '!' + '！') : c);
        }

        return wide.ToString();
    }
}
