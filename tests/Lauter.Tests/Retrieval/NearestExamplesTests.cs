using CsCheck;
using Lauter.Data.Export;
using Lauter.Retrieval;
using Lauter.Retrieval.Nearest;

namespace Lauter.Tests.Retrieval;

public sealed class NearestExamplesTests
{
    private static readonly ExampleRow[] Rows =
    [
        Samples.Example(0, "the kettle leaks water from the lid", "leak"),
        Samples.Example(1, "where is my invoice for march", "invoice"),
        Samples.Example(2, "水壶漏水怎么办", "leak", "zh"),
        Samples.Example(3, "请开三月的发票", "invoice", "zh"),
    ];

    [Theory]
    [InlineData("ketle leaking watr at the lid", "e0")]
    [InlineData("invioce for March please", "e1")]
    [InlineData("我的水壺漏水了", "e2")]
    [InlineData("需要三月发票", "e3")]
    public void Predict_TyposAndVariants_FindsTheExample(string text, string id)
    {
        var prediction = NearestExamples.Build(Rows).Predict(text);
        Assert.Equal(id, prediction.Neighbour.Id);
        Assert.InRange(prediction.Score, 0.05, 0.999);
    }

    [Fact]
    public void Predict_SameText_ScoreOneAndEarliestRow()
    {
        var index = NearestExamples.Build([.. Rows, Samples.Example(4, Rows[0].Text, "other")]);
        var prediction = index.Predict(Rows[0].Text);
        Assert.Equal("e0", prediction.Neighbour.Id);
        Assert.Equal(1, prediction.Score, 1e-5);
    }

    [Fact]
    public void Predict_VotesAgainstAWrongLabel_MajorityWins()
    {
        var index = NearestExamples.Build([
            Samples.Example(0, "the kettle leaks water at the lid", "invoice"), Samples.Example(1, "kettle leaks water at the base", "leak"),
            Samples.Example(2, "kettle leaks water near the lid", "leak"), Samples.Example(3, "send the invoice", "invoice")]);
        Assert.Equal("e0", index.Predict("the kettle leaks water at the lid").Neighbour.Id);
        Assert.Equal("e2", index.Predict("the kettle leaks water at the lid", 3).Neighbour.Id);
    }

    [Fact]
    public void Predict_NothingShared_FirstRowScoreZero() =>
        Assert.Equal(("e0", 0), (NearestExamples.Build(Rows).Predict("§§§").Neighbour.Id, NearestExamples.Build(Rows).Predict("§§§").Score));

    [Fact]
    public void Predict_NoExamples_SaysSo() =>
        Assert.Contains("training part", Assert.Throws<InvalidOperationException>(() => NearestExamples.Build([]).Predict("x")).Message, StringComparison.Ordinal);

    /// <summary>The inverted index against a plain comparison of every pair.</summary>
    [Fact]
    public void Find_AnyRows_EqualToBruteForce() =>
        Gen.String[Gen.Char["abcd 清洗"], 1, 12].List[1, 12].Sample(
            texts =>
            {
                var index = NearestExamples.Build(texts.Select((text, i) => Samples.Example(i, text, "x")));
                var all = index.Find(texts[0], texts.Count);
                Assert.Equal(texts.Count, all.Count);
                foreach (var hit in all)
                {
                    // Similarity is symmetric when both texts are known to the index, and never above 1.
                    var back = index.Find(hit.Neighbour.Text, texts.Count).First(other => other.Neighbour.Id == "e0");
                    Assert.Equal(hit.Score, back.Score, 1e-5);
                    Assert.InRange(hit.Score, 0, 1);
                }
            },
            iter: 200);

    [Fact]
    public void SaveLoad_SameAnswersAndBytes()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-nearest-");
        try
        {
            string first = Path.Combine(directory.FullName, "1"), second = Path.Combine(directory.FullName, "2");
            var index = NearestExamples.Build(Rows);
            index.Save(first);
            var loaded = NearestExamples.Load(first);
            loaded.Save(second);
            Assert.Equal(index.Predict("ketle leaking"), loaded.Predict("ketle leaking"));
            Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));

            var bytes = File.ReadAllBytes(first);
            for (var cut = 0; cut < bytes.Length; cut += 13)
            {
                File.WriteAllBytes(first, bytes[..cut]);
                Assert.Contains(first, Assert.Throws<RetrievalException>(() => NearestExamples.Load(first)).Message, StringComparison.Ordinal);
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Vectors_SaveLoad_SameAnswer()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-nearest-");
        try
        {
            var path = Path.Combine(directory.FullName, "v");
            var index = await NearestVectors.BuildAsync(Rows, new HashEmbedder(), null, TestContext.Current.CancellationToken);
            index.Save(path);
            var loaded = NearestVectors.Load(path, new HashEmbedder());
            var prediction = await loaded.PredictAsync("kettle leaks water", TestContext.Current.CancellationToken);
            Assert.Equal("e0", prediction.Neighbour.Id);
            Assert.Equal(await index.PredictAsync("kettle leaks water", TestContext.Current.CancellationToken), prediction);
            Assert.Throws<RetrievalException>(() => NearestVectors.Load(path, new HashEmbedder(32)));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
