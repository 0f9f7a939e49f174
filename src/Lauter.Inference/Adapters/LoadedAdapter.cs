using LLama.Native;

namespace Lauter.Inference.Adapters;

/// <summary>A LoRA adapter in memory. Its native part belongs to the scheduler's thread.</summary>
/// <param name="name">The name that requests ask for.</param>
/// <param name="path">Its file.</param>
/// <param name="generation">Counts all loads of this engine: a name loaded again is another adapter.</param>
/// <param name="native">The native adapter.</param>
internal sealed class LoadedAdapter(string name, string path, int generation, LoraAdapter native)
{
    public string Name => name;

    public string Path => path;

    public LoraAdapter Native => native;

    /// <summary>Strength, 1 applies the adapter as it was trained.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>Largest change of a logit on a probe when it was loaded; 0 means that it does nothing.</summary>
    public float Effect { get; set; }

    /// <summary>Names these weights in prefix keys.</summary>
    public string Key => $"{name}#{generation}";

    /// <summary>Requests that wait or run with it; touched by the scheduler's thread only.</summary>
    public int Uses { get; set; }

    /// <summary>Whether it was dropped: no new requests, and freed with its last one.</summary>
    public bool IsDropped { get; set; }
}
