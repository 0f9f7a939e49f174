using System.IO.Compression;

namespace Lauter.Fuzz;

/// <summary>Damages inputs: bytes, runs and pieces, and inside of zip containers the entries, since a damaged container is refused at its door.</summary>
internal sealed class Mutator(Random random)
{
    private static readonly byte[][] Tokens = [.. new[] { "<", ">", "</", "\"", "'", "&#", "[", "]", "{", "}", "\n", "\r\n\r\n", "\0", "\uFEFF", "\uFFFD", "--", "=?utf-8?B?", "%PDF", "PK\u0003\u0004", "endobj", "<!DOCTYPE", "|", "#", "\\", "999999999999", "-1", "1e308" }.Select(System.Text.Encoding.UTF8.GetBytes)];

    public byte[] Mutate(byte[] input, IReadOnlyList<byte[]> corpus)
    {
        if (input.AsSpan().StartsWith("PK"u8) && random.Next(4) > 0 && Entries(input) is { Count: > 0 } entries)
        {
            var at = random.Next(entries.Count);
            entries[at] = (entries[at].Name, Bytes(entries[at].Content, corpus));
            return Zip(entries);
        }

        return Bytes(input, corpus);
    }

    private byte[] Bytes(byte[] input, IReadOnlyList<byte[]> corpus)
    {
        var bytes = input.ToList();
        for (var n = 1 << random.Next(4); n > 0; n--)
        {
            var at = random.Next(bytes.Count + 1);
            var length = Math.Min(1 << random.Next(8), bytes.Count - at);
            switch (random.Next(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                    break;
                case 4:
                    bytes.InsertRange(at, Tokens[random.Next(Tokens.Length)]);
                    break;
                case 5:
                    var other = corpus[random.Next(corpus.Count)];
                    var from = random.Next(other.Length + 1);
                    bytes.InsertRange(at, other.AsSpan(from, Math.Min(1 << random.Next(8), other.Length - from)).ToArray());
                    break;
                default:
                    bytes.InsertRange(at, Enumerable.Repeat((byte)random.Next(256), 1 << random.Next(10)));
                    break;
            }
        }

        return bytes.Count > 1 << 20 ? [.. bytes.Take(1 << 20)] : [.. bytes];
    }

    private static List<(string Name, byte[] Content)> Entries(byte[] zip)
    {
        var entries = new List<(string, byte[])>();
        try
        {
            using var archive = new ZipArchive(new MemoryStream(zip), ZipArchiveMode.Read);
            foreach (var entry in archive.Entries)
            {
                using var stream = entry.Open();
                using var content = new MemoryStream();
                stream.CopyTo(content);
                entries.Add((entry.FullName, content.ToArray()));
            }
        }
        catch (InvalidDataException)
        {
            // Damaged by an earlier round: its bytes are mutated then.
        }

        return entries;
    }

    private static byte[] Zip(List<(string Name, byte[] Content)> entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = archive.CreateEntry(name, CompressionLevel.Fastest).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }
}
