using System.Net;
using System.Text;
using System.Text.Json;
using CsCheck;
using Lauter.Retrieval;
using Lauter.Retrieval.Embedding;
using Lauter.Retrieval.Vectors;

namespace Lauter.Tests.Retrieval;

public sealed class EmbedderTests
{
    [Fact]
    public async Task MiniLm_Batch_UnitVectorsIndependentOfTheBatch()
    {
        using var embedder = new MiniLmEmbedder();
        string[] texts = ["How do I clean the kettle?", "Descaling a kettle with vinegar.", "The invoice is overdue.", "", new string('x', 9_000)];
        var together = await embedder.EmbedAsync(texts, EmbeddingKind.Query, TestContext.Current.CancellationToken);
        for (var i = 0; i < texts.Length; i++)
        {
            var alone = (await embedder.EmbedAsync([texts[i]], EmbeddingKind.Query, TestContext.Current.CancellationToken))[0];
            Assert.Equal(384, alone.Length);
            Assert.Equal(1, VectorScan.Dot(alone, alone), 1e-4);
            Assert.Equal(1, VectorScan.Dot(alone, together[i]), 1e-4);
        }

        Assert.True(VectorScan.Dot(together[0], together[1]) > VectorScan.Dot(together[0], together[2]) + 0.2);
    }

    [Fact]
    public void Dot_AnyLength_EqualToPlainSum() =>
        Gen.Float[-1, 1].Array[1, 200].Sample(
            a =>
            {
                var b = a.Select((x, i) => (x * 0.5f) - (i % 3)).ToArray();
                var plain = a.Zip(b, (x, y) => (double)x * y).Sum();
                Assert.Equal(plain, VectorScan.Dot(a, b), 1e-3);
            },
            iter: 300);

    [Fact]
    public async Task Endpoint_E5_PrefixesAndRestoresOrder()
    {
        var handler = new AnswerInReverse();
        using var client = new HttpClient(handler) { BaseAddress = new Uri("http://engine") };
        var embedder = new EndpointEmbedder(client, EndpointEmbedderOptions.E5("e5", 2) with { BatchSize = 2 });
        var vectors = await embedder.EmbedAsync(["a", "ｂｂ\n b", "ccc"], EmbeddingKind.Query, TestContext.Current.CancellationToken);
        Assert.Equal(["query: a", "query: bb b", "query: ccc"], handler.Seen);
        Assert.Equal(3, vectors.Length);
        Assert.All(vectors, vector => Assert.Equal(1, VectorScan.Dot(vector, vector), 1e-5));
        Assert.NotEqual(vectors[0], vectors[1]);
    }

    [Fact]
    public async Task Endpoint_WrongDimensions_IsAnError()
    {
        using var client = new HttpClient(new AnswerInReverse()) { BaseAddress = new Uri("http://engine") };
        var embedder = new EndpointEmbedder(client, EndpointEmbedderOptions.E5("e5", 5));
        var fault = await Assert.ThrowsAsync<RetrievalException>(async () => await embedder.EmbedAsync(["a"], EmbeddingKind.Passage, TestContext.Current.CancellationToken));
        Assert.Contains("5 are configured", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>An endpoint that answers with vectors (1, length of the text), last one first.</summary>
    private sealed class AnswerInReverse : HttpMessageHandler
    {
        public List<string> Seen { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var body = JsonDocument.Parse(await request.Content!.ReadAsStringAsync(cancellationToken));
            var input = body.RootElement.GetProperty("input").EnumerateArray().Select(text => text.GetString()!).ToArray();
            Seen.AddRange(input);
            var data = input.Select((text, index) => new { index, embedding = new float[] { 1, text.Length } }).Reverse();
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(JsonSerializer.Serialize(new { data }), Encoding.UTF8, "application/json") };
        }
    }
}
