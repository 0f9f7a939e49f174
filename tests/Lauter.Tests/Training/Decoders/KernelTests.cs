using CsCheck;
using Lauter.Training.Decoders;
using Lauter.Training.Loop;
using Lauter.Training.Natives;
using System.Runtime.Intrinsics;

namespace Lauter.Tests.Training.Decoders;

public sealed class KernelTests
{
    [Fact]
    public void Exp_WholeRange_IsWithinAFewUnitsInTheLastPlace() => Gen.Double[-86, 88].Sample(x =>
    {
        var value = (float)x;
        var ours = Kernels.Exp(Vector512.Create(value))[3];
        Assert.Equal(Math.Exp(value), ours, Math.Exp(value) * 3e-7);
    });

    [Fact]
    public void Exp_FarBelow_IsZero() => Assert.Equal(0f, Kernels.Exp(Vector512.Create(-1000f))[0]);

    [Fact]
    public void Products_NativeAndManaged_Agree() => Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Bool, Gen.Bool).Sample((n, m, k, turnX, turnW) =>
    {
        Assert.True(Blas.IsNative, "libtorch exports no sgemm here, so there is nothing to compare.");
        var random = new SeededRandom((ulong)((n * 1600) + (m * 40) + k));
        float[] x = Values(n * k), w = Values(k * m), fast = Values(n * m), slow = [.. fast];
        Blas.Compare(native: true, turnX, turnW, x, w, fast, n, m, k);
        Blas.Compare(native: false, turnX, turnW, x, w, slow, n, m, k);
        for (var i = 0; i < fast.Length; i++)
        {
            Assert.Equal(slow[i], fast[i], 1e-4f);
        }

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextNormal())];
    }, iter: 200);

    [Fact]
    public void Pack_SharedBeginning_EndsBeforeTheFirstPrediction()
    {
        var pack = Pack.Of([([1, 2, 3, 4, 9], [0, 0, 0, 0, 1]), ([1, 2, 3, 4, 5, 8], [0, 0, 0, 0, 1, 1])], sharePrefix: true);

        Assert.Equal(3, pack.Prefix);
        Assert.Equal([1, 2, 3, 4, 4, 5], pack.Tokens);
        Assert.Equal([3, 4, 5], pack.Predictions);
        Assert.Equal([9, 5, 8], pack.Targets);
        Assert.Equal([0, 1, 1], pack.Owners);
        Assert.Equal([0, 1, 2, 3, 3, 4], pack.Positions());
    }
}
