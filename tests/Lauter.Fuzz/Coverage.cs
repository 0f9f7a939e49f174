using System.Runtime.InteropServices;

namespace Lauter.Fuzz;

/// <summary>The map of edges that instrumented code counts in, and what of it was seen. Without instrumentation it stays empty and nothing is ever new.</summary>
internal sealed unsafe class Coverage
{
    private const int Bytes = 1 << 16;

    private readonly byte* _map;
    private readonly byte[] _known = new byte[Bytes];

    public Coverage()
    {
        _map = (byte*)NativeMemory.AllocZeroed(Bytes);
        SharpFuzz.Common.Trace.SharedMem = _map;
    }

    /// <summary>Edges that were ever taken.</summary>
    public int Edges => _known.Count(k => k != 0);

    public void Forget() => Array.Clear(_known);

    public void Begin()
    {
        new Span<byte>(_map, Bytes).Clear();
        SharpFuzz.Common.Trace.PrevLocation = 0;
    }

    /// <summary>Counts in powers of two, as AFL has them: a loop that runs much more often is news, each further turn is not.</summary>
    public bool IsNew()
    {
        var isNew = false;
        for (var i = 0; i < Bytes; i++)
        {
            var bucket = _map[i] == 0 ? (byte)0 : (byte)(1 << System.Numerics.BitOperations.Log2(_map[i]));
            isNew |= (bucket & ~_known[i]) != 0;
            _known[i] |= bucket;
        }

        return isNew;
    }
}
