using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;

namespace Lauter.Catalog.Plan;

/// <summary>The phase of the bill to which a step's cost belongs.</summary>
public enum StepPhase
{
    /// <summary>Reading and cleaning.</summary>
    Data,

    /// <summary>Chunks, vectors, postings.</summary>
    Vectorising,

    /// <summary>Training and export.</summary>
    Training,

    /// <summary>Suites, scorecards, gates.</summary>
    Evaluation,
}

/// <summary>One node of the plan: what it does is a function of its name, code version, arguments and inputs, and of nothing else.</summary>
public sealed record Step
{
    /// <summary>Unique in the plan, for example <c>train:triage-sft</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Raised by hand whenever the code would give another output for the same input.</summary>
    public required int CodeVersion { get; init; }

    /// <summary>Everything from the project file that changes the output.</summary>
    public required JsonObject Arguments { get; init; }

    /// <summary>Steps whose outputs this one reads, by the role it reads them in.</summary>
    public IReadOnlyDictionary<string, string> Inputs { get; init; } = new Dictionary<string, string>();

    /// <summary>Outputs that exist already (an earlier release), by role: the hash of the manifest.</summary>
    public IReadOnlyDictionary<string, string> Existing { get; init; } = new Dictionary<string, string>();

    /// <summary>Files of the user that this step reads.</summary>
    public IReadOnlyList<ManifestSource> Sources { get; init; } = [];

    /// <summary>The phase its cost is booked under.</summary>
    public required StepPhase Phase { get; init; }

    /// <summary>The application it works for, or null.</summary>
    public string? Application { get; init; }

    /// <summary>Cores it keeps busy; steps run side by side while the sum fits the machine. 0 = all.</summary>
    public int Cores { get; init; } = 1;

    /// <summary>Does the work and describes the output.</summary>
    public required Func<StepContext, CancellationToken, Task<Manifest>> RunAsync { get; init; }
}

/// <summary>What a running step may use.</summary>
public sealed class StepContext
{
    private long _childCpuTicks;
    private long _childPeakBytes;

    internal StepContext(
        Step step, string key, ObjectStore objects, string workDirectory, IReadOnlyDictionary<string, StepInput> inputs, Action<StepProgress> report)
    {
        (Step, Key, Objects, WorkDirectory, Inputs) = (step, key, objects, workDirectory, inputs);
        Progress = new DirectProgress<StepProgress>(report);
    }

    /// <summary>The step itself.</summary>
    public Step Step { get; }

    /// <summary>Its key.</summary>
    public string Key { get; }

    /// <summary>Where outputs are stored.</summary>
    public ObjectStore Objects { get; }

    /// <summary>A directory for half-finished work, named by the key: it is still there after a crash, so work can resume.</summary>
    public string WorkDirectory { get; }

    /// <summary>Manifests of the inputs, by role.</summary>
    public IReadOnlyDictionary<string, StepInput> Inputs { get; }

    /// <summary>Reports how far the step is. Called from any thread.</summary>
    public IProgress<StepProgress> Progress { get; }

    /// <summary>CPU time of child processes so far.</summary>
    public TimeSpan ChildCpu => TimeSpan.FromTicks(Interlocked.Read(ref _childCpuTicks));

    /// <summary>Largest resident memory of a child process in bytes; 0 when there was none.</summary>
    public long ChildPeakBytes => Interlocked.Read(ref _childPeakBytes);

    /// <summary>Books what a child process used.</summary>
    public void AddChild(TimeSpan cpu, long peakBytes)
    {
        Interlocked.Add(ref _childCpuTicks, cpu.Ticks);
        InterlockedMax(ref _childPeakBytes, peakBytes);
    }

    /// <summary>A link to the input of <paramref name="role"/> for the output's manifest.</summary>
    public ManifestLink Link(string role)
    {
        var input = Inputs[role];
        return new ManifestLink(role, input.Manifest.Kind, input.Manifest.Name, input.Sha256);
    }

    /// <summary>Stores every file of <paramref name="directory"/> (its own, not those of subdirectories) and lists them in ordinal order.</summary>
    public IReadOnlyList<ManifestObject> StoreFiles(string directory, Func<string, bool>? keep = null) =>
    [
        .. from path in Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal)
           let name = Path.GetFileName(path)
           where keep is null || keep(name)
           let stored = Objects.WriteFile(path)
           select new ManifestObject(name, stored.Sha256, stored.Bytes),
    ];

    private static void InterlockedMax(ref long target, long value)
    {
        for (var seen = Interlocked.Read(ref target); value > seen;)
        {
            var found = Interlocked.CompareExchange(ref target, value, seen);
            if (found == seen)
            {
                return;
            }

            seen = found;
        }
    }
}

/// <summary>An input of a running step.</summary>
/// <param name="Sha256">The version.</param>
/// <param name="Manifest">Its description.</param>
public sealed record StepInput(string Sha256, Manifest Manifest);

/// <summary>How far a step is.</summary>
/// <param name="Fraction">0 to 1, or null when unknown.</param>
/// <param name="Text">What a person wants to see, for example <c>loss 0.41 · 2,900 tokens/s · 48 s left</c>.</param>
public sealed record StepProgress(double? Fraction, string Text);

/// <summary>Unlike <see cref="Progress{T}"/> it reports on the caller's thread: reports keep their order, and none comes after the end of the work.</summary>
/// <param name="report">Receives each value; must be safe for the threads that report.</param>
public sealed class DirectProgress<T>(Action<T> report) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => report(value);
}

/// <summary>A step could not do its work for a reason that a person can mend; the message says which.</summary>
public sealed class StepFailedException(string message, Exception? inner = null) : Exception(message, inner);
