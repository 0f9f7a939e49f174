using System.Diagnostics;
using System.Runtime.InteropServices;
using Lauter.Models.Gguf;

namespace Lauter.Models.Natives;

/// <summary>ggml's own quantisers, from the library that llama.cpp has loaded. Thread-safe.</summary>
internal static unsafe class Ggml
{
    private static readonly Lazy<nint> Library = new(Find);
    private static readonly Lazy<nint> QuantiseChunk = new(() => NativeLibrary.GetExport(Library.Value, "ggml_quantize_chunk"));

    /// <summary>Whether <see cref="Quantise"/> writes this type: those that need no importance matrix.</summary>
    public static bool Quantises(GgufTensorType type) => type is GgufTensorType.Q4_1 or GgufTensorType.Q5_0 or GgufTensorType.Q5_1
        or GgufTensorType.Q2_K or GgufTensorType.Q3_K or GgufTensorType.Q4_K or GgufTensorType.Q5_K or GgufTensorType.Q6_K or GgufTensorType.IQ4_NL or GgufTensorType.IQ4_XS;

    /// <summary>Quantises whole rows of <paramref name="columns"/> values.</summary>
    public static void Quantise(GgufTensorType type, ReadOnlySpan<float> values, Span<byte> bytes, int columns)
    {
        var (length, size) = GgufTypeSizes.Block(type);
        if (columns <= 0 || columns % length != 0 || values.Length % columns != 0 || bytes.Length != values.Length / length * size)
        {
            throw new ArgumentException($"{values.Length} values in rows of {columns} do not fill {bytes.Length} bytes of {type}.", nameof(bytes));
        }

        // enum ggml_type, float * src, void * dst, int64 start, int64 rows, int64 columns, float * importance -> bytes written
        var quantise = (delegate* unmanaged[Cdecl]<int, float*, byte*, long, long, long, float*, nuint>)QuantiseChunk.Value;
        fixed (float* source = values)
        fixed (byte* target = bytes)
        {
            var written = quantise((int)type, source, target, 0, values.Length / columns, columns, null);
            if (written != (nuint)bytes.Length)
            {
                throw new InvalidOperationException($"ggml wrote {written} bytes of {type} where {bytes.Length} were expected.");
            }
        }
    }

    /// <summary>Calls a row function (source, target, count of values) by its name in the library, like <c>dequantize_row_q4_K</c>; tests compare with these.</summary>
    internal static void CallRow<TSource, TTarget>(string name, ReadOnlySpan<TSource> source, Span<TTarget> target, int count)
        where TSource : unmanaged
        where TTarget : unmanaged
    {
        var function = (delegate* unmanaged[Cdecl]<TSource*, TTarget*, long, void>)NativeLibrary.GetExport(Library.Value, name);
        fixed (TSource* from = source)
        fixed (TTarget* to = target)
        {
            function(from, to, count);
        }
    }

    /// <summary>The library is loaded already, from a folder that LLamaSharp chose for this processor; a second copy from elsewhere might be another version.</summary>
    private static nint Find()
    {
        NativeModels.EnsureLoaded();
        using var process = Process.GetCurrentProcess();
        var path = process.Modules.Cast<ProcessModule>().Select(module => module.FileName)
            .FirstOrDefault(name => Path.GetFileNameWithoutExtension(name) is "libggml-base" or "ggml-base")
            ?? throw new DllNotFoundException("llama.cpp is loaded, but its library ggml-base is not among the modules of this process.");
        return NativeLibrary.Load(path);
    }
}
