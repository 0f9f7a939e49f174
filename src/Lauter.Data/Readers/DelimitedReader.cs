namespace Lauter.Data.Readers;

/// <summary>CSV and TSV → one table.</summary>
internal static class DelimitedReader
{
    public static void Read(ReadContext context, DocumentBuilder builder, string text) =>
        builder.Table(DelimitedText.Parse(text, DelimitedText.SniffDelimiter(text)), 0, text.Length);
}
