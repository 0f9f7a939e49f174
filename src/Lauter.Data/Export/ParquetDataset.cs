namespace Lauter.Data.Export;

/// <summary>
/// The Parquet files of datasets: <c>data-00000.parquet</c>, <c>rejects-00000.parquet</c> … in one directory. pandas, DuckDB and Hugging
/// Face <c>datasets</c> read them as they are. Readers take directories or single files.
/// </summary>
public static class ParquetDataset
{
    internal const string Data = "data";
    internal const string Rejects = "rejects";

    private static readonly ParquetTable<DocumentRow> Documents = new(
        [
            new("id", typeof(string), r => r.Id), new("path", typeof(string), r => r.Path), new("title", typeof(string), r => r.Title),
            new("format", typeof(string), r => r.Format), new("language", typeof(string), r => r.Language), new("text", typeof(string), r => r.Text),
            new("blocks", typeof(string), r => r.Blocks), new("cluster", typeof(string), r => r.Cluster), new("cluster_size", typeof(int), r => r.ClusterSize),
        ],
        v => new DocumentRow
        {
            Id = (string)v[0], Path = (string)v[1], Title = (string)v[2], Format = (string)v[3], Language = (string)v[4], Text = (string)v[5],
            Blocks = (string)v[6], Cluster = (string)v[7], ClusterSize = (int)v[8],
        });

    private static readonly ParquetTable<ExampleRow> Examples = new(
        [
            new("id", typeof(string), r => r.Id), new("source", typeof(string), r => r.Source), new("line", typeof(int), r => r.Line),
            new("text", typeof(string), r => r.Text), new("input", typeof(string), r => r.Input), new("output", typeof(string), r => r.Output),
            new("language", typeof(string), r => r.Language), new("cluster", typeof(string), r => r.Cluster),
            new("cluster_size", typeof(int), r => r.ClusterSize), new("split", typeof(string), r => r.Split),
        ],
        v => new ExampleRow
        {
            Id = (string)v[0], Source = (string)v[1], Line = (int)v[2], Text = (string)v[3], Input = (string)v[4], Output = (string)v[5],
            Language = (string)v[6], Cluster = (string)v[7], ClusterSize = (int)v[8], Split = (string)v[9],
        });

    private static readonly ParquetTable<RejectRow> RejectTable = new(
        [
            new("id", typeof(string), r => r.Id), new("source", typeof(string), r => r.Source), new("position", typeof(int), r => r.Position),
            new("stage", typeof(string), r => r.Stage), new("reason", typeof(string), r => r.Reason), new("detail", typeof(string), r => r.Detail),
            new("text", typeof(string), r => r.Text),
        ],
        v => new RejectRow
        {
            Id = (string)v[0], Source = (string)v[1], Position = (int)v[2], Stage = (string)v[3], Reason = (string)v[4], Detail = (string)v[5], Text = (string)v[6],
        });

    /// <summary>Rows of kind <c>documents</c>.</summary>
    public static IEnumerable<DocumentRow> ReadDocuments(params IEnumerable<string> directoriesOrFiles) => Documents.Read(Data, directoriesOrFiles);

    /// <summary>Rows of kind <c>examples</c>.</summary>
    public static IEnumerable<ExampleRow> ReadExamples(params IEnumerable<string> directoriesOrFiles) => Examples.Read(Data, directoriesOrFiles);

    /// <summary>Dropped rows and why.</summary>
    public static IEnumerable<RejectRow> ReadRejects(params IEnumerable<string> directoriesOrFiles) => RejectTable.Read(Rejects, directoriesOrFiles);

    /// <summary>Writes rows of kind <c>documents</c>.</summary>
    public static TableManifest WriteDocuments(string directory, IReadOnlyList<DocumentRow> rows) => Documents.Write(directory, Data, rows);

    /// <summary>Writes rows of kind <c>examples</c>.</summary>
    public static TableManifest WriteExamples(string directory, IReadOnlyList<ExampleRow> rows) => Examples.Write(directory, Data, rows);

    /// <summary>Writes dropped rows into one file.</summary>
    internal static void WriteRejectFile(string path, IReadOnlyList<RejectRow> rows) => RejectTable.WriteFile(path, rows);

    /// <summary>Writes dropped rows.</summary>
    public static TableManifest WriteRejects(string directory, IReadOnlyList<RejectRow> rows) => RejectTable.Write(directory, Rejects, rows);
}
