using Lauter.Models.Gguf;

namespace Lauter.Models.Conversion;

/// <summary>A way to store a whole model, by the names that llama.cpp gives them.</summary>
public sealed record Quantisation
{
    private Quantisation(string name, int fileType, GgufTensorType? matrices)
    {
        Name = name;
        FileType = fileType;
        Matrices = matrices;
    }

    /// <summary>All ways, most exact first.</summary>
    public static IReadOnlyList<Quantisation> All { get; } =
    [
        new("F32", 0, GgufTensorType.F32), new("BF16", 32, GgufTensorType.BF16), new("F16", 1, GgufTensorType.F16), new("Q8_0", 7, GgufTensorType.Q8_0),
        new("Q6_K", 18, null), new("Q5_K_M", 17, null), new("Q5_K_S", 16, null), new("Q5_1", 9, null), new("Q5_0", 8, null),
        new("Q4_K_M", 15, null), new("Q4_K_S", 14, null), new("Q4_1", 3, null), new("Q4_0", 2, GgufTensorType.Q4_0), new("IQ4_NL", 25, null), new("IQ4_XS", 30, null),
        new("Q3_K_L", 13, null), new("Q3_K_M", 12, null), new("Q3_K_S", 11, null), new("Q2_K", 10, null),
    ];

    /// <summary>Name, like <c>Q4_K_M</c>.</summary>
    public string Name { get; }

    /// <summary>Value of <c>general.file_type</c>.</summary>
    public int FileType { get; }

    /// <summary>Whether every value keeps at least 16 bits: only onto such a base an adapter may be merged.</summary>
    public bool IsFullPrecision => Matrices is GgufTensorType.F32 or GgufTensorType.F16 or GgufTensorType.BF16;

    /// <summary>Storage of most matrices where this program writes the file itself; null = a mix that llama.cpp's own quantiser chooses per tensor.</summary>
    internal GgufTensorType? Matrices { get; }

    /// <summary>The way called <paramref name="name"/>, in any case.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists all.</exception>
    public static Quantisation Named(string name) => All.FirstOrDefault(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no storage '{name}'; known are {string.Join(", ", All.Select(one => one.Name))}.", nameof(name));

    /// <summary>The way a file says it is stored, or null.</summary>
    public static Quantisation? Of(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.Metadata.Integer("general.file_type") is { } type ? All.FirstOrDefault(one => one.FileType == type) : null;
    }

    /// <summary>
    /// Storage of one tensor where this program writes the file itself. As llama.cpp does, the output matrix of a 4-bit file keeps more bits; rows that do not
    /// divide into blocks, which it refuses, stay F16.
    /// </summary>
    /// <param name="name">Name in the GGUF file.</param>
    /// <param name="shape">[rows, columns].</param>
    /// <param name="tied">Whether the embedding is the output matrix too.</param>
    internal GgufTensorType TypeOf(string name, IReadOnlyList<long> shape, bool tied)
    {
        var matrices = Matrices ?? throw new InvalidOperationException($"{Name} is written by llama.cpp.");
        if (shape.Count != 2 || name.Contains("_norm", StringComparison.Ordinal))
        {
            return GgufTensorType.F32;
        }

        var isOutput = name == "output.weight" || (tied && name == "token_embd.weight");
        if (matrices == GgufTensorType.Q4_0 && isOutput)
        {
            matrices = shape[1] % 256 == 0 ? GgufTensorType.Q6_K : GgufTensorType.Q8_0;
        }

        return shape[1] % GgufTypeSizes.Block(matrices).Values == 0 ? matrices : GgufTensorType.F16;
    }
}
