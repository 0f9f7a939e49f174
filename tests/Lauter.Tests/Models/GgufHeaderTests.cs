using System.Text;
using CsCheck;
using Lauter.Models.Gguf;

namespace Lauter.Tests.Models;

/// <summary>Headers from hostile files: whatever the bytes, the answer is a file or a typed refusal.</summary>
public sealed class GgufHeaderTests
{
    [Theory]
    [InlineData("magic", "'GGUF'")]
    [InlineData("version", "version 1 ")]
    [InlineData("tensor count", "tensor count")]
    [InlineData("key count", "key count")]
    [InlineData("key length", "length of key 0")]
    [InlineData("kind", "unknown kind")]
    [InlineData("nested", "array of arrays")]
    [InlineData("array length", "length of 'k'")]
    [InlineData("flag", "truth value of 7")]
    [InlineData("twice", "appears twice")]
    [InlineData("alignment", "general.alignment is 3")]
    [InlineData("dimensions", "has 9 dimensions")]
    [InlineData("overflow", "overflows")]
    [InlineData("type", "unknown type 99")]
    [InlineData("row", "blocks of 32")]
    [InlineData("offset", "no multiple of the alignment")]
    [InlineData("outside", "of a data section of")]
    [InlineData("overlap", "overlaps")]
    [InlineData("key utf8", "is not UTF-8")]
    public void Open_OneFieldWrong_RefusesAndNamesIt(string what, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("m.gguf"), Broken(what));

        var exception = Assert.Throws<GgufFormatException>(() => GgufFile.Open(folder.File("m.gguf")).Dispose());

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Contains("m.gguf", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MutatedFile_IsReadOrRefusedButNeverCrashes()
    {
        using var folder = new TemporaryFolder();
        GgufWriter.Create(folder.File("good.gguf"))
            .Add("general.architecture", "llama").Add("a", new[] { "x", "yy", "zzz" }).Add("b", new[] { 1, 2, 3 }).Add("c", true).Add("general.alignment", 32u).Add("d", 1.0)
            .AddTensor("w", GgufTensorType.Q8_0, [2, 32], new float[64]).AddTensor("v", GgufTensorType.F32, [5], new float[5]).Finish();
        var good = File.ReadAllBytes(folder.File("good.gguf"));
        var path = folder.File("bad.gguf");
        var gen = Gen.Select(
            Gen.Select(Gen.Int[0, good.Length - 1], Gen.OneOf(Gen.Byte, Gen.Int[0, 4].Select(i => new byte[] { 0, 1, 127, 128, 255 }[i]))).Array[1, 6],
            Gen.Frequency((3, Gen.Const(good.Length)), (1, Gen.Int[0, good.Length])));

        gen.Sample(
            (mutations, length) =>
            {
                var bytes = good.ToArray();
                foreach (var (at, value) in mutations)
                {
                    bytes[at] = value;
                }

                File.WriteAllBytes(path, bytes[..length]);
                try
                {
                    using var file = GgufFile.Open(path);
                    foreach (var tensor in file.Tensors.Where(tensor => Dequantiser.Supports(tensor.Type)))
                    {
                        Assert.Equal(tensor.ElementCount, file.ReadFloat32(tensor.Name).Length);
                    }
                }
                catch (GgufFormatException exception)
                {
                    Assert.Contains("bad.gguf", exception.Message, StringComparison.Ordinal);
                }
            },
            iter: 4000,
            threads: 1);
    }

    private static byte[] Broken(string what)
    {
        var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        void Text(string text)
        {
            writer.Write((ulong)Encoding.UTF8.GetByteCount(text));
            writer.Write(Encoding.UTF8.GetBytes(text));
        }

        void Tensor(string name, ulong[] dimensions, uint type, ulong offset)
        {
            Text(name);
            writer.Write((uint)dimensions.Length);
            foreach (var dimension in dimensions)
            {
                writer.Write(dimension);
            }

            writer.Write(type);
            writer.Write(offset);
        }

        string[] tensorFaults = ["dimensions", "overflow", "type", "row", "offset", "outside", "overlap"];
        writer.Write(what == "magic" ? "GGUX"u8 : "GGUF"u8);
        writer.Write(what == "version" ? 1u : 3u);
        writer.Write(what == "tensor count" ? ulong.MaxValue : what == "overlap" ? 2ul : tensorFaults.Contains(what) ? 1ul : 0ul);
        writer.Write(what switch { "key count" => 1ul << 40, "twice" => 2ul, _ => 1ul });
        switch (what)
        {
            case "key length":
                writer.Write(ulong.MaxValue - 7);
                break;
            case "key utf8":
                writer.Write(2ul);
                writer.Write((byte)0xC3);
                writer.Write((byte)0x28);
                break;
            case "alignment":
                Text("general.alignment");
                break;
            default:
                Text("k");
                break;
        }

        switch (what)
        {
            case "kind":
                writer.Write(77u);
                break;
            case "nested":
                writer.Write(9u);
                writer.Write(9u);
                writer.Write(1ul);
                break;
            case "array length":
                writer.Write(9u);
                writer.Write(8u);
                writer.Write(1ul << 60);
                break;
            case "flag":
                writer.Write(7u);
                writer.Write((byte)7);
                break;
            default:
                writer.Write(4u);
                writer.Write(3u);
                break;
        }

        switch (what)
        {
            case "twice":
                Text("k");
                writer.Write(4u);
                writer.Write(5u);
                break;
            case "dimensions":
                Tensor("w", [1, 1, 1, 1, 1, 1, 1, 1, 1], 0, 0);
                break;
            case "overflow":
                Tensor("w", [1ul << 40, 1ul << 40], 0, 0);
                break;
            case "type":
                Tensor("w", [4], 99, 0);
                break;
            case "row":
                Tensor("w", [33], 8, 0);
                break;
            case "offset":
                Tensor("w", [4], 0, 5);
                break;
            case "outside":
                Tensor("w", [1000], 0, 0);
                break;
            case "overlap":
                Tensor("w", [16], 0, 0);
                Tensor("v", [8], 0, 32);
                break;
        }

        writer.Write(new byte[160]);
        writer.Flush();
        return stream.ToArray();
    }
}
