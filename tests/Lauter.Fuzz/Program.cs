using System.Diagnostics;
using Lauter.Fuzz;
using SharpFuzz;

// lauter-fuzz TARGET|all SECONDS [FOLDER]   guided by coverage when 'sharpfuzz Lauter.Data.dll' instrumented the assembly, else blind
// lauter-fuzz --libfuzzer TARGET …          the same door for libfuzzer-dotnet
// lauter-fuzz --run TARGET FILE…            one input
// Instrumented code writes here from its first instruction on, so the place must be there before anything of it runs.
var trace = new Coverage();
switch (args)
{
    case ["--libfuzzer", var name, ..]:
        Fuzzer.LibFuzzer.Run(bytes => Targets.All[name].Run(bytes.ToArray()));
        return 0;
    case ["--run", var name, .. var files]:
        foreach (var file in files)
        {
            Targets.All[name].Run(File.ReadAllBytes(file));
        }

        return 0;
    case [var name, var seconds, .. var folder]:
        var found = 0;
        foreach (var target in name == "all" ? [.. Targets.All.Keys] : new[] { name })
        {
            found += Run(trace, target, TimeSpan.FromSeconds(double.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture)), folder is [var one] ? one : "findings");
        }

        return found == 0 ? 0 : 1;
    default:
        Console.Error.WriteLine($"lauter-fuzz TARGET|all SECONDS [FOLDER]; targets: {string.Join(", ", Targets.All.Keys)}");
        return 2;
}

static int Run(Coverage trace, string name, TimeSpan time, string folder)
{
    const int Slow = 6, Seed = 2_026;
    var target = Targets.All[name];
    var corpus = target.Seeds.ToList();
    var mutator = new Mutator(new Random(Seed));
    var pick = new Random(Seed);
    var findings = new Dictionary<string, string>(StringComparer.Ordinal);
    var clock = Stopwatch.StartNew();
    long runs = 0;
    trace.Forget();
    while (clock.Elapsed < time)
    {
        var input = runs < target.Seeds.Count ? target.Seeds[(int)runs] : mutator.Mutate(corpus[pick.Next(corpus.Count)], corpus);
        trace.Begin();
        var start = Stopwatch.GetTimestamp();
        string? finding = null;
        try
        {
            target.Run(input);
        }
        catch (Exception e)
        {
            // Any exception is what we look for.
            finding = $"{e.GetType().Name} at {e.StackTrace?.Split('\n').FirstOrDefault(l => l.Contains("Lauter", StringComparison.Ordinal))?.Trim()}: {e.Message}";
        }

        runs++;
        if (Stopwatch.GetElapsedTime(start).TotalSeconds > Slow)
        {
            finding ??= $"took {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s";
        }

        if (finding is not null && findings.TryAdd(finding.Split(':')[0], finding))
        {
            Directory.CreateDirectory(folder);
            var file = Path.Combine(folder, $"{name}-{findings.Count}");
            File.WriteAllBytes(file, input);
            Console.WriteLine($"{name}: {finding} \u2192 {file}");
        }

        if (trace.IsNew() && finding is null && corpus.Count < 5_000)
        {
            corpus.Add(input);
        }
    }

    Console.WriteLine($"{name}: {runs} inputs in {clock.Elapsed.TotalSeconds:0} s, {trace.Edges} edges, {corpus.Count} inputs with news, {findings.Count} findings");
    return findings.Count;
}
