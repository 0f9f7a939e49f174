using Lauter.Training.Loop;
using Lauter.Training.Natives;
using Lauter.Training.Networks;
using Lauter.Training.Optimisers;
using TorchSharp;

namespace Lauter.Tests.Training.Optimisers;

public sealed class AdamWTests
{
    /// <summary>The published formula in double precision beside the vector code; 37 values leave a rest behind every vector width.</summary>
    [Fact]
    public void Step_SeveralSteps_FollowsTheFormula()
    {
        Torch.EnsureLoaded();
        const double Rate = 1e-2, Decay = 0.1, Beta1 = 0.9, Beta2 = 0.95, Scale = 0.5;
        var random = new SeededRandom(5);
        var start = Values(ref random, 37);
        using var parameter = new NetworkParameter("m", [1, 37], start);
        var optimiser = new AdamW([parameter]) { WeightDecay = (float)Decay };
        var expected = Array.ConvertAll(start, v => (double)v);
        double[] m = new double[37], v = new double[37];
        for (var step = 1; step <= 5; step++)
        {
            var gradient = Values(ref random, 37);
            Backward(parameter, gradient);
            Assert.Equal(Math.Sqrt(gradient.Sum(g => (double)g * g)), AdamW.GradientNorm([parameter]), 1e-5);
            optimiser.Step(step, Rate, Scale);
            for (var i = 0; i < 37; i++)
            {
                var g = gradient[i] * Scale;
                m[i] = (Beta1 * m[i]) + ((1 - Beta1) * g);
                v[i] = (Beta2 * v[i]) + ((1 - Beta2) * g * g);
                var (mean, square) = (m[i] / (1 - Math.Pow(Beta1, step)), v[i] / (1 - Math.Pow(Beta2, step)));
                expected[i] -= Rate * ((mean / (Math.Sqrt(square) + 1e-8)) + (Decay * expected[i]));
                Assert.Equal(expected[i], parameter.Values[i], 1e-5);
            }
        }
    }

    [Fact]
    public void Step_Gain_IsNotDecayed()
    {
        Torch.EnsureLoaded();
        using var gain = new NetworkParameter("norm", [3], [1f, 2f, 3f]);
        Backward(gain, [0f, 0f, 0f]);
        new AdamW([gain]).Step(1, 0.1, 1);

        Assert.Equal([1f, 2f, 3f], gain.Values.ToArray());
    }

    private static void Backward(NetworkParameter parameter, float[] gradient)
    {
        using var scope = torch.NewDisposeScope();
        (parameter.Tensor * torch.tensor(gradient, parameter.Shape)).sum().backward();
    }

    private static float[] Values(ref SeededRandom random, int count)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = (float)random.NextNormal();
        }

        return values;
    }
}
