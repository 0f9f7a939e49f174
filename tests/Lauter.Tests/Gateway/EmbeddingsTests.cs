using System.Net;
using System.Runtime.InteropServices;
using Lauter.Gateway.Applications;
using Lauter.Ledger;

namespace Lauter.Tests.Gateway;

public sealed class EmbeddingsTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await GatewayHost.StartAsync();
        _host.Registry.Set(new LiveEmbedder("mini", 3, (texts, _) => ValueTask.FromResult(texts.Select(t => new float[] { t.Length, 0.1f, -2 }).ToArray())) { CountTokens = t => t.Length });
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Embeddings_FloatAndBase64_AreTheSameVectors()
    {
        var floats = await _host.PostAsync("v1/embeddings", """{"model":"mini","input":["ab","猫"]}""");
        var base64 = await _host.PostAsync("v1/embeddings", """{"model":"mini","input":["ab","猫"],"encoding_format":"base64"}""");

        Assert.Equal(HttpStatusCode.OK, floats.Status);
        for (var i = 0; i < 2; i++)
        {
            var decoded = MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(base64.Body["data"]![i]!["embedding"]!.GetValue<string>())).ToArray();
            Assert.Equal(floats.Body["data"]![i]!["embedding"]!.AsArray().Select(v => v!.GetValue<float>()), decoded);
            Assert.Equal([i == 0 ? 2f : 1f, 0.1f, -2f], decoded);
        }

        Assert.Equal(3, floats.Body["usage"]!["prompt_tokens"]!.GetValue<int>());
        Assert.Equal("list", floats.Body["object"]!.GetValue<string>());
        var traces = _host.Traces();
        Assert.Equal(2, traces.Count);
        Assert.Equal(3, traces[0].Charges.Single(c => c.Meter == Meter.EmbeddingInput).Quantity);
        Assert.NotNull(traces[0].Cost);
    }

    [Theory]
    [InlineData("""{"model":"mini"}""")]
    [InlineData("""{"model":"mini","input":[]}""")]
    [InlineData("""{"model":"mini","input":[1,2]}""")]
    [InlineData("""{"model":"mini","input":""}""")]
    [InlineData("""{"model":"mini","input":"x","dimensions":5}""")]
    [InlineData("""{"model":"mini","input":"x","encoding_format":"hex"}""")]
    public async Task Embeddings_WrongRequest_IsRefused(string json) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await _host.PostAsync("v1/embeddings", json)).Status);

    [Fact]
    public async Task Embeddings_UnknownModel_IsForbidden() =>
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.PostAsync("v1/embeddings", """{"model":"none","input":"x"}""")).Status);
}
