using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Lauter.Models.Natives;

namespace Lauter.Models.Gguf;

/// <summary>
/// Turns 32-bit floats into stored bytes: F32, F16, BF16 (round to nearest even), Q8_0 (scale = largest magnitude ÷ 127) and Q4_0 (scale = value of largest
/// magnitude ÷ −8) here, bit for bit as ggml does; the other types by ggml's own quantiser.
/// </summary>
internal static class GgufQuantiser
{
    public static bool Supports(GgufTensorType type) => type is GgufTensorType.F32 or GgufTensorType.F16 or GgufTensorType.BF16 or GgufTensorType.Q8_0 or GgufTensorType.Q4_0 || Ggml.Quantises(type);

    /// <summary>Quantises whole blocks; <paramref name="columns"/> is the length of a row, which only ggml's quantisers ask for.</summary>
    public static void Quantise(GgufTensorType type, ReadOnlySpan<float> values, Span<byte> bytes, int columns = 0)
    {
        switch (type)
        {
            case GgufTensorType.F32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                return;
            case GgufTensorType.F16:
                for (var i = 0; i < values.Length; i++)
                {
                    BinaryPrimitives.WriteHalfLittleEndian(bytes[(2 * i)..], (Half)values[i]);
                }

                return;
            case GgufTensorType.BF16:
                for (var i = 0; i < values.Length; i++)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes[(2 * i)..], Brain(values[i]));
                }

                return;
            case GgufTensorType.Q8_0:
                for (var block = 0; block * 32 < values.Length; block++)
                {
                    Eight(values.Slice(block * 32, 32), bytes.Slice(block * 34, 34));
                }

                return;
            case GgufTensorType.Q4_0:
                for (var block = 0; block * 32 < values.Length; block++)
                {
                    Four(values.Slice(block * 32, 32), bytes.Slice(block * 18, 18));
                }

                return;
            default:
                Ggml.Quantise(type, values, bytes, columns);
                return;
        }
    }

    /// <summary>The upper half of a float, rounded to nearest even; a NaN stays one.</summary>
    public static ushort Brain(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void Eight(ReadOnlySpan<float> values, Span<byte> block)
    {
        var largest = 0f;
        foreach (var value in values)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        var scale = largest / 127f;
        var inverse = scale == 0 ? 0 : 1f / scale;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        for (var i = 0; i < values.Length; i++)
        {
            block[2 + i] = unchecked((byte)(sbyte)Math.Clamp(MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero), -127f, 127f));
        }
    }

    private static void Four(ReadOnlySpan<float> values, Span<byte> block)
    {
        float magnitude = 0, extreme = 0;
        foreach (var value in values)
        {
            if (MathF.Abs(value) > magnitude)
            {
                (magnitude, extreme) = (MathF.Abs(value), value);
            }
        }

        var scale = extreme / -8f;
        var inverse = scale == 0 ? 0 : 1f / scale;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        for (var i = 0; i < 16; i++)
        {
            // Truncation after adding a half rounds, because the sum is never negative.
            var low = Math.Min(15, (int)((values[i] * inverse) + 8.5f));
            var high = Math.Min(15, (int)((values[i + 16] * inverse) + 8.5f));
            block[2 + i] = (byte)(low | (high << 4));
        }
    }
}
