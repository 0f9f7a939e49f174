using Lauter.Models.Gguf;
using Lauter.Models.Natives;
using LLama;
using LLama.Native;

namespace Lauter.Models.Conversion;

/// <summary>Stores a full-precision GGUF model in another way: F32, BF16, F16, Q8_0 and Q4_0 here, streaming, the mixes by llama.cpp's quantiser.</summary>
public static class ModelQuantiser
{
    /// <summary>Writes <paramref name="target"/>, whole or not at all.</summary>
    /// <param name="source">A GGUF file whose matrices are F32, F16 or BF16.</param>
    /// <param name="target">The file to write; may not be the source.</param>
    /// <param name="quantisation">The wanted way.</param>
    /// <param name="threads">Threads for llama.cpp; 0 = one per core.</param>
    /// <exception cref="GgufFormatException">The source is not sound, quantised already, or llama.cpp refuses it.</exception>
    public static void Quantise(string source, string target, Quantisation quantisation, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(quantisation);
        if (Path.GetFullPath(source) == Path.GetFullPath(target))
        {
            throw new GgufFormatException($"{target}: source and target are the same file; give the result another name.");
        }

        using var file = GgufFile.Open(source);
        if (file.Tensors.FirstOrDefault(tensor => !IsFull(tensor.Type)) is { } quantised)
        {
            throw new GgufFormatException($"{source}: '{quantised.Name}' is stored as {quantised.Type}; quantising again would add a second error. Start from the F32, F16 or BF16 file, or widen this one first with 'lauter model convert --type F16' if there is no other.");
        }

        if (quantisation.Matrices is null)
        {
            NativeGuard.Check(file);
            ByLlamaCpp(source, target, quantisation, threads);
            return;
        }

        var tied = !file.TryGetTensor("output.weight", out _);
        Rewrite(file, target, quantisation, tensor => quantisation.TypeOf(tensor.Name, tensor.Shape, tied));
    }

    /// <summary>Writes a model with every value widened or narrowed to F32, BF16 or F16, quantised sources included: the way back, with their error kept.</summary>
    /// <exception cref="GgufFormatException">The source is not sound or holds a type that is not dequantised here.</exception>
    public static void Widen(string source, string target, Quantisation quantisation)
    {
        ArgumentNullException.ThrowIfNull(quantisation);
        if (!quantisation.IsFullPrecision)
        {
            throw new ArgumentOutOfRangeException(nameof(quantisation), quantisation.Name, "Only F32, BF16 and F16 are full precision.");
        }

        using var file = GgufFile.Open(source);
        Rewrite(file, target, quantisation, tensor => tensor.Shape.Count == 2 && !tensor.Name.Contains("_norm", StringComparison.Ordinal) ? quantisation.Matrices!.Value : GgufTensorType.F32);
    }

    internal static bool IsFull(GgufTensorType type) => type is GgufTensorType.F32 or GgufTensorType.F16 or GgufTensorType.BF16;

    private static void Rewrite(GgufFile file, string target, Quantisation quantisation, Func<GgufTensor, GgufTensorType> typeOf)
    {
        var writer = GgufWriter.Create(target).AddFrom(file.Metadata, key => key is not ("general.file_type" or "general.quantization_version" or "general.alignment"));
        writer.Add("general.file_type", (uint)quantisation.FileType);
        if (!quantisation.IsFullPrecision)
        {
            writer.Add("general.quantization_version", 2u);
        }

        foreach (var tensor in file.Tensors)
        {
            var type = typeOf(tensor);
            _ = type == tensor.Type
                ? writer.CopyTensor(file, tensor)
                : writer.AddTensor(tensor.Name, type, [.. tensor.Shape], (start, destination) => file.ReadFloat32(tensor, start, destination));
        }

        writer.Finish();
    }

    private static void ByLlamaCpp(string source, string target, Quantisation quantisation, int threads)
    {
        NativeModels.EnsureLoaded();
        var full = Path.GetFullPath(target);
        var temporary = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Guid.CreateVersion7():N}.tmp");
        try
        {
            if (!LLamaQuantizer.Quantize(source, temporary, (LLamaFtype)quantisation.FileType, threads, allowRequantize: false, quantizeOutputTensor: true))
            {
                throw new GgufFormatException($"{source}: llama.cpp could not quantise this model to {quantisation.Name}; its own words come with LAUTER_TRACE=1.");
            }

            // What another library wrote is checked like any file from outside before it gets its name.
            GgufFile.Open(temporary).Dispose();
            using (var stream = new FileStream(temporary, FileMode.Open, FileAccess.ReadWrite))
            {
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
