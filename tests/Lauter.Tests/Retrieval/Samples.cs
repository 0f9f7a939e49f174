using Lauter.Data.Export;
using Lauter.Data.Text;
using Lauter.Retrieval.Embedding;

namespace Lauter.Tests.Retrieval;

/// <summary>Rows and an embedder for tests.</summary>
internal static class Samples
{
    public static DocumentRow Document(string text, string id = "d0", string language = "en") => new()
    {
        Id = id,
        Path = id + ".md",
        Title = id,
        Format = "md",
        Language = language,
        Text = text,
        Blocks = "[]",
        Cluster = id,
        ClusterSize = 1,
    };

    public static ExampleRow Example(int number, string text, string intent, string language = "en") => new()
    {
        Id = "e" + number,
        Source = "t.jsonl",
        Line = number + 1,
        Text = text,
        Input = "{}",
        Output = $$"""{"intent":"{{intent}}"}""",
        Language = language,
        Cluster = "c" + number,
        ClusterSize = 1,
        Split = SplitNames.Train,
    };
}

/// <summary>Hashed bag of terms: a real, tiny embedder without a model.</summary>
internal sealed class HashEmbedder(int dimensions = 64, string name = "hash") : ITextEmbedder
{
    public string Name => name;

    public int Dimensions => dimensions;

    public ValueTask<float[][]> EmbedAsync(IReadOnlyList<string> texts, EmbeddingKind kind, CancellationToken cancellationToken)
    {
        var vectors = texts.Select(text =>
        {
            var vector = new float[dimensions];
            foreach (var term in Segmenter.Terms(text))
            {
                vector[term.Aggregate(17, (hash, c) => ((hash * 31) + c) & 0xFFFFFF) % dimensions]++;
            }

            var length = MathF.Sqrt(vector.Sum(x => x * x));
            return length == 0 ? vector : [.. vector.Select(x => x / length)];
        });
        return ValueTask.FromResult(vectors.ToArray());
    }
}
