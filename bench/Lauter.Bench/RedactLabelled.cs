using System.Globalization;
using Lauter.Data.Redaction;
using Lauter.Tests.Data;

namespace Lauter.Bench;

/// <summary>Precision and recall of redaction by type on the generated labelled texts: exact span and type.</summary>
internal static class RedactLabelled
{
    public static int Run(int count)
    {
        var samples = new LabelledPersonalData(seed: 20_25).Make(count).ToList();
        var counts = new SortedDictionary<string, (int Right, int Labelled, int Found)>(StringComparer.Ordinal);
        int decoys = 0, hit = 0, shown = 0;
        foreach (var sample in samples)
        {
            var found = PersonalData.Find(sample.Text, context: true).Select(f => (f.Start, f.Length, Type: PersonalData.NameOf(f.Kind))).ToList();
            foreach (var finding in found)
            {
                var (r, l, f) = counts.GetValueOrDefault(finding.Type);
                counts[finding.Type] = (r, l, f + 1);
            }

            foreach (var label in sample.Labels)
            {
                if (label.Type == "decoy")
                {
                    decoys++;
                    hit += found.Any(f => f.Start < label.Start + label.Length && label.Start < f.Start + f.Length) ? 1 : 0;
                    continue;
                }

                var right = found.Contains((label.Start, label.Length, label.Type));
                var (r, l, f) = counts.GetValueOrDefault(label.Type);
                counts[label.Type] = (r + (right ? 1 : 0), l + 1, f);
                if (!right && label.Type is not ("person" or "address") && shown++ < 30)
                {
                    var overlap = string.Join(' ', found.Where(f => f.Start < label.Start + label.Length && label.Start < f.Start + f.Length).Select(f => $"{f.Type}:{sample.Text.Substring(f.Start, f.Length)}"));
                    Console.WriteLine($"  missed {label.Type}: {sample.Text[Math.Max(0, label.Start - 12)..Math.Min(sample.Text.Length, label.Start + label.Length + 8)].ReplaceLineEndings(" ")} | {overlap}");
                }
            }

            foreach (var f in found.Where(f => !sample.Labels.Any(l => l.Type != "decoy" && (l.Start, l.Length, l.Type) == f)).Take(shown < 60 ? 1 : 0))
            {
                Console.WriteLine($"  wrong {f.Type}: {sample.Text[Math.Max(0, f.Start - 12)..f.Start]}<{sample.Text.Substring(f.Start, f.Length)}>{sample.Text[(f.Start + f.Length)..Math.Min(sample.Text.Length, f.Start + f.Length + 8)]}".ReplaceLineEndings(" "));
            }
        }

        foreach (var (type, (right, labelled, found)) in counts)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{type,-18} precision {(double)right / Math.Max(1, found):0.0000} ({right}/{found}), recall {(double)right / Math.Max(1, labelled):0.0000} ({right}/{labelled})"));
        }

        var megabytes = samples.Sum(s => (long)System.Text.Encoding.UTF8.GetByteCount(s.Text)) / 1e6;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"speed on these texts, which are little else than findings: {megabytes / Cpu.Of(() => samples.Sum(s => PersonalData.Find(s.Text, context: true).Count)).Seconds:0.0} MB/s; access log lines: {Log():0.0} MB/s"));
        Console.WriteLine($"decoys hit {hit}/{decoys} in {samples.Count} texts");
        return 0;
    }

    /// <summary>Lines of a web server's log: an address, a time, numbers and a path in every one.</summary>
    private static double Log()
    {
        var random = new Random(1);
        var text = string.Concat(Enumerable.Range(0, 50_000).Select(_ => $"203.0.113.{random.Next(255)} - - [04/Mar/2025:10:{random.Next(60):00}:{random.Next(60):00} +0000] \"GET /items/{random.Next(100_000)}?page={random.Next(20)} HTTP/1.1\" 200 {random.Next(90_000)}\n"));
        PersonalData.Find(text[..10_000]);
        return text.Length / 1e6 / Cpu.Of(() => PersonalData.Find(text).Count).Seconds;
    }
}
