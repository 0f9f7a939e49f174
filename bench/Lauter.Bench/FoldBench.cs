using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Lauter.Data.Dedup;
using Lauter.Data.Text;

namespace Lauter.Bench;

/// <summary>Folding and script conversion beside what the machine can do at all with the same bytes: copying, hashing, decoding UTF-8.</summary>
internal static class FoldBench
{
    public static int Run(string directory)
    {
        var rows = CorpusRow.Read(directory).ToList();
        var traditional = Enumerable.Range(0x4E00, 0x5200).Select(c => (char)c).Where(c => TextFolding.Simplify(c) != c).GroupBy(TextFolding.Simplify).ToDictionary(g => g.Key, g => g.First());
        foreach (var language in new[] { "en", "zh", "zh traditional" })
        {
            var texts = rows.Where(r => r.Language == language[..2]).Select(r => language.Length == 2 ? r.Text : string.Concat(r.Text.Select(c => traditional.GetValueOrDefault(c, c)))).ToArray();
            var bytes = texts.Select(Encoding.UTF8.GetBytes).ToArray();
            var megabytes = bytes.Sum(b => (long)b.Length) / 1e6;
            var buffer = new byte[bytes.Max(b => b.Length)];
            Time("copy the bytes", () => bytes.Sum(b => { b.CopyTo(buffer, 0); return buffer[0]; }));
            Time("hash the bytes (XxHash3)", () => bytes.Sum(b => (long)(XxHash3.HashToUInt64(b) & 1)));
            Time("decode UTF-8 into strings", () => bytes.Sum(b => (long)Encoding.UTF8.GetString(b).Length));
            Time("count code points of UTF-8", () => bytes.Sum(b => (long)Encoding.UTF8.GetCharCount(b)));
            Time("fold (NFKC, script, case, blanks)", () => texts.Sum(t => (long)TextFolding.Fold(t).Length));
            Time("fold, the slow definition", () => texts.Take(texts.Length / 8).Sum(t => (long)TextFolding.FoldSlowly(t).Length), 8);
            Time("simplify by characters", () => texts.Sum(t => (long)TextFolding.Simplify(t).Length));
            Time("simplify by words", () => texts.Sum(t => (long)ChineseScript.ToSimplified(t).Length));
            Time("shingle sets, exact", () => texts.Take(texts.Length / 8).Sum(t => (long)ShingleSet.Of(t, ShingleUnit.Words, 5).Count), 8);

            void Time(string name, Func<long> work, int part = 1)
            {
                work();
                var best = Enumerable.Range(0, 5).Min(_ => Cpu.Of(work).Seconds);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{language,-15} {name,-36} {megabytes / part / Math.Max(best, 0.001):0} MB/s"));
            }
        }

        return 0;
    }

    /// <summary>
    /// A corpus many times as large without a copy between its parts: in part k each Latin letter is moved k places in the alphabet and each common Han character
    /// 53 k places in its block. Duplicates inside a part stay duplicates.
    /// </summary>
    public static int Grow(string directory, string output, int parts)
    {
        using var file = new StreamWriter(output, append: false, new UTF8Encoding(false), 1 << 20);
        for (var part = 0; part < parts; part++)
        {
            var number = part;
            foreach (var row in CorpusRow.Read(directory))
            {
                var text = string.Create(row.Text.Length, row.Text, (target, source) =>
                {
                    for (var i = 0; i < target.Length; i++)
                    {
                        var c = source[i];
                        target[i] = c switch
                        {
                            >= 'a' and <= 'z' => (char)('a' + ((c - 'a' + number) % 26)),
                            >= 'A' and <= 'Z' => (char)('A' + ((c - 'A' + number) % 26)),
                            >= '\u4E00' and <= '\u9FA5' => (char)(0x4E00 + ((c - 0x4E00 + (53 * number)) % 0x51A6)),
                            _ => c,
                        };
                    }
                });
                file.WriteLine(System.Text.Json.JsonSerializer.Serialize(new { id = $"{part}-{row.Id}", text }, Relaxed));
            }
        }

        return 0;
    }

    private static readonly System.Text.Json.JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
