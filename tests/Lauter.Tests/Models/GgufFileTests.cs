using System.Runtime.InteropServices;
using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Tests.Support;

namespace Lauter.Tests.Models;

public sealed class GgufFileTests
{
    [Fact]
    public void Open_RealFloatModel_HeaderAndShapeAreRead()
    {
        using var file = GgufFile.Open(SharedData.Require("models/stories260k/stories260k-f32.gguf"));

        var config = LlamaConfig.FromGguf(file);

        Assert.Equal(
            new LlamaConfig { VocabularySize = 512, Width = 64, Layers = 5, Heads = 8, KvHeads = 4, FeedForward = 172, ContextLength = config.ContextLength, RopeBase = 10_000, NormEpsilon = 1e-5f, TiedEmbeddings = config.TiedEmbeddings },
            config);
        Assert.Equal(8, config.HeadDimension);
        Assert.All(GgufNames.Of(config), name => Assert.Equal(name.Shape, file.Tensor(name.Gguf).Shape));
    }

    [Fact]
    public void Open_RealQuantisedModel_HeaderAndWeightsAreRead()
    {
        using var file = GgufFile.Open(SharedData.Require("models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"));

        var config = LlamaConfig.FromGguf(file);

        Assert.Equal((49152, 576, 30, 9, 3, 1536), (config.VocabularySize, config.Width, config.Layers, config.Heads, config.KvHeads, config.FeedForward));
        Assert.Equal(100_000, config.RopeBase);
        Assert.True(config.TiedEmbeddings);
        Assert.All(file.Tensors.Take(20), tensor => Assert.All(file.ReadFloat32(tensor.Name).Take(1000), value => Assert.True(float.IsFinite(value) && Math.Abs(value) < 100)));
    }

    [Fact]
    public void Forget_ThenRead_GivesTheSameValues()
    {
        using var file = GgufFile.Open(SharedData.Require("models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"));
        var tensor = file.Tensor("blk.3.ffn_down.weight");
        var before = file.ReadFloat32(tensor.Name);
        file.Forget(tensor);
        Assert.All(file.Tensors.Where(t => t.ByteLength < Environment.SystemPageSize).Take(1), file.Forget);

        Assert.Equal(before, file.ReadFloat32(tensor.Name));
    }

