using System.Text.Json.Nodes;

namespace Lauter.Data.Rows;

/// <summary>Names of the files of a run: results at the top, what a later run may use again under <c>.lauter</c>.</summary>
internal sealed record RunLayout(string Directory)
{
    private string Inner => Path.Combine(Directory, ".lauter");

    public string Data(int shard) => Path.Combine(Directory, $"data-{shard:D5}");

    public string Rejects(int shard) => Path.Combine(Directory, $"rejects-{shard:D5}");

    public string DuplicateRejects(int shard) => Path.Combine(Directory, $"rejects-duplicates-{shard:D5}");

    public string Scores(int shard) => Path.Combine(Directory, $"scores-{shard:D5}.parquet");

    public string State(int shard) => Path.Combine(Inner, $"shard-{shard:D5}.json");

    /// <summary>Kept rows before copies are dropped.</summary>
    public string Part(int shard) => Path.Combine(Inner, $"part-{shard:D5}");

    public string Keys(int shard) => Path.Combine(Inner, $"keys-{shard:D5}.bin");

    /// <summary>The tally of a shard that an earlier run with the same signature finished, or null.</summary>
    public Tally? Finished(RowShard shard, string signature)
    {
        try
        {
            var path = State(shard.Index);
            return File.Exists(path) && JsonNode.Parse(File.ReadAllBytes(path)) is JsonObject state
                && (string?)state["signature"] == signature && (string?)state["shard"] == shard.Key && (long?)state["first"] == shard.FirstLine && (string?)state["source"] == shard.Files[0].RelativePath
                ? Tally.FromJson(state["tally"]!.AsObject())
                : null;
        }
        catch (System.Text.Json.JsonException)
        {
            // Not written by this program: the shard is done again.
            return null;
        }
    }

    /// <summary>Removes results of an earlier run with more shards, or in another format.</summary>
    public void RemoveStrangers(int shards, RowFormat format, bool scores)
    {
        var extension = format == RowFormat.Parquet ? ".parquet" : ".jsonl";
        foreach (var file in System.IO.Directory.EnumerateFiles(Directory))
        {
            var name = Path.GetFileName(file);
            var isScores = name.StartsWith("scores-", StringComparison.Ordinal);
            if (!(isScores || name.StartsWith("data-", StringComparison.Ordinal) || name.StartsWith("rejects-", StringComparison.Ordinal)))
            {
                continue;
            }

            var stem = Path.GetFileNameWithoutExtension(name);
            if (int.TryParse(stem.AsSpan(stem.LastIndexOf('-') + 1), out var number) && (number >= shards || (isScores ? !scores : Path.GetExtension(name) != extension)))
            {
                File.Delete(file);
            }
        }
    }
}
