using System.Diagnostics;
using System.Text.Json.Nodes;
using Lauter.Training.Decoders;
using Lauter.Training.Examples;
using Lauter.Training.Lora;
using Lauter.Training.Natives;

namespace Lauter.Training.Jobs;

/// <summary>
/// Measures an adapter training on this machine: some steps of a job, between two measurements of the matrix speed, so that the ratio of both holds on a
/// busy machine too.
/// </summary>
public static class TrainingSpeed
{
    private const int PeakSize = 2048;

    /// <summary>Runs steps of a job without keeping anything and returns the figures.</summary>
    /// <param name="jobPath">A <see cref="TrainingJob"/> with an adapter.</param>
    /// <param name="steps">Steps timed, after one that is not; steps begin again at the first.</param>
    public static JsonObject Measure(string jobPath, int steps)
    {
        var job = TrainingJob.Read(jobPath);
        Torch.EnsureLoaded();
        var threads = job.Options.Threads ?? Environment.ProcessorCount;
        using var start = StartingPoint.Of(job, [], "", CancellationToken.None);
        var rows = ExampleFile.Read(job.ExamplesPath);
        var examples = new ExampleEncoder(start.Template, start.Tokenizer, start.Context).Encode(rows, ExampleFile.Train);
        var order = new BatchOrder([.. examples.Select(e => e.Length)], job.Options.BatchExamples, job.Options.Seed);
        var trainer = (AdapterTrainer)start.Learner;
        var peak = Math.Max(Peak(threads).Wall, Peak(threads).Wall);
        var byCpu = Peak(threads).Cpu;
        double wall = 0, cpu = 0, best = double.MaxValue, optimiser = 0;
        long tokens = 0, trained = 0, memory = 0;
        double[] before = [];
        List<long> resident = [];
        for (var step = 0; step <= steps; step++)
        {
            if (step == 1)
            {
                before = Parts(trainer);
            }

            TrainingExample[] batch = [.. order.Step(step % order.StepsPerEpoch).Select(i => examples[i])];
            var (at, used) = (Stopwatch.GetTimestamp(), ProcessMeters.CpuSeconds());
            var sums = trainer.Accumulate(batch, step);
            var middle = Stopwatch.GetTimestamp();
            var norm = trainer.GradientNorm() / sums.Weight;
            trainer.Move(step + 1, 1e-4, Math.Min(1, 1 / norm) / sums.Weight);
            if (step > 0)
            {
                var seconds = Stopwatch.GetElapsedTime(at).TotalSeconds;
                wall += seconds;
                cpu += ProcessMeters.CpuSeconds() - used;
                best = Math.Min(best, seconds / sums.Tokens);
                optimiser += Stopwatch.GetElapsedTime(middle).TotalSeconds;
                tokens += sums.Tokens;
                trained += sums.Trained;
            }

            resident.Add(Resident());
            memory = step == 1 ? resident[^1] : memory;
        }

        var parts = Parts(trainer);
        var (after, afterCpu) = Peak(threads);
        (peak, byCpu) = (Math.Max(peak, after), Math.Max(byCpu, afterCpu));
        var flops = start.Flops!.Value;
        return new JsonObject
        {
            ["threads"] = threads,
            ["steps"] = steps,
            ["batchRows"] = job.Options.BatchExamples,
            ["tokens"] = tokens,
            ["trainedTokens"] = trained,
            ["sharedPrefix"] = job.Options.SharePrefix,
            ["gemmGflops"] = Math.Round(peak / 1e9, 1),
            ["gemmGflopsPerCpuSecond"] = Math.Round(byCpu / 1e9, 1),
            ["tokensPerSecond"] = Math.Round(tokens / wall, 1),
            ["tokensPerSecondBestStep"] = Math.Round(1 / best, 1),
            ["tokensPerCpuSecond"] = Math.Round(tokens / cpu, 1),
            ["tokensPerSecondPerGflops"] = Math.Round(tokens / wall / (peak / 1e9), 3),
            ["bestStepPerGflops"] = Math.Round(1 / best / (peak / 1e9), 3),
            ["byCpuTime"] = Math.Round(tokens / cpu / (byCpu / 1e9), 3),
            ["arithmeticLimit"] = Math.Round(1e9 / (flops.Token + (flops.Target * trained / tokens)), 3),
            ["cpuSeconds"] = Math.Round(cpu, 2),
            ["cpuSecondsPerThousandTokens"] = Math.Round(1000 * cpu / tokens, 3),
            ["peakMemoryMebibytes"] = ProcessMeters.PeakMemoryBytes() >> 20,
            ["memoryAfterStepOneMebibytes"] = memory >> 20,
            ["memorySlopeKibibytesPerStep"] = Math.Round(Slope(resident[(resident.Count / 10)..]) / 1024, 3),
            ["memoryAtEndMebibytes"] = Resident() >> 20,
            ["share"] = new JsonObject([.. Enum.GetValues<Part>().Select(p => KeyValuePair.Create<string, JsonNode?>(
                p.ToString().ToLowerInvariant(), Math.Round((parts[(int)p] - before[(int)p]) / threads / wall, 4))), KeyValuePair.Create<string, JsonNode?>("optimiser", Math.Round(optimiser / wall, 4))]),
        };
    }

    private static double[] Parts(AdapterTrainer trainer) => [.. Enum.GetValues<Part>().Select(p => trainer.Meters.Sum(m => m.Seconds(p)))];

    private static (double Wall, double Cpu) Peak(int threads)
    {
        var used = ProcessMeters.CpuSeconds();
        const int Times = 4;
        var wall = MachineSpeed.Measure(PeakSize, threads, Times);
        return (wall, Times * 2.0 * PeakSize * PeakSize * PeakSize / (ProcessMeters.CpuSeconds() - used));
    }

    /// <summary>Least-squares slope per step; 0 for fewer than two.</summary>
    private static double Slope(IReadOnlyList<long> values)
    {
        double middle = (values.Count - 1) / 2.0, mean = values.Average(), over = 0, under = 0;
        for (var i = 0; i < values.Count; i++)
        {
            over += (i - middle) * (values[i] - mean);
            under += (i - middle) * (i - middle);
        }

        return under == 0 ? 0 : over / under;
    }

    private static long Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
