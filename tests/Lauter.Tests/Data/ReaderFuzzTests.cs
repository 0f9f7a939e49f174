using System.Text;
using Lauter.Data.Readers;

namespace Lauter.Tests.Data;

/// <summary>Every reader on damaged and hostile input: it gives documents or rejects, never an exception, within the limits. The seed is fixed and named in failures.</summary>
public sealed class ReaderFuzzTests
{
    private const int Seed = 20_261;
    private static readonly ReaderLimits Limits = new() { Timeout = TimeSpan.FromSeconds(5) };

    public static TheoryData<string> Formats() => [.. FuzzSeeds.Documents];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Read_DamagedFile_IsDocumentsOrRejects(string format)
    {
        var valid = FuzzSeeds.Valid(format);
        Assert.NotEmpty(DocumentReader.Read("valid." + format, valid, Limits, TestContext.Current.CancellationToken).Documents);
        var random = new Random(Seed);
        for (var i = 0; i < 40; i++)
        {
            var bytes = Damage(valid, random);
            var result = DocumentReader.Read($"{i}.{format}", bytes, Limits, TestContext.Current.CancellationToken);
            Assert.True(result.Documents.Count + result.Rejects.Count > 0, $"seed {Seed}, damage {i} of {format} gave nothing at all");
            Assert.All(result.Rejects, r => Assert.NotEmpty(r.Detail));
        }
    }

    [Theory]
    [InlineData("deep.html", "<div>", 20_000)]
    [InlineData("deep.md", "> ", 20_000)]
    [InlineData("lists.md", "- ", 10_000)]
    [InlineData("brackets.md", "[", 20_000)]
    [InlineData("stars.md", "*a ", 10_000)]
    [InlineData("quotes.csv", "\"", 100_001)]
    [InlineData("columns.csv", ",", 100_000)]
    [InlineData("entities.html", "&amp;", 50_000)]
    [InlineData("tables.html", "<table><tr><td>", 3_000)]
    [InlineData("mail.eml", "Content-Type: multipart/mixed; boundary=a\n\n--a\n", 500)]
    [InlineData("nulls.txt", "\0\0a", 10_000)]
    public void Read_HostileText_EndsWithinItsLimit(string name, string piece, int times)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var result = DocumentReader.Read(name, Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(piece, times)) + " word"), Limits, TestContext.Current.CancellationToken);
        Assert.True(result.Documents.Count + result.Rejects.Count > 0);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 11);
    }

    private static byte[] Damage(byte[] valid, Random random)
    {
        var bytes = (byte[])valid.Clone();
        switch (random.Next(4))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1:
                for (var k = random.Next(1, 20); k > 0; k--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }

                return bytes;
            case 2:
                var (from, length) = (random.Next(bytes.Length), random.Next(1, 200));
                return [.. bytes[..from], .. bytes[from..Math.Min(bytes.Length, from + length)], .. bytes[from..]];
            default:
                for (var k = random.Next(1, 4); k > 0; k--)
                {
                    var at = random.Next(bytes.Length);
                    bytes.AsSpan(at, Math.Min(random.Next(1, 64), bytes.Length - at)).Fill((byte)(random.Next(2) * 255));
                }

                return bytes;
        }
    }
}
