using Lauter.Tests.Training.Loop;
using Lauter.Training.Loop;
using Lauter.Training.Natives;
using Lauter.Training.Networks;
using Lauter.Training.Optimisers;
using TorchSharp;

namespace Lauter.Tests.Training.Optimisers;

public sealed class MuonTests
{
    /// <summary>Newton-Schulz brings every singular value of the update near 1, whatever they were in the gradient.</summary>
    [Theory]
    [InlineData(24, 8)]
    [InlineData(8, 24)]
    [InlineData(16, 16)]
    public void Step_AnyGradient_MovesEveryDirectionAlike(int rows, int columns)
    {
        Torch.EnsureLoaded();
        using var scope = torch.NewDisposeScope();
        var random = new SeededRandom(9);
        var gradient = new float[rows * columns];
        for (var i = 0; i < gradient.Length; i++)
        {
            gradient[i] = (float)(random.NextNormal() * (1 + (i % columns)));
        }

        using var parameter = new NetworkParameter("m", [rows, columns], new float[gradient.Length]);
        (parameter.Tensor * torch.tensor(gradient, parameter.Shape)).sum().backward();
        new Muon([parameter], _ => [rows]) { WeightDecay = 0 }.Step(1, learningRate: 1, gradientScale: 0.01);

        var size = 0.2 * Math.Sqrt(Math.Max(rows, columns));
        var singular = torch.linalg.svd(parameter.Tensor.detach() / -size).S.data<float>().ToArray();
        Assert.All(singular, s => Assert.InRange(s, 0.3f, 1.4f));
        Assert.InRange((parameter.Tensor.detach() * torch.tensor(gradient, parameter.Shape)).sum().item<float>(), float.MinValue, 0);
    }

    [Fact]
    public void Step_FusedMatrices_MovesEachAsIfItWereAlone()
    {
        Torch.EnsureLoaded();
        using var scope = torch.NewDisposeScope();
        float[] upper = [1, 2, 3, 4, 5, 7], lower = [100, -200, 300, 5, 0, 1];
        using var fused = Moved([.. upper, .. lower], [4, 3], [2, 2]);
        using var above = Moved(upper, [2, 3], [2]);
        using var below = Moved(lower, [2, 3], [2]);

        Assert.Equal(Round([.. above.Values, .. below.Values]), Round(fused.Values.ToArray()));

        static float[] Round(float[] values) => Array.ConvertAll(values, v => MathF.Round(v, 4));
    }

    [Fact]
    public void Run_CopyTask_IsLearnedWithMuonToo()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-muon-").FullName;
        try
        {
            using var network = LlamaInitialisation.Create(TinyRun.Config, 7);
            var recorder = new TinyRun.Recorder();
            TinyRun.Create(network, TinyRun.Options with { Epochs = 60, Dropout = 0, TokenNoise = 0, Muon = true }, directory, recorder)
                .Run(TestContext.Current.CancellationToken);
            Assert.InRange(recorder.Steps[^1].Loss, 0, 0.1);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static NetworkParameter Moved(float[] gradient, long[] shape, long[] parts)
    {
        var parameter = new NetworkParameter("m", shape, new float[gradient.Length]);
        (parameter.Tensor * torch.tensor(gradient, shape)).sum().backward();
        new Muon([parameter], _ => parts).Step(1, 0.1, 1);
        return parameter;
    }
}
