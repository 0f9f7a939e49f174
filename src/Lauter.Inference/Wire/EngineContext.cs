using Lauter.Inference.Grammars;
using Lauter.Inference.Native;
using Lauter.Inference.Scheduler;

namespace Lauter.Inference.Wire;

/// <summary>What the endpoints of one engine share. Generation is null for encoders, embeddings are null for the others.</summary>
internal sealed record EngineContext(
    LoadedModel Model,
    string ModelId,
    GenerationScheduler? Generation,
    EmbeddingScheduler? Embeddings,
    GrammarCache Grammars,
    ChatFormat Chat,
    EngineMetrics Metrics,
    TimeProvider Time)
{
    /// <summary>Where adapters may be loaded from while the engine runs; null for nowhere.</summary>
    public string? AdapterDirectory { get; init; }

    public int ContextLength => Generation?.LongestSequence ?? Model.ContextLength;
}
