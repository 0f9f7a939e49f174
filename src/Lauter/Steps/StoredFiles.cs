using Lauter.Catalog.Objects;

namespace Lauter.Steps;

/// <summary>Shows the objects of a manifest under their own names, for code that reads a directory.</summary>
internal static class StoredFiles
{
    /// <summary>Fills <paramref name="directory"/> with links to the objects of <paramref name="manifest"/> and returns it.</summary>
    public static string Show(ObjectStore objects, Manifest manifest, string directory)
    {
        Directory.CreateDirectory(directory);
        foreach (var file in manifest.Objects)
        {
            var link = Path.Combine(directory, file.Name);
            if (!objects.Contains(file.Sha256))
            {
                throw new ObjectMissingException(file.Sha256);
            }

            if (OperatingSystem.IsWindows())
            {
                // Links need a privilege there.
                File.Copy(objects.PathOf(file.Sha256), link, overwrite: true);
            }
            else if (!File.Exists(link))
            {
                File.Delete(link);
                File.CreateSymbolicLink(link, objects.PathOf(file.Sha256));
            }
        }

        return directory;
    }

    /// <summary>The path of one object of <paramref name="manifest"/>.</summary>
    public static string PathOf(ObjectStore objects, Manifest manifest, string name) => objects.PathOf(manifest.Object(name).Sha256);
}
