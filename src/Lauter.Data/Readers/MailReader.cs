using MimeKit;

namespace Lauter.Data.Readers;

/// <summary>Mail → its subject, sender, date and text; every attachment is a document of its own, read by its own reader.</summary>
internal static class MailReader
{
    private const int MaximumMimeDepth = 64;

    public static void Read(ReadContext context, string path, ReadOnlyMemory<byte> bytes, int depth)
    {
        MimeMessage message;
        try
        {
            var options = new ParserOptions { MaxMimeDepth = MaximumMimeDepth };
            message = MimeMessage.Load(options, new MemoryStream(bytes.ToArray(), writable: false));
        }
        catch (FormatException e)
        {
            throw new ReaderFault(RejectReasons.Unreadable, $"it is not a mail message: {e.Message}");
        }

        Read(context, path, message, depth);
    }

    private static void Read(ReadContext context, string path, MimeMessage message, int depth)
    {
        context.CheckTime();
        var builder = new DocumentBuilder(context) { Title = message.Subject };
        builder.Heading(1, message.Subject ?? "");
        var head = new List<string>();
        Add(head, "From", message.From.ToString());
        Add(head, "To", message.To.ToString());
        if (message.Date != default)
        {
            head.Add($"Date: {message.Date:yyyy-MM-dd HH:mm}");
        }

        builder.Paragraph(string.Join('\n', head));
        if (message.TextBody is { Length: > 0 } text)
        {
            PlainTextReader.Read(context, builder, text);
        }
        else if (message.HtmlBody is { Length: > 0 } html)
        {
            HtmlReader.ReadFragment(context, builder, html, 0, 0);
        }

        if (message.TextBody is { Length: > 0 } || message.HtmlBody is { Length: > 0 } || head.Count > 0)
        {
            FormatReaders.Add(context, builder.Build(path, "eml"));
        }

        var number = 0;
        foreach (var part in message.Attachments.Concat(message.BodyParts.OfType<MessagePart>()).Distinct())
        {
            number++;
            if (part is MessagePart { Message: { } inner })
            {
                if (depth + 1 > context.Limits.MaximumDepth)
                {
                    context.Reject(path, RejectReasons.ZipBomb, $"mails are nested more than {context.Limits.MaximumDepth} deep.");
                    continue;
                }

                Read(context, $"{path}!message-{number}.eml", inner, depth + 1);
            }
            else if (part is MimePart { Content: not null } mime)
            {
                using var memory = new MemoryStream();
                mime.Content.DecodeTo(memory);
                var name = string.IsNullOrWhiteSpace(mime.FileName) ? $"attachment-{number}" : mime.FileName.Replace('\\', '/');
                DocumentReader.ReadInto(context, $"{path}!{name[(name.LastIndexOf('/') + 1)..]}", memory.ToArray(), depth + 1);
            }
        }
    }

    private static void Add(List<string> head, string name, string value)
    {
        if (value.Length > 0)
        {
            head.Add($"{name}: {value}");
        }
    }
}
