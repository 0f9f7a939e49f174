namespace Lauter.Models.Gguf;

#pragma warning disable CA1707 // The format's own names carry the underscore: Q4_0 and Q4_K mean nothing else.
/// <summary>How the values of a tensor are stored; the numbers are those of the file format and never change.</summary>
public enum GgufTensorType
{
    /// <summary>32-bit floating point.</summary>
    F32 = 0,

    /// <summary>IEEE 16-bit floating point.</summary>
    F16 = 1,

    /// <summary>Blocks of 32: scale and 4-bit values around 8.</summary>
    Q4_0 = 2,

    /// <summary>Blocks of 32: scale, minimum and 4-bit values.</summary>
    Q4_1 = 3,

    /// <summary>Blocks of 32: scale and 5-bit values around 16.</summary>
    Q5_0 = 6,

    /// <summary>Blocks of 32: scale, minimum and 5-bit values.</summary>
    Q5_1 = 7,

    /// <summary>Blocks of 32: scale and signed bytes.</summary>
    Q8_0 = 8,

    /// <summary>Blocks of 32: scale, sum and signed bytes; not stored in model files.</summary>
    Q8_1 = 9,

    /// <summary>Super-blocks of 256 with 2-bit values.</summary>
    Q2_K = 10,

    /// <summary>Super-blocks of 256 with 3-bit values.</summary>
    Q3_K = 11,

    /// <summary>Super-blocks of 256 with 4-bit values.</summary>
    Q4_K = 12,

    /// <summary>Super-blocks of 256 with 5-bit values.</summary>
    Q5_K = 13,

    /// <summary>Super-blocks of 256 with 6-bit values.</summary>
    Q6_K = 14,

    /// <summary>Super-blocks of 256 with signed bytes; not stored in model files.</summary>
    Q8_K = 15,

    /// <summary>Code-book format of 2.06 bits a value.</summary>
    IQ2_XXS = 16,

    /// <summary>Code-book format of 2.31 bits a value.</summary>
    IQ2_XS = 17,

    /// <summary>Code-book format of 3.06 bits a value.</summary>
    IQ3_XXS = 18,

    /// <summary>Code-book format of 1.56 bits a value.</summary>
    IQ1_S = 19,

    /// <summary>Blocks of 32 with a fixed table of 16 levels.</summary>
    IQ4_NL = 20,

    /// <summary>Code-book format of 3.44 bits a value.</summary>
    IQ3_S = 21,

    /// <summary>Code-book format of 2.56 bits a value.</summary>
    IQ2_S = 22,

    /// <summary>Super-blocks of 256 with a fixed table of 16 levels.</summary>
    IQ4_XS = 23,

    /// <summary>Signed byte.</summary>
    I8 = 24,

    /// <summary>16-bit integer.</summary>
    I16 = 25,

    /// <summary>32-bit integer.</summary>
    I32 = 26,

    /// <summary>64-bit integer.</summary>
    I64 = 27,

    /// <summary>64-bit floating point.</summary>
    F64 = 28,

    /// <summary>Code-book format of 1.75 bits a value.</summary>
    IQ1_M = 29,

    /// <summary>The upper half of a 32-bit floating point number.</summary>
    BF16 = 30,

    /// <summary>Ternary, 1.69 bits a value.</summary>
    TQ1_0 = 34,

    /// <summary>Ternary, 2.06 bits a value.</summary>
    TQ2_0 = 35,

    /// <summary>Blocks of 32: shared exponent and 4-bit floating point.</summary>
    MXFP4 = 39,
}
#pragma warning restore CA1707

/// <summary>Sizes of the storage types: a row is a whole number of blocks.</summary>
internal static class GgufTypeSizes
{
    /// <summary>Values and bytes of one block, or (0, 0) for a number that no type has.</summary>
    public static (int Values, int Bytes) Block(GgufTensorType type) => type switch
    {
        GgufTensorType.F32 or GgufTensorType.I32 => (1, 4),
        GgufTensorType.F16 or GgufTensorType.BF16 or GgufTensorType.I16 => (1, 2),
        GgufTensorType.I8 => (1, 1),
        GgufTensorType.I64 or GgufTensorType.F64 => (1, 8),
        GgufTensorType.Q4_0 or GgufTensorType.IQ4_NL => (32, 18),
        GgufTensorType.Q4_1 => (32, 20),
        GgufTensorType.Q5_0 => (32, 22),
        GgufTensorType.Q5_1 => (32, 24),
        GgufTensorType.Q8_0 => (32, 34),
        GgufTensorType.Q8_1 => (32, 36),
        GgufTensorType.MXFP4 => (32, 17),
        GgufTensorType.Q2_K => (256, 84),
        GgufTensorType.Q3_K or GgufTensorType.IQ3_S => (256, 110),
        GgufTensorType.Q4_K => (256, 144),
        GgufTensorType.Q5_K => (256, 176),
        GgufTensorType.Q6_K => (256, 210),
        GgufTensorType.Q8_K => (256, 292),
        GgufTensorType.IQ2_XXS or GgufTensorType.TQ2_0 => (256, 66),
        GgufTensorType.IQ2_XS => (256, 74),
        GgufTensorType.IQ3_XXS => (256, 98),
        GgufTensorType.IQ1_S => (256, 50),
        GgufTensorType.IQ2_S => (256, 82),
        GgufTensorType.IQ4_XS => (256, 136),
        GgufTensorType.IQ1_M => (256, 56),
        GgufTensorType.TQ1_0 => (256, 54),
        _ => (0, 0),
    };
}
