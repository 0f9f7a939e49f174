using System.Text;
using Lauter.Catalog.Objects;
using Lauter.Data.Tables;

namespace Lauter.Data.Export.Interchange;

/// <summary>
/// Takes converted batches in order and makes the files: lines go to a temporary file beside the result, which becomes the result, or the tables are written
/// from it once all columns are known. Files take their names only when they are whole.
/// </summary>
internal sealed class ExchangeOutput(string format, string output, int workers) : IDisposable
{
    /// <summary>Parts of a Hugging Face data set: each is an open file while the rows come.</summary>
    private const int MostParts = 64;

    private static readonly string[] Known = ["train", "validation", "test"];

    private readonly Dictionary<string, FileStream> _spools = new(StringComparer.Ordinal);
    private readonly List<string> _columns = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    /// <summary>Rows written.</summary>
    public int Rows { get; private set; }

    /// <exception cref="InvalidDataException">The rows name more parts than a data set should have.</exception>
    public void Write(ConvertedBatch batch)
    {
        foreach (var (part, (lines, rows)) in batch.Parts)
        {
            Spool(part).Write(lines.WrittenSpan);
            Rows += rows;
        }

        _columns.AddRange(batch.Columns.Where(_seen.Add));
    }

    /// <summary>Writes the files and names them.</summary>
    public List<string> Complete(CancellationToken cancellation)
    {
        if (_spools.Count == 0)
        {
            Spool(format == "huggingface" ? Known[0] : "");
        }

        foreach (var spool in _spools.Values)
        {
            spool.Flush(flushToDisk: true);
            spool.Close();
        }

        if (format == "huggingface")
        {
            return HuggingFace();
        }

        var lines = _spools[""].Name;
        switch (format)
        {
            case "csv":
                CsvFile.Write(lines, _columns, output, workers, cancellation);
                break;
            case "parquet":
                ParquetRows.Write(lines, output);
                break;
            default:
                File.Move(lines, output, overwrite: true);
                break;
        }

        return [output];
    }

    public void Dispose()
    {
        foreach (var spool in _spools.Values)
        {
            spool.Dispose();
            File.Delete(spool.Name);
        }
    }

    /// <summary><c>README.md</c> with the configuration that <c>datasets.load_dataset</c> reads, and a Parquet file for each part, all with the same columns.</summary>
    private List<string> HuggingFace()
    {
        var files = new List<string>();
        var card = new StringBuilder("---\nconfigs:\n- config_name: default\n  data_files:\n");
        var parts = _spools.Keys.OrderBy(p => Array.IndexOf(Known, p) is >= 0 and var i ? i : Known.Length).ThenBy(p => p, StringComparer.Ordinal).ToList();
        var columns = ParquetRows.ColumnsOf(parts.Select(p => _spools[p].Name));
        foreach (var part in parts)
        {
            var file = Path.Combine(output, "data", $"{part}-00000-of-00001.parquet");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            ParquetRows.Write(_spools[part].Name, file, columns);
            files.Add(file);
            card.Append($"  - split: {part}\n    path: data/{part}-*.parquet\n");
        }

        var readme = Path.Combine(output, "README.md");
        AtomicFile.WriteAllBytes(readme, Encoding.UTF8.GetBytes(card.Append("---\n").ToString()));
        files.Add(readme);
        return files;
    }

    private FileStream Spool(string part)
    {
        if (!_spools.TryGetValue(part, out var spool))
        {
            if (_spools.Count == MostParts)
            {
                throw new InvalidDataException($"The rows name more than {MostParts} parts in 'split', among them '{part}': a data set has a few, such as train, validation and test.");
            }

            var path = format == "huggingface" ? Path.Combine(output, $".{part}.rows.tmp") : output + ".rows.tmp";
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            _spools[part] = spool = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 17);
        }

        return spool;
    }
}
