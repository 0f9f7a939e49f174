using System.Text;
using Lauter.Catalog.Objects;

namespace Lauter.Data.Rows;

/// <summary>Id, language and source position of the rows that a shard's rules kept, in order: what the search for copies adds to their texts.</summary>
internal sealed class KeptRows
{
    private readonly List<(string Id, string Language, int Position)> _rows = [];

    public IReadOnlyList<(string Id, string Language, int Position)> Rows => _rows;

    public void Add(string id, string language, int position) => _rows.Add((id, language, position));

    public void Save(string path)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(_rows.Count);
            foreach (var (id, language, position) in _rows)
            {
                writer.Write(id);
                writer.Write(language);
                writer.Write(position);
            }
        }

        AtomicFile.WriteAllBytes(path, stream.ToArray());
    }

    /// <summary>Rows in a file, without reading them.</summary>
    public static int CountOf(string path)
    {
        using var reader = new BinaryReader(File.OpenRead(path));
        return reader.ReadInt32();
    }

    public static KeptRows Load(string path)
    {
        var rows = new KeptRows();
        using var reader = new BinaryReader(File.OpenRead(path), Encoding.UTF8);
        var count = reader.ReadInt32();
        for (var i = 0; i < count; i++)
        {
            rows.Add(reader.ReadString(), reader.ReadString(), reader.ReadInt32());
        }

        return rows;
    }
}
