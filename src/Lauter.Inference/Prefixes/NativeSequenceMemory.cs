using System.Runtime.InteropServices;
using LLama.Native;

namespace Lauter.Inference.Prefixes;

/// <summary>llama.cpp's unified cache. Partial copies are only sound there: in a split cache they abort the process.</summary>
/// <param name="context">Its context.</param>
/// <param name="spare">An id below the context's <c>n_seq_max</c> that nobody else uses: a state names only those, so cells pass through it on their way out and in.</param>
internal sealed class NativeSequenceMemory(SafeLLamaContextHandle context, int spare) : ISequenceMemory
{
    public void Copy(int from, int to, int start, int end) =>
        context.MemorySequenceCopy((LLamaSeqId)from, (LLamaSeqId)to, (LLamaPos)start, (LLamaPos)end);

    public void Remove(int id, int start, int end) => context.MemorySequenceRemove((LLamaSeqId)id, (LLamaPos)start, (LLamaPos)end);

    public void Remove(int id) => context.MemorySequenceRemove((LLamaSeqId)id, (LLamaPos)(-1), (LLamaPos)(-1));

    public (int Start, int End) Extent(int id) =>
        ((int)context.MemorySequenceMinPosition((LLamaSeqId)id), (int)context.MemorySequenceMaxPosition((LLamaSeqId)id) + 1);

    public long SizeOf(int id)
    {
        // Under a high id the size comes without the id of each cell, which the spare one writes.
        var (start, end) = Extent(id);
        return (long)context.GetStateSize((LLamaSeqId)id) + (sizeof(int) * (end - start));
    }

    public unsafe SavedCells Save(int id)
    {
        var (start, end) = Extent(id);
        Copy(id, spare, start, end);
        var saved = new NativeCells(context.GetStateSize((LLamaSeqId)spare));
        var written = context.GetState(saved.Pointer, saved.Size, (LLamaSeqId)spare);
        Remove(spare);
        return written == saved.Size ? saved : throw new InvalidOperationException($"The state of a sequence was announced with {saved.Size} bytes and has {written}.");
    }

    public unsafe bool TryRestore(int id, SavedCells cells)
    {
        var saved = (NativeCells)cells;
        var restored = context.SetState(saved.Pointer, saved.Size, (LLamaSeqId)spare) == saved.Size;
        if (restored)
        {
            var (start, end) = Extent(spare);
            Copy(spare, id, start, end);
        }

        Remove(spare);
        return restored;
    }

    public void Clear() => context.MemoryClear(false);

    /// <summary>Outside the managed heap: blocks of many megabytes that come and go would fragment it.</summary>
    private sealed unsafe class NativeCells(nuint size) : SavedCells
    {
        public byte* Pointer { get; private set; } = (byte*)NativeMemory.Alloc(size);

        public nuint Size => size;

        public override long Bytes => (long)size;

        public override void Dispose()
        {
            NativeMemory.Free(Pointer);
            Pointer = null;
        }
    }
}
