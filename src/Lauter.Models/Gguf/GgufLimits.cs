namespace Lauter.Models.Gguf;

/// <summary>Bounds that a header must keep before anything is allocated or handed to native code; far above every known model.</summary>
internal static class GgufLimits
{
    public const int MaxKeys = 65_536;
    public const int MaxTensors = 262_144;
    public const int MaxKeyBytes = 4_096;

    /// <summary>llama.cpp keeps names in 64 bytes with a closing zero.</summary>
    public const int MaxTensorNameBytes = 63;

    public const int MaxDimensions = 4;
    public const int MaxTextBytes = 64 << 20;
    public const int MaxArrayValues = 16 << 20;
    public const int DefaultAlignment = 32;
    public const int MaxAlignment = 1 << 20;
}
