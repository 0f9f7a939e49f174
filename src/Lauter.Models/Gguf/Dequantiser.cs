using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Lauter.Models.Gguf;

/// <summary>Turns stored blocks into 32-bit floats. Layouts: ggml's block structures; d, m and dmin are 16-bit floats.</summary>
internal static class Dequantiser
{
    /// <summary>Negative zero: the only number whose addition changes nothing, not even the sign of a zero.</summary>
    private const float NoMinimum = -0f;

    public static bool Supports(GgufTensorType type) => type is GgufTensorType.F32 or GgufTensorType.F16 or GgufTensorType.BF16 or GgufTensorType.Q8_0
        or GgufTensorType.Q4_0 or GgufTensorType.Q4_1 or GgufTensorType.Q5_0 or GgufTensorType.Q5_1
        or GgufTensorType.Q4_K or GgufTensorType.Q5_K or GgufTensorType.Q6_K;

    /// <summary><paramref name="bytes"/> holds exactly the blocks of <paramref name="values"/>.</summary>
    public static void Dequantise(GgufTensorType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        switch (type)
        {
            case GgufTensorType.F32:
                bytes.CopyTo(MemoryMarshal.AsBytes(values));
                return;
            case GgufTensorType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = (float)halves[i];
                }

                return;
            case GgufTensorType.BF16:
                var words = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = BitConverter.UInt32BitsToSingle((uint)words[i] << 16);
                }

                return;
            default:
                var (length, size) = GgufTypeSizes.Block(type);
                for (var block = 0; block * length < values.Length; block++)
                {
                    One(type, bytes.Slice(block * size, size), values.Slice(block * length, length));
                }

                return;
        }
    }

    private static void One(GgufTensorType type, ReadOnlySpan<byte> block, Span<float> values)
    {
        switch (type)
        {
            case GgufTensorType.Q8_0:
                var scale = Half(block, 0);
                for (var i = 0; i < 32; i++)
                {
                    values[i] = scale * unchecked((sbyte)block[2 + i]);
                }

                return;
            case GgufTensorType.Q4_0:
                Nibbles(block[2..], values, Half(block, 0), -8, NoMinimum);
                return;
            case GgufTensorType.Q4_1:
                Nibbles(block[4..], values, Half(block, 0), 0, Half(block, 2));
                return;
            case GgufTensorType.Q5_0:
                FiveBits(block[2..], values, Half(block, 0), -16, NoMinimum);
                return;
            case GgufTensorType.Q5_1:
                FiveBits(block[4..], values, Half(block, 0), 0, Half(block, 2));
                return;
            case GgufTensorType.Q4_K:
                KBlocks(block, default, block.Slice(16, 128), values);
                return;
            case GgufTensorType.Q5_K:
                KBlocks(block, block.Slice(16, 32), block.Slice(48, 128), values);
                return;
            case GgufTensorType.Q6_K:
                SixBits(block, values);
                return;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "This type is not dequantised.");
        }
    }

    private static float Half(ReadOnlySpan<byte> bytes, int at) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[at..]);

    private static void Nibbles(ReadOnlySpan<byte> packed, Span<float> values, float scale, int shift, float minimum)
    {
        for (var i = 0; i < 16; i++)
        {
            values[i] = (scale * ((packed[i] & 15) + shift)) + minimum;
            values[i + 16] = (scale * ((packed[i] >> 4) + shift)) + minimum;
        }
    }

    private static void FiveBits(ReadOnlySpan<byte> packed, Span<float> values, float scale, int shift, float minimum)
    {
        var high = BinaryPrimitives.ReadUInt32LittleEndian(packed);
        for (var i = 0; i < 16; i++)
        {
            var low = (packed[4 + i] & 15) | (int)(((high >> i) & 1) << 4);
            var upper = (packed[4 + i] >> 4) | (int)(((high >> (i + 16)) & 1) << 4);
            values[i] = (scale * (low + shift)) + minimum;
            values[i + 16] = (scale * (upper + shift)) + minimum;
        }
    }

    /// <summary>Q4_K and, with a fifth bit in <paramref name="fifth"/>, Q5_K: eight sub-blocks of 32 with 6-bit scales and minima.</summary>
    private static void KBlocks(ReadOnlySpan<byte> block, ReadOnlySpan<byte> fifth, ReadOnlySpan<byte> packed, Span<float> values)
    {
        float d = Half(block, 0), dmin = Half(block, 2);
        var scales = block.Slice(4, 12);
        for (var part = 0; part < 8; part++)
        {
            var (scale, minimum) = part < 4
                ? (scales[part] & 63, scales[part + 4] & 63)
                : ((scales[part + 4] & 15) | (scales[part - 4] >> 6 << 4), (scales[part + 4] >> 4) | (scales[part] >> 6 << 4));
            float step = d * scale, below = dmin * minimum;
            for (var i = 0; i < 32; i++)
            {
                var nibble = (packed[(part / 2 * 32) + i] >> (part % 2 * 4)) & 15;
                var bit = fifth.IsEmpty ? 0 : (fifth[i] >> part) & 1;
                values[(part * 32) + i] = (step * (nibble | (bit << 4))) - below;
            }
        }
    }

    private static void SixBits(ReadOnlySpan<byte> block, Span<float> values)
    {
        var d = Half(block, 208);
        for (var half = 0; half < 2; half++)
        {
            var low = block.Slice(half * 64, 64);
            var high = block.Slice(128 + (half * 32), 32);
            var scales = block.Slice(192 + (half * 8), 8);
            for (var i = 0; i < 128; i++)
            {
                int l = i % 32, k = i / 32;
                var nibble = (low[l + (k % 2 * 32)] >> (k / 2 * 4)) & 15;
                var value = (nibble | (((high[l] >> (2 * k)) & 3) << 4)) - 32;
                values[(half * 128) + i] = d * unchecked((sbyte)scales[i / 16]) * value;
            }
        }
    }
}
