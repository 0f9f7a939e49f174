using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Dedup;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Operators.Measures;

namespace Lauter.Data.Documents;

/// <summary>Scores of one document as a row: what thresholds are compared with.</summary>
internal sealed record ScoreRow(string Id, string TextHash, Scores Scores);

/// <summary>One stored pair of near-copies.</summary>
internal sealed record PairRow(int First, int Second, double Similarity);

/// <summary>
/// Edited texts, their scores and their near-copies: everything that costs reading. Stored under the hash of source data and recipe edits, so
/// another threshold is answered from here.
/// </summary>
internal sealed record MeasuredCorpus(EditedCorpus Edited, IReadOnlyList<Scores> Scores, IReadOnlyList<SimilarPair> Pairs)
{
    private const string ReportName = "edits.json";

    private static readonly ParquetTable<ScoreRow> ScoreTable = new(
        [
            new("id", typeof(string), r => r.Id), new("text_sha256", typeof(string), r => r.TextHash), new("language", typeof(string), r => r.Scores.Language),
            .. MeasurePlan.All.Columns.Select((c, i) => new ParquetColumn<ScoreRow>(c, typeof(double), r => r.Scores.Values[i])),
        ],
        v => new ScoreRow((string)v[0], (string)v[1], new Scores((string)v[2], [.. v.Skip(3).Cast<double>()])));

    private static readonly ParquetTable<PairRow> PairTable = new(
        [new("first", typeof(int), r => r.First), new("second", typeof(int), r => r.Second), new("similarity", typeof(double), r => r.Similarity)],
        v => new PairRow((int)v[0], (int)v[1], (double)v[2]));

    /// <summary>Name of the folder for these sources and edits.</summary>
    public static string KeyOf(DatasetManifest raw, Recipe recipe) => CanonicalJson.Hash(new JsonObject
    {
        ["shards"] = new JsonArray([.. raw.Tables.Where(t => t.Name == ParquetDataset.Data).SelectMany(t => t.Shards).Select(s => (JsonNode)s.Sha256)]),
        ["recipe"] = recipe.MeasureJson(),
    });

    public static MeasuredCorpus Measure(IReadOnlyList<DocumentRow> rows, Recipe recipe, IProgress<DataProgress>? progress, CancellationToken cancellation)
    {
        var edited = DocumentEdits.Run(rows, recipe, progress, cancellation);
        var scores = new Scores[rows.Count];
        Parallel.For(
            0, rows.Count, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, () => new Scorer(),
            (i, _, scorer) =>
            {
                scores[i] = scorer.Of(edited.Rows[i].Text);
                return scorer;
            },
            _ => { });
        var options = DuplicateSearch.Options(recipe) with { Threshold = NearDuplicates.LowestThreshold };
        var pairs = DuplicateSearch.Pairs([.. edited.Rows.Select(r => r.Text)], options, cancellation);
        progress?.Report(new DataProgress("duplicates", rows.Count, rows.Count));
        return new MeasuredCorpus(edited, scores, pairs);
    }

    /// <summary>Writes the score columns next to a cleaned dataset.</summary>
    public TableManifest WriteScores(string directory) => ScoreTable.Write(directory, "scores", [.. Edited.Rows.Select((r, i) => new ScoreRow(r.Id, TextHash(r.Text), Scores[i]))]);

    public void Save(string directory, string key)
    {
        var tables = new List<TableManifest>
        {
            ParquetDataset.WriteDocuments(directory, Edited.Rows), WriteScores(directory), PairTable.Write(directory, "pairs", [.. Pairs.Select(p => new PairRow(p.First, p.Second, p.Similarity))]),
        };
        AtomicFile.WriteAllBytes(Path.Combine(directory, ReportName), CanonicalJson.Serialize(new JsonObject
        {
            ["repaired"] = Edited.Repaired, ["navigation"] = Edited.NavigationBlocks, ["boilerplate"] = Edited.BoilerplateLines,
            ["redactions"] = new JsonObject(Edited.Redactions.Select(r => KeyValuePair.Create(r.Key.ToString(), (JsonNode?)r.Value))),
        }));

        // Last: a folder without this file was not finished and is written again.
        new DatasetManifest(1, "measured_documents", tables, key).Save(directory);
    }

    /// <summary>What <see cref="Save"/> wrote under this key, or null.</summary>
    public static MeasuredCorpus? Load(string directory, string key)
    {
        if (DatasetManifest.Load(directory)?.MeasureKey != key)
        {
            return null;
        }

        var counts = JsonNode.Parse(File.ReadAllBytes(Path.Combine(directory, ReportName)))!;
        var redactions = counts["redactions"]!.AsObject().ToDictionary(r => Enum.Parse<Redaction.PersonalDataKind>(r.Key), r => r.Value!.GetValue<int>());
        var edited = new EditedCorpus([.. ParquetDataset.ReadDocuments(directory)], redactions, counts["repaired"]!.GetValue<int>(), counts["navigation"]!.GetValue<int>(), counts["boilerplate"]!.GetValue<int>());
        return new MeasuredCorpus(edited, [.. ScoreTable.Read("scores", directory).Select(s => s.Scores)], [.. PairTable.Read("pairs", directory).Select(p => new SimilarPair(p.First, p.Second, p.Similarity))]);
    }

    private static string TextHash(string text) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
}
