using System.Diagnostics;
using System.Text;
using Lauter.Data.Operators;

namespace Lauter.Bench;

/// <summary>The filter chain on text in memory: speed by language, and what it keeps of each planted kind.</summary>
internal static class DataFilters
{
    public static int Run(string corpus, string recipeName, double megabytes)
    {
        var recipe = Recipe.BuiltIn(recipeName) ?? Recipe.Parse(recipeName, File.ReadAllText(recipeName)).Recipe!;
        var documents = DataCorpus.Read(corpus, megabytes);
        foreach (var language in new[] { "en", "zh" })
        {
            var rows = documents.Where(d => d.Language == language).ToList();
            Console.WriteLine($"{language}: {rows.Count} documents, {DataCorpus.Megabytes(rows):0.0} MB");
            for (var round = 0; round < 3; round++)
            {
                var edits = new TextEdits(recipe);
                var scorer = new Scorer();
                var before = Process.GetCurrentProcess().TotalProcessorTime;
                var allocated = GC.GetAllocatedBytesForCurrentThread();
                var kept = 0;
                foreach (var row in rows)
                {
                    kept += DropRules.Check(recipe, scorer.Of(edits.Apply(row.Text))) is null ? 1 : 0;
                }

                var cpu = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
                Console.WriteLine($"  in memory {DataCorpus.Megabytes(rows) / cpu:0.0} MB/s CPU, {rows.Count / cpu:0} documents/s, {(GC.GetAllocatedBytesForCurrentThread() - allocated) / 1e6:0} MB allocated, kept {kept}");
            }

            Quality(rows, recipe);
        }

        return 0;
    }

    /// <summary>Of planted encoding accidents: lines given back exactly, and documents that are repaired whole or dropped by the recipe; and what repair does to clean texts.</summary>
    public static int Mojibake(string corpus)
    {
        var documents = DataCorpus.Read(corpus);
        var recipe = Recipe.BuiltIn("corpus")!;
        var edits = new TextEdits(recipe);
        var scorer = new Scorer();
        foreach (var group in documents.Where(d => d.Kind == "mojibake").SelectMany(d => d.Truth.GetProperty("moji").EnumerateArray().Select(m => (Document: d, Span: m)))
            .GroupBy(m => m.Document.Language + " " + m.Span[2].GetString()).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            int exact = 0, folded = 0, all = 0;
            var shown = 0;
            foreach (var (document, span) in group)
            {
                all++;
                var broken = document.Text[span[0].GetInt32()..span[1].GetInt32()];
                var repaired = Lauter.Data.Text.Mojibake.Repair(broken);
                var original = span[3].GetString()!;
                exact += repaired == original ? 1 : 0;
                folded += repaired != original && Similar(repaired, original) ? 1 : 0;
                if (repaired != original && shown++ < 2)
                {
                    Console.WriteLine($"    {group.Key}: {broken[..Math.Min(50, broken.Length)]} -> {repaired[..Math.Min(50, repaired.Length)]} wanted {original[..Math.Min(50, original.Length)]}");
                }
            }

            var texts = group.Select(g => g.Document).Distinct().ToList();
            var caught = texts.Count(d => IsWhole(d) || DropRules.Check(recipe, scorer.Of(edits.Apply(d.Text))) is not null);
            Console.WriteLine($"  {group.Key,-20} lines {all,5} exact {(double)exact / all:0.0000} nearly {(double)folded / all:0.0000}; documents {texts.Count,5} repaired whole or dropped {(double)caught / texts.Count:0.0000}");
        }

        var clean = documents.Where(d => d.Kind == "clean").ToList();
        foreach (var changed in clean.Where(d => Lauter.Data.Text.Mojibake.Repair(d.Text) != d.Text).Take(5))
        {
            Console.WriteLine($"    clean changed: {changed.Id}");
        }

        Console.WriteLine($"  clean texts changed by repair: {clean.Count(d => Lauter.Data.Text.Mojibake.Repair(d.Text) != d.Text)} of {clean.Count}");
        var megabytes = DataCorpus.Megabytes(documents);
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        var sum = documents.Sum(d => Lauter.Data.Text.Mojibake.Repair(d.Text).Length);
        var cpu = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
        Console.WriteLine($"  repair {megabytes / cpu:0.0} MB/s CPU over all texts ({sum} characters)");
        return 0;
    }

    private static bool IsWhole(TruthDocument document) => document.Truth.GetProperty("moji").EnumerateArray().All(m =>
        Lauter.Data.Text.Mojibake.Repair(document.Text[m[0].GetInt32()..m[1].GetInt32()]) == m[3].GetString());

    private static bool Similar(string a, string b) => a.Length > 0 && a.Intersect(b).Count() * 10 >= b.Distinct().Count() * 9 && Math.Abs(a.Length - b.Length) * 10 < b.Length;

    private static void Quality(List<TruthDocument> rows, Recipe recipe)
    {
        var edits = new TextEdits(recipe);
        var scorer = new Scorer();
        var verdicts = rows.Select(r => (Row: r, Verdict: DropRules.Check(recipe, scorer.Of(edits.Apply(r.Text))))).ToList();
        foreach (var group in verdicts.GroupBy(v => v.Row.Kind).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var long400 = group.Where(v => Encoding.UTF8.GetByteCount(v.Row.Text) > 400).ToList();
            var reasons = group.Where(v => v.Verdict is not null).GroupBy(v => v.Verdict!.Value.Reason).OrderByDescending(g => g.Count()).Select(g => $"{g.Key} {g.Count()}").Take(6);
            Console.WriteLine($"  {group.Key,-12} kept {group.Count(v => v.Verdict is null),6} of {group.Count(),6}; above 400 bytes {long400.Count(v => v.Verdict is null),6} of {long400.Count,6} ({(long400.Count == 0 ? 0 : (double)long400.Count(v => v.Verdict is null) / long400.Count):0.0000})  {string.Join(", ", reasons)}");
        }

        foreach (var kind in new[] { "gibberish", "repeat", "wrong_lang" })
        {
            foreach (var (row, _) in verdicts.Where(v => v.Verdict is null && v.Row.Kind == kind).Take(3))
            {
                Console.WriteLine($"    {kind} kept: {row.Id} {row.Text[..Math.Min(160, row.Text.Length)].Replace('\n', '/')}");
            }
        }

        foreach (var (row, verdict) in verdicts.Where(v => v.Verdict is not null && v.Row.Kind == "clean" && Encoding.UTF8.GetByteCount(v.Row.Text) > 400).Take(6))
        {
            Console.WriteLine($"    clean dropped: {row.Id} {verdict!.Value.Reason} {verdict.Value.Detail} {row.Text[..Math.Min(120, row.Text.Length)].Replace('\n', '/')}");
        }
    }
}
