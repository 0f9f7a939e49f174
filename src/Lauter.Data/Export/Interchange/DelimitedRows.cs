using System.Text;
using Lauter.Data.Readers;

namespace Lauter.Data.Export.Interchange;

/// <summary>
/// The rows of a CSV or TSV file, one after the other, by the rules of <see cref="DelimitedText"/> but without the whole file in memory: its encoding is found
/// by a first pass, its delimiter by its beginning.
/// </summary>
internal static class DelimitedRows
{
    private const int BlockBytes = 1 << 20;
    private const int SampleCharacters = 1 << 16;

    /// <summary>All rows, the header included; ragged rows keep their own length.</summary>
    public static IEnumerable<List<string>> Read(string path)
    {
        var encoding = EncodingOf(path);
        using var reader = new StreamReader(path, encoding, detectEncodingFromByteOrderMarks: true, BlockBytes);
        var block = new char[SampleCharacters];
        var held = reader.ReadBlock(block);
        var delimiter = DelimitedText.SniffDelimiter(new string(block, 0, held));
        var row = new List<string>();
        var field = new StringBuilder();
        var (quoted, wasQuoted, afterQuote, afterReturn) = (false, false, false, false);
        for (; held > 0; held = reader.ReadBlock(block))
        {
            for (var i = 0; i < held; i++)
            {
                var c = block[i];
                if (afterQuote)
                {
                    // The quote before this character ended the field, unless this is a second one.
                    afterQuote = false;
                    if (c == '"')
                    {
                        field.Append(c);
                        continue;
                    }

                    quoted = false;
                }

                if (quoted)
                {
                    if (c == '"')
                    {
                        afterQuote = true;
                    }
                    else
                    {
                        field.Append(c);
                    }

                    continue;
                }

                var lineFeedOfPair = afterReturn && c == '\n';
                afterReturn = c == '\r';
                if (lineFeedOfPair)
                {
                    continue;
                }

                if (c == '"' && field.Length == 0)
                {
                    (quoted, wasQuoted) = (true, true);
                }
                else if (c == delimiter)
                {
                    row.Add(field.ToString());
                    field.Clear();
                }
                else if (c is '\n' or '\r')
                {
                    if (row.Count > 0 || field.Length > 0 || wasQuoted)
                    {
                        row.Add(field.ToString());
                        yield return row;
                    }

                    field.Clear();
                    (row, wasQuoted) = ([], false);
                }
                else
                {
                    field.Append(c);
                }
            }
        }

        if (row.Count > 0 || field.Length > 0 || wasQuoted)
        {
            row.Add(field.ToString());
            yield return row;
        }
    }

    /// <summary>UTF-8 when all of the file is; else what the detector says about the first block that is not.</summary>
    private static Encoding EncodingOf(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        var block = new byte[BlockBytes];
        var kept = 0;
        int read;
        for (var first = true; (read = file.ReadAtLeast(block.AsSpan(kept), block.Length - kept, throwOnEndOfStream: false)) > 0; first = false)
        {
            var bytes = block.AsMemory(0, kept + read);

            // A character that the end of the block cuts belongs to the next one.
            var whole = bytes.Length < block.Length ? bytes.Length : bytes.Length - Cut(bytes.Span);
            if ((first && bytes.Span[..Math.Min(4096, bytes.Length)].Contains((byte)0)) || !System.Text.Unicode.Utf8.IsValid(bytes.Span[..whole]))
            {
                var name = EncodingDetector.Decode(bytes[..whole]).Encoding;
                return name.StartsWith("utf-8", StringComparison.Ordinal) ? Encoding.UTF8 : CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
            }

            kept = bytes.Length - whole;
            bytes.Span[whole..].CopyTo(block);
        }

        return Encoding.UTF8;
    }

    /// <summary>Bytes of an unfinished UTF-8 sequence at the end.</summary>
    private static int Cut(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= Math.Min(3, bytes.Length); back++)
        {
            var b = bytes[^back];
            if (b >= 0xC0)
            {
                return back < (b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : 2) ? back : 0;
            }

            if (b < 0x80)
            {
                return 0;
            }
        }

        return 0;
    }
}
