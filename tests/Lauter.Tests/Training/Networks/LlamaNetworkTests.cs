using Lauter.Tests.Support;
using TorchSharp;

namespace Lauter.Tests.Training.Networks;

public sealed class LlamaNetworkTests
{
    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("llama-tied")]
    public void Logits_ReferenceModel_AgreeWithTransformers(string name)
    {
        using var network = ReferenceModel.Load(SharedData.Require($"golden/{name}"));
        var expected = new SafetensorsReader(SharedData.Require($"golden/{name}/expected.safetensors"));
        var shape = expected.Shape("tokens");
        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var logits = network.Logits(network.Forward(torch.tensor(expected.Read<long>("tokens"), shape), rows: null, dropout: 0));
        var reference = torch.tensor(expected.Read<float>("logits"), logits.shape);

        Assert.InRange((logits - reference).abs().max().item<float>(), 0, 1e-4f);
    }

    [Fact]
    public void Forward_SomeRows_GivesTheSameFeaturesAsAllRows()
    {
        using var network = ReferenceModel.Load(SharedData.Require("golden/llama-gqa"));
        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var tokens = torch.tensor(new long[] { 1, 5, 9, 200, 7, 3, 8, 100 }, [2, 4]);
        var rows = torch.tensor(new long[] { 2, 5, 7 });
        var all = network.Forward(tokens, rows: null, dropout: 0).index_select(0, rows);
        var some = network.Forward(tokens, rows, dropout: 0);

        Assert.InRange((all - some).abs().max().item<float>(), 0, 1e-5f);
    }

    [Fact]
    public void LogProbabilities_Prefix_DoNotDependOnLaterTokens()
    {
        using var network = ReferenceModel.Load(SharedData.Require("golden/llama-tied"));
        var longer = network.LogProbabilities([1, 17, 33, 250, 4]);
        var shorter = network.LogProbabilities([1, 17, 33]);

        for (var id = 0; id < shorter.GetLength(1); id++)
        {
            Assert.Equal(longer[2, id], shorter[2, id], 1e-5f);
        }

        Assert.Equal(1, Enumerable.Range(0, shorter.GetLength(1)).Sum(id => Math.Exp(shorter[2, id])), 1e-5);
    }
}
