using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Lauter.Data.Dedup;

/// <summary>What the index needs to know of a batch of documents: names, units and band keys. Made by workers, appended by one thread.</summary>
internal sealed class Sketch
{
    private readonly int _bands;

    private Sketch(int documents, int bands)
    {
        _bands = bands;
        Entries = new SketchEntry[documents];
        Keys = new ulong[documents * bands];
    }

    public SketchEntry[] Entries { get; }

    /// <summary>Band keys, document after document.</summary>
    public ulong[] Keys { get; }

    /// <summary>Units, document after document.</summary>
    public UnitBuffer Units { get; } = new();

    public static Sketch Of(IReadOnlyList<DuplicateDocument> documents, DuplicateIndexOptions options)
    {
        var sketch = new Sketch(documents.Count, options.Bands?.Bands ?? 0);
        var hashes = new uint[4096];
        Span<uint> signature = stackalloc uint[MinHash.Length];
        for (var i = 0; i < documents.Count; i++)
        {
            var start = sketch.Units.Count;
            TextUnits.Append(documents[i].Text, sketch.Units);
            var units = sketch.Units.Written[start..];
            sketch.Entries[i] = new SketchEntry(documents[i].Id, ContentOf(documents[i].Text, units), units.Length, documents[i].Text.Length, documents[i].Rank);
            var count = Shingles.Count(units.Length, options.ShingleSize);
            if (count == 0 || options.Bands is null)
            {
                continue;
            }

            if (hashes.Length < count)
            {
                hashes = new uint[2 * count];
            }

            Shingles.Hash(units, options.ShingleSize, hashes.AsSpan(0, count));
            MinHash.Signature(hashes.AsSpan(0, count), signature);
            options.Bands.Keys(signature, sketch.Keys.AsSpan(i * sketch._bands, sketch._bands));
        }

        return sketch;
    }

    /// <summary>Equal for texts that are equal after folding; a text without letters or digits is compared as it stands.</summary>
    private static UInt128 ContentOf(string text, ReadOnlySpan<uint> units) =>
        units.Length > 0 ? XxHash128.HashToUInt128(MemoryMarshal.AsBytes(units), seed: 1) : XxHash128.HashToUInt128(MemoryMarshal.AsBytes(text.AsSpan()), seed: 2);
}

/// <summary>One document of a <see cref="Sketch"/>.</summary>
internal readonly record struct SketchEntry(string Id, UInt128 Content, int Units, int Length, double Rank);
