using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Lauter.Data.Dedup;

namespace Lauter.Bench;

/// <summary>Near-duplicate search on the generated corpus: speed of shingling, signature and LSH from texts in memory, and recall and precision by true Jaccard.</summary>
internal static partial class DedupBench
{
    private static readonly double[] Edges = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

    public static int Run(string directory, string bands)
    {
        var numbers = bands.Split('x').Select(int.Parse).ToArray();
        var options = new DuplicateIndexOptions { Bands = new LshBands(numbers[0], numbers[1]), Workers = 1 };
        Console.WriteLine($"bands {options.Bands}");
        var rows = CorpusRow.Read(directory).ToList();
        foreach (var language in new[] { "en", "zh" })
        {
            var texts = rows.Where(r => r.Language == language).ToList();
            var bytes = texts.Sum(t => (long)Encoding.UTF8.GetByteCount(t.Text)) / 1e6;
            var batches = texts.Select(t => new DuplicateDocument(t.Id, t.Text)).Chunk(256).ToList();
            Speed(texts, bytes, batches, options with { Workers = 1 });
            using var index = DuplicateIndex.Open(null, options);
            index.Add(batches);
            Quality(directory, language, texts, index.Decide(0.7, KeepPolicy.Longest));
        }

        return 0;
    }

    private static void Speed(List<CorpusRow> texts, double megabytes, List<DuplicateDocument[]> batches, DuplicateIndexOptions options)
    {
        for (var round = 0; round < 3; round++)
        {
            var clock = Stopwatch.StartNew();
            var (result, cpu) = Cpu.Of(() =>
            {
                using var index = DuplicateIndex.Open(null, options);
                index.Add(batches);
                return (index.Verified, index.Pairs.Count, index.Decide(0.7, KeepPolicy.Longest).Count(v => v.Similarity < 1 || v.Exact));
            });
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{texts[0].Language}: {megabytes:0.0} MB, {texts.Count} docs: {cpu:0.00} CPU-s, {megabytes / cpu:0.0} MB/s, {texts.Count / cpu:0} docs/s, {clock.Elapsed.TotalSeconds:0.00} s wall; {result.Verified} verified, {result.Count} pairs"));
        }
    }

    private static void Quality(string directory, string language, List<CorpusRow> texts, DuplicateVerdicts verdicts)
    {
        var numbers = texts.Select((t, i) => (t.Id, i)).ToDictionary(t => t.Id, t => t.i);
        var (found, all) = (new int[Edges.Length], new int[Edges.Length]);
        foreach (var line in File.ReadLines(Path.Combine(directory, "pairs.tsv")).Skip(1))
        {
            var cells = line.Split('\t');
            var similarity = double.Parse(cells[3], CultureInfo.InvariantCulture);
            if (cells[2] == language && similarity >= Edges[0])
            {
                var bin = Array.FindLastIndex(Edges, e => similarity >= e);
                all[bin]++;
                found[bin] += verdicts[numbers[cells[0]]].Cluster == verdicts[numbers[cells[1]]].Cluster ? 1 : 0;
            }
        }

        for (var i = 0; i < Edges.Length; i++)
        {
            Console.WriteLine($"  J {Edges[i]:0.0}: {found[i]}/{all[i]} = {(double)found[i] / all[i]:0.000}");
        }

        var sets = new Dictionary<int, HashSet<UInt128>>();
        int pairs = 0, half = 0, seven = 0;
        foreach (var members in Enumerable.Range(0, texts.Count).GroupBy(i => verdicts[i].Cluster).Where(g => g.Count() > 1).Select(g => g.ToList()))
        {
            for (var a = 0; a < members.Count; a++)
            {
                for (var b = a + 1; b < members.Count; b++)
                {
                    var (x, y) = (Set(members[a]), Set(members[b]));
                    var common = x.Count(y.Contains);
                    var similarity = (double)common / (x.Count + y.Count - common);
                    pairs++;
                    half += similarity >= 0.5 ? 1 : 0;
                    seven += similarity >= 0.7 ? 1 : 0;
                }
            }
        }

        var shorts = Enumerable.Range(0, texts.Count).Where(i => texts[i].Kind == "short").ToList();
        var collided = shorts.Where(i => verdicts[i].ClusterSize > 1).GroupBy(i => verdicts[i].Cluster).Sum(g => g.Select(i => string.Join(' ', Words().Matches(texts[i].Text.ToLowerInvariant()).Select(m => m.Value))).Distinct().Count() - 1);
        Console.WriteLine($"  {pairs} pairs in clusters: J >= .5 {(double)half / pairs:0.0000}, J >= .7 {(double)seven / pairs:0.0000}; short documents that collided with another text: {collided} of {shorts.Count}");

        HashSet<UInt128> Set(int number)
        {
            if (!sets.TryGetValue(number, out var set))
            {
                sets[number] = set = TrueShingles(texts[number].Text);
            }

            return set;
        }
    }

    /// <summary>The corpus's own definition (jw5), written a second time without any code of the product.</summary>
    private static HashSet<UInt128> TrueShingles(string text)
    {
        var words = Words().Matches(text.ToLowerInvariant()).Select(m => m.Value).ToList();
        return [.. Enumerable.Range(0, Math.Max(1, words.Count - 4)).Select(i => System.IO.Hashing.XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(string.Join('\n', words.Skip(i).Take(5)))))];
    }

    [GeneratedRegex(@"[\u3400-\u9fff]|[\p{L}\p{N}-[\u3400-\u9fff]]+")]
    private static partial Regex Words();
}
