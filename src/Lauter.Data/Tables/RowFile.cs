namespace Lauter.Data.Tables;

/// <summary>A plain file of rows, JSON Lines or Parquet, read as JSON Lines. The suffix decides.</summary>
internal static class RowFile
{
    /// <summary>Batches of lines, in file order.</summary>
    /// <exception cref="InvalidDataException">The file holds something else.</exception>
    public static IEnumerable<LineBatch> Read(string path) => IsParquet(path) ? ParquetRows.Read(path) : JsonLines.Read(path);

    /// <summary>True for <c>.parquet</c>.</summary>
    public static bool IsParquet(string path) => path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Writes lines to a temporary file that takes its name only when it is complete; as Parquet when the name says so.</summary>
internal sealed class RowFileWriter : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _file;
    private bool _complete;

    /// <param name="path">Ends in <c>.jsonl</c> or <c>.parquet</c>.</param>
    public RowFileWriter(string path)
    {
        _path = path;
        _temporary = path + ".tmp";
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        _file = new FileStream(_temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.Read, 1 << 18);
    }

    /// <summary>Lines written.</summary>
    public int Rows { get; private set; }

    public void Write(ReadOnlySpan<byte> line)
    {
        _file.Write(line);
        _file.WriteByte((byte)'\n');
        Rows++;
    }

    /// <summary>Writes lines that have their line feeds already.</summary>
    public void WriteLines(ReadOnlySpan<byte> lines, int rows)
    {
        _file.Write(lines);
        Rows += rows;
    }

    /// <summary>Gives the file its name.</summary>
    public void Complete()
    {
        _file.Flush(flushToDisk: true);
        _file.Dispose();
        if (RowFile.IsParquet(_path))
        {
            ParquetRows.Write(_temporary, _path);
            File.Delete(_temporary);
        }
        else
        {
            File.Move(_temporary, _path, overwrite: true);
        }

        _complete = true;
    }

    public void Dispose()
    {
        _file.Dispose();
        if (!_complete)
        {
            File.Delete(_temporary);
        }
    }
}
