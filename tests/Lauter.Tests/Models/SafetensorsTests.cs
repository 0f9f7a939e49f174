using System.Text;
using CsCheck;
using Lauter.Models.Gguf;
using Lauter.Models.Safetensors;

namespace Lauter.Tests.Models;

public sealed class SafetensorsTests
{
    [Fact]
    public void Finish_Tensors_ReadBackEqual()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Create(folder.File("m.safetensors")).AddMetadata("format", "pt")
            .AddTensor("b", GgufTensorType.F16, [2, 2], () => [1f, -2f, 0.5f, 0f])
            .AddTensor("a", GgufTensorType.F32, [3], () => [0.1f, 0.2f, 0.3f])
            .AddTensor("c", GgufTensorType.BF16, [1], () => [3f])
            .AddTensor("ids", [2, 1], [7L, -1L])
            .Finish();

        using var file = SafetensorsFile.Open(folder.File("m.safetensors"));

        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(["ids", "a", "b", "c"], file.Tensors.Values.OrderBy(tensor => tensor.Offset).Select(tensor => tensor.Name));
        Assert.Equal([1f, -2f, 0.5f, 0f], file.ReadFloat32("b"));
        Assert.Equal([0.1f, 0.2f, 0.3f], file.ReadFloat32("a"));
        Assert.Equal([3f], file.ReadFloat32("c"));
        Assert.Equal([7L, -1L], file.ReadInt64("ids"));
        Assert.Equal(0, file.Tensors["ids"].Offset % 8);
        Assert.Throws<SafetensorsFormatException>(() => file.ReadInt64("a"));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}}""", "needs 16 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[4,16]}}""", "begins at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "the tensors end at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,16]}}""", "extent")]
    [InlineData("""{"a":{"dtype":"X9","shape":[3],"data_offsets":[0,16]}}""", "unknown type 'X9'")]
    [InlineData("""{"a":[]}""", "damaged")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0]}}""", "damaged")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "damaged")]
    public void Open_WrongHeader_IsRefusedByName(string header, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("m.safetensors"), [.. BitConverter.GetBytes((ulong)header.Length), .. Encoding.ASCII.GetBytes(header), .. new byte[16]]);

        var exception = Assert.Throws<SafetensorsFormatException>(() => SafetensorsFile.Open(folder.File("m.safetensors")).Dispose());

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MutatedFile_IsReadOrRefusedButNeverCrashes()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Create(folder.File("good")).AddMetadata("format", "pt").AddTensor("a", GgufTensorType.F32, [2, 3], () => new float[6]).AddTensor("i", [1], [1L]).Finish();
        var good = File.ReadAllBytes(folder.File("good"));

        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte).Array[1, 4].Sample(
            mutations =>
            {
                var bytes = good.ToArray();
                foreach (var (at, value) in mutations)
                {
                    bytes[at] = value;
                }

                File.WriteAllBytes(folder.File("bad"), bytes);
                try
                {
                    using var file = SafetensorsFile.Open(folder.File("bad"));
                }
                catch (SafetensorsFormatException exception)
                {
                    Assert.Contains("bad", exception.Message, StringComparison.Ordinal);
                }
            },
            iter: 2000,
            threads: 1);
    }
}
