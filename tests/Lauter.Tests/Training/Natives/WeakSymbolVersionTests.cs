using Lauter.Build;
using TorchSharp;

namespace Lauter.Tests.Training.Natives;

public sealed class WeakSymbolVersionTests
{
    private static string OutputLibrary => Directory.EnumerateFiles(AppContext.BaseDirectory, "libLibTorchSharp.so", SearchOption.AllDirectories).Single();

    [Fact]
    public void Output_AfterBuild_HoldsOneLibraryWithTheWeakRequirementThatLoads()
    {
        Assert.Equal(WeakSymbolVersionResult.AlreadyWeak, WeakSymbolVersion.Apply(File.ReadAllBytes(OutputLibrary)));
        using var one = torch.ones(2);
        Assert.Equal(2f, one.sum().item<float>());
        Assert.Single(Directory.EnumerateFiles(AppContext.BaseDirectory, "libtorch_cpu.so", SearchOption.AllDirectories));
    }

    [Fact]
    public void Apply_StrongRequirement_ChangesOneBitAndIsIdempotent()
    {
        var weak = File.ReadAllBytes(OutputLibrary);
        var at = FlagsOffset(weak);
        var strong = (byte[])weak.Clone();
        strong[at] &= 0xfd;

        var image = (byte[])strong.Clone();
        Assert.Equal(WeakSymbolVersionResult.MadeWeak, WeakSymbolVersion.Apply(image));
        Assert.Equal(weak, image);
        Assert.Equal(WeakSymbolVersionResult.AlreadyWeak, WeakSymbolVersion.Apply(image));
        Assert.Equal(weak, image);
    }

    [Fact]
    public void Apply_VersionAlsoNeededByAnotherSymbol_LeavesTheFileAlone()
    {
        var image = File.ReadAllBytes(OutputLibrary);
        image[FlagsOffset(image)] &= 0xfd;
        var marker = image.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(WeakSymbolVersion.Marker));
        image[marker + 4] = (byte)'X';
        var before = (byte[])image.Clone();

        Assert.Equal(WeakSymbolVersionResult.NeededByOthers, WeakSymbolVersion.Apply(image));
        Assert.Equal(before, image);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(4096)]
    public void Apply_NotAnElfFile_IsNotRequired(int length) =>
        Assert.Equal(WeakSymbolVersionResult.NotRequired, WeakSymbolVersion.Apply(new byte[length]));

    /// <summary>The hash of "GLIBCXX_3.4.32" (System V ABI hash) opens its entry; the flags follow it.</summary>
    private static int FlagsOffset(byte[] image)
    {
        uint hash = 0;
        foreach (var c in WeakSymbolVersion.Version)
        {
            hash = (hash << 4) + c;
            var high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }

        return image.AsSpan().IndexOf(BitConverter.GetBytes(hash)) + 4;
    }
}
