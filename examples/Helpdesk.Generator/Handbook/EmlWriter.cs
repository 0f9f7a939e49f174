using System.Globalization;
using System.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>Mails to customers: a text part in base64, and what follows "Attachment NAME" as an attached CSV file.</summary>
internal static class EmlWriter
{
    private const string Mark = "Attachment ";
    private const string Boundary = "=_sudhaven_2025";

    public static byte[] Write(Page page, int number)
    {
        var body = new StringBuilder();
        string? attached = null;
        foreach (var block in page.Blocks.Skip(1))
        {
            switch (block)
            {
                case Heading h when h.Text.StartsWith(Mark, StringComparison.Ordinal): attached = h.Text[Mark.Length..]; break;
                case Paragraph p: body.Append(p.Text).Append("\r\n\r\n"); break;
                case Entry e: body.Append("- ").Append(e.Text).Append("\r\n"); break;
            }
        }

        body.Append(page.Language == "zh" ? "-- \r\n苏德港客服 · 周一至周五9:00-17:00\r\n请打印前考虑环保。\r\n" : "-- \r\nSudhaven support, Monday to Friday 9:00 to 17:00\r\nPlease consider the environment before printing this e-mail.\r\n");
        var mail = new StringBuilder();
        mail.Append("From: Sudhaven <news@example.org>\r\nTo: customers@example.net\r\n");
        mail.Append(CultureInfo.InvariantCulture, $"Subject: {Encoded(page.Title)}\r\nDate: Mon, {6 + (7 * (number % 3)):D2} Jan 2025 09:00:00 +0000\r\nMessage-ID: <handbook-{number}@example.org>\r\nMIME-Version: 1.0\r\n");
        mail.Append($"Content-Type: multipart/mixed; boundary=\"{Boundary}\"\r\n\r\n");
        Part(mail, "text/plain; charset=utf-8", "", body.ToString());
        if (attached is not null)
        {
            Part(mail, $"text/csv; charset=utf-8; name=\"{Encoded(attached)}\"", $"Content-Disposition: attachment; filename=\"{Encoded(attached)}\"\r\n", TextWriters.Csv(page.Blocks.OfType<Table>().Last()));
        }

        return Encoding.ASCII.GetBytes(mail.Append($"--{Boundary}--\r\n").ToString());
    }

    private static void Part(StringBuilder mail, string type, string disposition, string text) =>
        mail.Append($"--{Boundary}\r\nContent-Type: {type}\r\n{disposition}Content-Transfer-Encoding: base64\r\n\r\n")
            .AppendJoin("\r\n", Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).Chunk(76).Select(c => new string(c))).Append("\r\n");

    private static string Encoded(string text) => text.All(char.IsAscii) ? text : $"=?utf-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}?=";
}
