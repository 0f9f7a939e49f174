using System.Text.Json;

namespace Lauter.Bench;

/// <summary>The generated corpus of the data benchmarks: rows with their language and their planted truth.</summary>
internal sealed record CorpusRow(string Id, string Text, string Language, JsonElement Truth)
{
    public string Kind => Truth.GetProperty("kind").GetString()!;

    public static IEnumerable<CorpusRow> Read(string directory)
    {
        foreach (var line in File.ReadLines(Path.Combine(directory, "corpus.jsonl")))
        {
            var row = JsonDocument.Parse(line).RootElement;
            yield return new CorpusRow(row.GetProperty("id").GetString()!, row.GetProperty("text").GetString()!, row.GetProperty("lang").GetString()!, row.GetProperty("truth"));
        }
    }
}

/// <summary>CPU time of a piece of work: user and system time of the whole process, garbage collector included.</summary>
internal static class Cpu
{
    public static (T Result, double Seconds) Of<T>(Func<T> work)
    {
        GC.Collect();
        var process = System.Diagnostics.Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var result = work();
        process.Refresh();
        return (result, (process.TotalProcessorTime - before).TotalSeconds);
    }
}
