using LLama.Native;

namespace Lauter.Inference.Prefixes;

/// <summary>llama.cpp's unified cache. Partial copies are only sound there: in a split cache they abort the process.</summary>
internal sealed class NativeSequenceMemory(SafeLLamaContextHandle context) : ISequenceMemory
{
    public void Copy(int from, int to, int start, int end) =>
        context.MemorySequenceCopy((LLamaSeqId)from, (LLamaSeqId)to, (LLamaPos)start, (LLamaPos)end);

    public void Remove(int id, int start, int end) => context.MemorySequenceRemove((LLamaSeqId)id, (LLamaPos)start, (LLamaPos)end);

    public void Remove(int id) => context.MemorySequenceRemove((LLamaSeqId)id, (LLamaPos)(-1), (LLamaPos)(-1));

    public (int Start, int End) Extent(int id) =>
        ((int)context.MemorySequenceMinPosition((LLamaSeqId)id), (int)context.MemorySequenceMaxPosition((LLamaSeqId)id) + 1);

    public void Clear() => context.MemoryClear(false);
}
