using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Lauter.Data;
using Lauter.Data.Operators;
using Lauter.Data.Rows;

namespace Lauter.Bench;

/// <summary>
/// A recipe over the corpus with planted defects, end to end: JSONL in, JSONL or Parquet out. One process a figure, so that the processor's time and the
/// peak memory are those of the run; the machine's yardsticks stand beside it.
/// </summary>
internal static class Data
{
    /// <summary>sha256 of 1 GiB and <c>gzip -6</c> of 50 MB: what this machine is worth at this moment.</summary>
    public static int Yardsticks(string corpus)
    {
        var block = new byte[64 << 20];
        new Random(7).NextBytes(block);
        var sha = Cpu(() =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var i = 0; i < 16; i++)
            {
                hash.AppendData(block);
            }
        });
        var text = new byte[50_000_000];
        using (var file = File.OpenRead(corpus))
        {
            file.ReadExactly(text);
        }

        var zip = Wall(() =>
        {
            using var start = Process.Start(new ProcessStartInfo("gzip", "-6 -c") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
            var reading = Task.Run(() => start.StandardOutput.BaseStream.CopyTo(Stream.Null));
            start.StandardInput.BaseStream.Write(text);
            start.StandardInput.Close();
            reading.Wait();
            start.WaitForExit();
        });
        var utf8 = Cpu(() =>
        {
            var chars = new char[text.Length];
            for (var i = 0; i < 10; i++)
            {
                Encoding.UTF8.GetChars(text, chars);
            }
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"sha256 of 1 GiB {sha:0.00} CPU s; gzip -6 of 50 MB {zip:0.00} s wall; UTF-8 to UTF-16 of the same 50 MB {text.Length * 10 / 1e6 / utf8:0} MB/s"));
        return 0;
    }

    /// <summary>One run; prints megabytes a second of processor time, peak memory and what was kept.</summary>
    public static async Task<int> RunAsync(string corpus, string recipeName, string output, int workers, string format, string language, bool cache)
    {
        var recipe = Recipe.BuiltIn(recipeName) ?? Recipe.Parse(recipeName, File.ReadAllText(recipeName)).Recipe!;
        if (language is "en" or "zh")
        {
            var part = Path.Combine(Path.GetTempPath(), $"lauter-bench-{language}.jsonl");
            File.WriteAllLines(part, File.ReadLines(corpus).Where(l => l.Contains($"\"lang\":\"{language}\"", StringComparison.Ordinal)));
            corpus = part;
        }

        var before = Process.GetCurrentProcess().TotalProcessorTime;
        var report = await RowRun.RunAsync(new RowRunOptions
        {
            Recipe = recipe, Inputs = [new SourceFile(Path.GetFileName(corpus), corpus)], OutputDirectory = output, Workers = workers,
            Format = format == "parquet" ? RowFormat.Parquet : RowFormat.Jsonl, CacheDirectory = cache ? Path.Combine(output, "cache") : null,
        });
        var process = Process.GetCurrentProcess();
        var cpu = (process.TotalProcessorTime - before).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{recipeName} {language} {format} workers {workers}: {report.RowsIn} rows, {report.TextBytes / 1e6:0.0} MB, kept {report.RowsOut}; {cpu:0.00} CPU s, {report.TextBytes / 1e6 / cpu:0.0} MB/s CPU, {report.RowsIn / cpu:0} rows/s; wall {report.Elapsed.TotalSeconds:0.00} s; peak {process.PeakWorkingSet64 / 1048576.0:0} MiB; reused {report.ShardsReused}/{report.Shards}, texts {report.TextsRead}, edits {report.EditsDone}, measures {report.MeasuresTaken}"));
        return 0;
    }

    private static double Wall(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalSeconds;
    }

    private static double Cpu(Action action)
    {
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        action();
        return (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
    }
}
