using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Scenarios.Support;

namespace Lauter.Scenarios;

/// <summary>The data room alone, on plain files.</summary>
public sealed class DataScenarios : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-data-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Run_KilledInTheMiddle_GoesOnAfterItsFinishedShardsAndEndsTheSame()
    {
        var input = WriteCorpus(megabytes: 24);
        using (var first = LauterProgram.Start("data", "run", "corpus", "--in", input, "--out", At("killed"), "--workers", "1", "--no-cache"))
        {
            // A finished shard is one whose state stands in the output: two are there, others are not.
            var states = Path.Combine(At("killed"), ".lauter");
            await first.WaitForAsync(_ => Directory.Exists(states) && Directory.GetFiles(states, "shard-*.json").Length >= 2, Limit, "two finished shards");
            first.KillHard();
            await first.WaitAsync(Limit);
        }

        var finished = Directory.GetFiles(Path.Combine(At("killed"), ".lauter"), "shard-*.json").Length;
        Assert.False(File.Exists(Path.Combine(At("killed"), "report.json")));
        var again = await Run("killed", input, "2");
        var whole = await Run("whole", input, "1");
        Assert.Equal(finished, (int)again["shards_reused"]!);
        Assert.InRange(finished, 2, (int)again["shards"]! - 1);
        Assert.Equal(0, (int)whole["shards_reused"]!);
        Assert.Equal(Files("whole"), Files("killed"));
        var page = File.ReadAllText(Path.Combine(At("whole"), "report.html"));
        Assert.True((long)whole["rows_out"]! > 1_000, whole.ToJsonString());
        Assert.Contains("drop_exact_duplicates", page, StringComparison.Ordinal);
        Assert.Contains("lang=\"zh-CN\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
    }

    private async Task<JsonObject> Run(string output, string input, string workers)
    {
        var result = await LauterProgram.RunAsync(Limit, "data", "run", "corpus", "--in", input, "--out", At(output), "--workers", workers, "--no-cache", "--format", "json");
        Assert.True(result.ExitCode == 0, result.ToString());
        return JsonNode.Parse(result.Output)!.AsObject();
    }

    /// <summary>Results by name; a killed run may leave temporary files, which are no results, and its page carries the folder's name.</summary>
    private List<string> Files(string output) =>
    [
        .. Directory.GetFiles(At(output)).Where(f => Path.GetExtension(f) is ".jsonl" or ".json").Order(StringComparer.Ordinal)
            .Select(f => $"{Path.GetFileName(f)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))}"),
    ];

    private string WriteCorpus(int megabytes)
    {
        string[] words = [.. Words.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        var random = new Random(17);
        var path = At("corpus.jsonl");
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(false));
        var texts = new List<string>();
        for (long bytes = 0, i = 0; bytes < megabytes * 1_000_000L; i++)
        {
            var text = texts.Count > 0 && random.Next(8) == 0 ? texts[random.Next(texts.Count)] : string.Join('\n', Enumerable.Range(0, 12).Select(_ => string.Join(' ', Enumerable.Range(0, 30).Select(Word)) + "."));
            if (texts.Count < 400)
            {
                texts.Add(text);
            }

            file.WriteLine(new JsonObject { ["id"] = $"r{i}", ["text"] = text }.ToJsonString());
            bytes += text.Length;
        }

        return path;

        string Word(int place) => place % 4 == 0 ? "the" : place % 7 == 1 ? "of" : place % 9 == 2 ? "and" : words[random.Next(words.Length)];
    }

    private const string Words =
        "pump valve hall morning worker shift report filter water steam pressure letter office engineer winter river bridge market village harvest teacher school library history number garden window "
        + "kitchen table answer question weather journey mountain island captain sailor harbour engine machine factory paper pencil colour picture music concert singer theatre evening dinner bread "
        + "butter coffee sugar doctor nurse hospital medicine patient summer autumn spring forest animal horse cattle sheep farmer field barley copper silver iron metal hammer carpenter builder house "
        + "street corner station railway ticket traveller country border language grammar sentence chapter author reader newspaper minister council election citizen lawyer judge court prison officer "
        + "soldier battle peace treaty king queen castle tower church bell priest temple statue painter canvas brush museum visitor guide city town road wheel carriage driver signal warning danger safety";

    private string At(string name) => Path.Combine(_directory, name);
}
