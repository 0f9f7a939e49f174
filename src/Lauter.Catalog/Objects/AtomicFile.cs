using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Lauter.Catalog.Objects;

/// <summary>Replaces a file as a whole: temporary file, flush to disk, rename. A reader sees the old bytes or the new, never a mix.</summary>
public static class AtomicFile
{
    /// <summary>Writes <paramref name="content"/> to <paramref name="path"/>.</summary>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var temporary = $"{path}.{Guid.CreateVersion7():N}.tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Writes <paramref name="value"/> as JSON.</summary>
    public static void WriteJson<T>(string path, T value, JsonTypeInfo<T> type) => WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(value, type));
}
