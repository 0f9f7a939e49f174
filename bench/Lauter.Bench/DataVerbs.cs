using System.Diagnostics;
using System.Globalization;
using Lauter.Data.Dedup;
using Lauter.Data.Export.Interchange;
using Lauter.Data.Redaction;
using Lauter.Data.Splits;

namespace Lauter.Bench;

/// <summary>The verbs that work on one file of any size, file to file, in a process of their own: processor time, wall time, peak memory, the collector's pauses.</summary>
internal static class DataVerbs
{
    public static int Run(string verb, string input, string output, int workers)
    {
        var clock = Stopwatch.StartNew();
        Directory.CreateDirectory(output);
        var done = verb switch
        {
            "dedup" => Of(DedupJob.Run(new DedupRequest { Input = input, Output = output, Workers = workers })),
            "redact" => Of(RedactionJob.Run(new RedactionRequest { Input = input, Output = output, Policy = new RedactionPolicy(), Fields = ["text"], Workers = workers })),
            "split" => Of(RowSplit.Run(new RowSplitOptions { Input = input, OutputDirectory = output, Workers = workers })),
            _ => Of(DatasetExchange.Export(input, verb, Path.Combine(output, verb == "huggingface" ? "hf" : $"out.{verb}"), workers, default)),
        };
        var process = Process.GetCurrentProcess();
        var megabytes = new FileInfo(input).Length / 1e6;
        var cpu = process.TotalProcessorTime.TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{verb}, {megabytes:0} MB of file, {workers} workers: {cpu:0.00} CPU-s, {megabytes / cpu:0} MB/s of CPU, {clock.Elapsed.TotalSeconds:0.00} s wall, peak {process.PeakWorkingSet64 / 1048576.0:0} MiB, GC pauses {GC.GetTotalPauseDuration().TotalSeconds:0.00} s; {done}"));
        return 0;
    }

    private static string Of(DedupReport report) => $"{report.Rows} rows, {report.Kept} kept, {report.Clusters} clusters";

    private static string Of(RedactionReport report) => $"{report.Rows} rows, {report.RowsChanged} changed";

    private static string Of(RowSplitReport report) => string.Join(", ", report.Rows.Select(r => $"{r.Key} {r.Value}"));

    private static string Of(ExchangeReport report) => $"{report.RowsOut} of {report.RowsIn} rows";
}
