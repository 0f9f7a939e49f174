using System.Diagnostics;
using System.Globalization;

namespace Lauter.Training.Jobs;

/// <summary>What this process has used so far.</summary>
internal static class ProcessMeters
{
    /// <summary>CPU seconds over all threads, user and system.</summary>
    public static double CpuSeconds()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>Highest resident memory in bytes; 0 where the system does not tell.</summary>
    public static long PeakMemoryBytes()
    {
        const string Status = "/proc/self/status", Field = "VmHWM:";
        if (!File.Exists(Status))
        {
            using var process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }

        var line = File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(Field, StringComparison.Ordinal));
        return line is null ? 0 : 1024 * long.Parse(line[Field.Length..].Replace("kB", "").Trim(), CultureInfo.InvariantCulture);
    }
}
