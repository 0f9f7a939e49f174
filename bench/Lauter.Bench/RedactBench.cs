using System.Globalization;
using System.Text;
using System.Text.Json;
using Lauter.Data.Redaction;

namespace Lauter.Bench;

/// <summary>Redaction on the generated corpus: speed, exact spans by type, decoys, false alarms in clean text.</summary>
internal static class RedactBench
{
    private static readonly Dictionary<string, PersonalDataKind> Kinds = new(StringComparer.Ordinal)
    {
        ["email"] = PersonalDataKind.Email, ["cn_phone"] = PersonalDataKind.Phone, ["us_phone"] = PersonalDataKind.Phone, ["cn_rid"] = PersonalDataKind.ResidentId,
        ["uscc"] = PersonalDataKind.CreditCode, ["card"] = PersonalDataKind.Card, ["ipv4"] = PersonalDataKind.IpAddress,
    };

    public static int Run(string directory)
    {
        var rows = CorpusRow.Read(directory).ToList();
        foreach (var language in new[] { "en", "zh" })
        {
            var texts = rows.Where(r => r.Language == language).ToList();
            var megabytes = texts.Sum(t => (long)Encoding.UTF8.GetByteCount(t.Text)) / 1e6;
            foreach (var context in new[] { false, true })
            {
                for (var round = 0; round < 3; round++)
                {
                    var (count, cpu) = Cpu.Of(() => texts.Sum(t => PersonalData.Find(t.Text, context).Count));
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{language}, names and addresses {(context ? "too" : "not")}: {megabytes:0.0} MB, {cpu:0.000} CPU-s, {megabytes / cpu:0} MB/s, {count} findings"));
                }
            }

            Spans(texts);
        }

        return 0;
    }

    private static void Spans(List<CorpusRow> texts)
    {
        var counts = new SortedDictionary<string, (int Right, int All)>(StringComparer.Ordinal);
        int decoys = 0, hit = 0, alarms = 0, shown = 0, cleanAlarms = 0, clean = 0;
        foreach (var row in texts)
        {
            var found = PersonalData.Find(row.Text);
            if (row.Kind == "clean")
            {
                clean++;
                cleanAlarms += found.Count;
                foreach (var span in found.Take(cleanAlarms < 30 ? 5 : 0))
                {
                    Console.WriteLine($"  in clean text: {span.Kind} {row.Text.AsSpan(Math.Max(0, span.Start - 20), Math.Min(row.Text.Length - Math.Max(0, span.Start - 20), span.Length + 30))}".ReplaceLineEndings(" "));
                }

                continue;
            }

            if (row.Kind != "pii")
            {
                continue;
            }

            var known = new HashSet<(int, int)>();
            foreach (var (start, end, type, wide) in Planted(row, "pii"))
            {
                known.Add((start, end));
                var right = found.Any(f => f.Start == start && f.End == end && f.Kind == Kinds[type]);
                var after = start > 0 && row.Text[start - 1] > '\u2E80' ? "after Han" : "elsewhere";
                foreach (var key in new[] { type, $"{type} {(wide ? "full-width" : "half-width")}", after })
                {
                    var (r, a) = counts.GetValueOrDefault(key);
                    counts[key] = (r + (right ? 1 : 0), a + 1);
                }

                if (!right && shown++ < 40)
                {
                    Console.WriteLine($"  missed {type}: {row.Text[Math.Max(0, start - 15)..Math.Min(row.Text.Length, end + 10)]} | found {string.Join(' ', found.Where(f => f.Start < end && start < f.End).Select(f => $"{f.Kind} {row.Text[f.Start..f.End]}"))}".ReplaceLineEndings(" "));
                }
            }

            foreach (var (start, end, type, _) in Planted(row, "decoy"))
            {
                decoys++;
                known.Add((start, end));
                if (found.Any(f => f.Start < end && start < f.End))
                {
                    hit++;
                    Console.WriteLine($"  decoy hit {type}: {row.Text[Math.Max(0, start - 15)..Math.Min(row.Text.Length, end + 10)]}".ReplaceLineEndings(" "));
                }
            }

            alarms += found.Count(f => !known.Any(k => k.Item1 < f.End && f.Start < k.Item2));
        }

        foreach (var (key, (right, all)) in counts)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {key}: {right}/{all} = {(double)right / all:0.0000}"));
        }

        Console.WriteLine($"  decoys hit {hit}/{decoys}; other findings in these documents {alarms}; findings in {clean} clean documents {cleanAlarms}");
    }

    private static IEnumerable<(int Start, int End, string Type, bool Wide)> Planted(CorpusRow row, string name) => row.Truth.TryGetProperty(name, out var list)
        ? list.EnumerateArray().Select(s => (s[0].GetInt32(), s[1].GetInt32(), s[2].GetString()!, s[4].ValueKind == JsonValueKind.Number && s[4].GetInt32() == 1))
        : [];
}
