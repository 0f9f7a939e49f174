using CsCheck;
using Lauter.Models.Gguf;
using Lauter.Models.Natives;

namespace Lauter.Tests.Models;

/// <summary>Both directions of every block format against ggml's own functions, bit for bit.</summary>
public sealed class QuantiserTests
{
    [Theory]
    [InlineData(GgufTensorType.Q4_0, "q4_0")]
    [InlineData(GgufTensorType.Q4_1, "q4_1")]
    [InlineData(GgufTensorType.Q5_0, "q5_0")]
    [InlineData(GgufTensorType.Q5_1, "q5_1")]
    [InlineData(GgufTensorType.Q8_0, "q8_0")]
    [InlineData(GgufTensorType.Q4_K, "q4_K")]
    [InlineData(GgufTensorType.Q5_K, "q5_K")]
    [InlineData(GgufTensorType.Q6_K, "q6_K")]
    public void Dequantise_AnyBytes_GivesGgmlsValues(GgufTensorType type, string name)
    {
        var (length, size) = GgufTypeSizes.Block(type);

        Gen.Byte.Array[size * 3].Sample(
            bytes =>
            {
                float[] theirs = new float[length * 3], ours = new float[length * 3];
                Ggml.CallRow<byte, float>("dequantize_row_" + name, bytes, theirs, theirs.Length);
                Dequantiser.Dequantise(type, bytes, ours);

                AssertSame(theirs, ours, type);
            },
            iter: 1000,
            threads: 1);
    }

    [Theory]
    [InlineData(GgufTensorType.Q4_0, "quantize_row_q4_0_ref")]
    [InlineData(GgufTensorType.Q8_0, "quantize_row_q8_0_ref")]
    [InlineData(GgufTensorType.F16, "ggml_fp32_to_fp16_row")]
    [InlineData(GgufTensorType.BF16, "ggml_fp32_to_bf16_row_ref")]
    public void Quantise_AnyValues_GivesGgmlsBytes(GgufTensorType type, string name)
    {
        var (length, size) = GgufTypeSizes.Block(type);

        // Magnitudes from 2^-30 to 2^12, ties and zeros among them: weights, but also what rounding stumbles over.
        var value = Gen.Frequency(
            (6, Gen.Double[-1, 1].Select(x => (float)x)),
            (2, Gen.Select(Gen.Double[-1, 1], Gen.Int[-30, 12], (x, exponent) => (float)Math.ScaleB(x, exponent))),
            (1, Gen.Int[-127, 127].Select(i => i * 0.5f)),
            (1, Gen.Const(0f)));
        Gen.Select(value.Array[64], Gen.Int[0, 63]).Sample(
            sample =>
            {
                var (values, repeated) = sample;
                values[63 - repeated] = -values[repeated];
                byte[] theirs = new byte[64 / length * size], ours = new byte[64 / length * size];
                Ggml.CallRow<float, byte>(name, values, theirs, values.Length);
                GgufQuantiser.Quantise(type, values, ours);

                Assert.True(theirs.AsSpan().SequenceEqual(ours), $"{type} of [{string.Join(", ", values.Select(v => v.ToString("R")))}]: ggml {Convert.ToHexString(theirs)}, here {Convert.ToHexString(ours)}");
            },
            iter: 20_000,
            threads: 1);
    }

    [Theory]
    [InlineData(GgufTensorType.Q4_K, 0.09)]
    [InlineData(GgufTensorType.Q5_K, 0.045)]
    [InlineData(GgufTensorType.Q6_K, 0.025)]
    [InlineData(GgufTensorType.Q4_1, 0.09)]
    [InlineData(GgufTensorType.Q5_0, 0.06)]
    [InlineData(GgufTensorType.Q5_1, 0.045)]
    public void Quantise_ByGgml_ReadsBackWithinTheStep(GgufTensorType type, double relative)
    {
        var random = new Random(20261125);
        var values = Enumerable.Range(0, 4 * 512).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))).ToArray();
        var (length, size) = GgufTypeSizes.Block(type);
        var bytes = new byte[values.Length / length * size];
        var back = new float[values.Length];

        GgufQuantiser.Quantise(type, values, bytes, columns: 512);
        Dequantiser.Dequantise(type, bytes, back);

        var error = Math.Sqrt(values.Zip(back).Sum(pair => Math.Pow(pair.First - pair.Second, 2)) / values.Sum(value => value * (double)value));
        Assert.InRange(error, 1e-4, relative);
    }

    [Fact]
    public void Quantise_RowsThatDoNotFit_AreRefused() =>
        Assert.Throws<ArgumentException>(() => GgufQuantiser.Quantise(GgufTensorType.Q4_K, new float[512], new byte[288], columns: 384));

    /// <summary>Equal bits; a compiler that fuses multiply and add may differ in the last one.</summary>
    private static void AssertSame(float[] theirs, float[] ours, GgufTensorType type)
    {
        for (var i = 0; i < theirs.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(theirs[i]) != BitConverter.SingleToInt32Bits(ours[i]) && !(float.IsNaN(theirs[i]) && float.IsNaN(ours[i])))
            {
                Assert.Fail($"{type} value {i}: ggml {theirs[i]:R}, here {ours[i]:R}");
            }
        }
    }
}