    [Fact]
    public void Finish_AllKindsOfValues_ReadBackEqual()
    {
        using var folder = new TemporaryFolder();
        var values = new Dictionary<string, object>
        {
            ["u8"] = (byte)255, ["i8"] = (sbyte)-128, ["u16"] = ushort.MaxValue, ["i16"] = short.MinValue, ["u32"] = uint.MaxValue, ["i32"] = int.MinValue,
            ["f32"] = 1.5f, ["flag"] = true, ["text"] = "中文 👩 \0 end", ["u64"] = ulong.MaxValue, ["i64"] = long.MinValue, ["f64"] = double.Pi,
            ["texts"] = new[] { "a", "", "é" }, ["ints"] = new[] { -1, 2 }, ["uints"] = new[] { 1u, uint.MaxValue }, ["floats"] = new[] { 0.5f }, ["flags"] = new[] { true, false },
            ["bytes"] = new byte[] { 1, 2 }, ["sbytes"] = new sbyte[] { -1 }, ["doubles"] = new[] { 1e-300 }, ["longs"] = new[] { long.MaxValue }, ["empty"] = Array.Empty<string>(),
        };
        var writer = GgufWriter.Create(folder.File("m.gguf"));
        foreach (var (key, value) in values)
        {
            writer.Add(key, value);
        }

        writer.Finish();

        using var file = GgufFile.Open(folder.File("m.gguf"));
        Assert.Equal(values.Keys, file.Metadata.Keys);
        Assert.All(values, pair => Assert.Equal(pair.Value, file.Metadata[pair.Key]));
        Assert.Equal([-1, 2], file.Metadata.Integers("ints"));
        Assert.Equal([1, -1], file.Metadata.Integers("uints"));
        Assert.Null(file.Metadata.Integer("u64"));
        Assert.Equal(["m.gguf"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(GgufTensorType.F32, 0)]
    [InlineData(GgufTensorType.F16, 1e-3)]
    [InlineData(GgufTensorType.BF16, 4e-3)]
    [InlineData(GgufTensorType.Q8_0, 4.5e-3)]
    public void Finish_Tensors_ReadBackWithinPrecision(GgufTensorType type, double tolerance)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(7);
        var values = Enumerable.Range(0, 3 * 17 * 64).Select(_ => (float)((random.NextDouble() * 2) - 1)).ToArray();
        GgufWriter.Create(folder.File("m.gguf")).Add("general.architecture", "llama")
            .AddTensor("odd", GgufTensorType.F32, [3], [1f, 2f, 3f])
            .AddTensor("w", type, [3, 17, 64], values)
            .Finish();

        using var file = GgufFile.Open(folder.File("m.gguf"));
        var read = file.ReadFloat32("w");

        Assert.Equal([3, 17, 64], file.Tensor("w").Shape);
        Assert.Equal([1f, 2f, 3f], file.ReadFloat32("odd"));
        Assert.Equal(0, file.Tensor("w").Offset % 32);
        for (var i = 0; i < values.Length; i++)
        {
            Assert.True(Math.Abs(values[i] - read[i]) <= tolerance, $"{values[i]} came back as {read[i]}");
        }
    }

    [Fact]
    public void Finish_TensorOfWrongLength_LeavesNothingBehind()
    {
        using var folder = new TemporaryFolder();
        var writer = GgufWriter.Create(folder.File("m.gguf")).AddTensor("w", GgufTensorType.F32, [4], [1f, 2f]);

        var exception = Assert.Throws<InvalidOperationException>(writer.Finish);

        Assert.Contains("'w' has 2 values, but its shape says 4", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Dequantise_HandMadeBlocks_GiveTheFormulasOfTheFormat()
    {
        // One block each, scale 2 and (where there is one) minimum -3; element i has the code i (low half) or 15 - i (high half).
        byte[] nibbles = [.. Enumerable.Range(0, 16).Select(i => (byte)(i | ((15 - i) << 4)))];
        byte[] two = [0x00, 0x40], minusThree = [0x00, 0xC2], high = [0x01, 0x00, 0x01, 0x00];
        int Code(int i) => i < 16 ? i : 15 - (i - 16);
        int Five(int i) => Code(i) + (i is 0 or 16 ? 16 : 0);

        Check(GgufTensorType.Q4_0, [.. two, .. nibbles], i => 2 * (Code(i) - 8));
        Check(GgufTensorType.Q4_1, [.. two, .. minusThree, .. nibbles], i => (2 * Code(i)) - 3);
        Check(GgufTensorType.Q5_0, [.. two, .. high, .. nibbles], i => 2 * (Five(i) - 16));
        Check(GgufTensorType.Q5_1, [.. two, .. minusThree, .. high, .. nibbles], i => (2 * Five(i)) - 3);
        Check(GgufTensorType.Q8_0, [.. two, .. MemoryMarshal.AsBytes<sbyte>([.. Enumerable.Range(-16, 32).Select(i => (sbyte)i)])], i => 2 * (i - 16));

        static void Check(GgufTensorType type, byte[] block, Func<int, float> expected)
        {
            var values = new float[32];
            Dequantiser.Dequantise(type, block, values);
            Assert.Equal(Enumerable.Range(0, 32).Select(expected), values);
        }
    }

    [Fact]
    public void Dequantise_SuperBlocks_GiveTheFormulasOfTheFormat()
    {
        var random = new Random(11);
        var four = new byte[144];
        random.NextBytes(four);
        var six = new byte[210];
        random.NextBytes(six);
        BitConverter.TryWriteBytes(four, (Half)0.25f);
        BitConverter.TryWriteBytes(four.AsSpan(2), (Half)0.5f);
        BitConverter.TryWriteBytes(six.AsSpan(208), (Half)0.125f);
        byte[] five = [.. four[..16], .. new byte[32], .. four[16..]];
        five[16 + 5] = 0b1000_0001;
        float[] a = new float[256], b = new float[256], c = new float[256];

        Dequantiser.Dequantise(GgufTensorType.Q4_K, four, a);
        Dequantiser.Dequantise(GgufTensorType.Q5_K, five, b);
        Dequantiser.Dequantise(GgufTensorType.Q6_K, six, c);

        // The formulas, written element by element; scales unpacked by hand for one low and one high sub-block.
        int scale1 = four[4 + 1] & 63, minimum1 = four[4 + 5] & 63;
        Assert.Equal((0.25f * scale1 * (four[16 + 7] >> 4)) - (0.5f * minimum1), a[32 + 7]);
        int scale6 = (four[4 + 10] & 15) | (four[4 + 2] >> 6 << 4), minimum6 = (four[4 + 10] >> 4) | (four[4 + 6] >> 6 << 4);
        Assert.Equal((0.25f * scale6 * (four[16 + 96 + 3] & 15)) - (0.5f * minimum6), a[192 + 3]);
        Assert.Equal(a[5] + (0.25f * (four[4] & 63) * 16), b[5], 4);
        Assert.Equal(a[7], b[7]);
        int code = ((six[64 + 32 + 9] >> 4) | (((six[128 + 32 + 9] >> 6) & 3) << 4)) - 32;
        Assert.Equal(0.125f * unchecked((sbyte)six[192 + 8 + 6]) * code, c[128 + 96 + 9]);
    }

    [Fact]
    public void ReadFloat32_PartOfAQuantisedTensor_EqualsTheSliceOfTheWhole()
    {
        using var file = GgufFile.Open(SharedData.Require("models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"));
        var tensor = file.Tensor("blk.3.ffn_down.weight");
        var whole = file.ReadFloat32(tensor.Name);
        var part = new float[1536];

        file.ReadFloat32(tensor, 1536 * 100, part);

        Assert.Equal(whole[(1536 * 100)..(1536 * 101)], part);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadFloat32(tensor, 1, part));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadFloat32(tensor, tensor.ElementCount, part));
    }
}
