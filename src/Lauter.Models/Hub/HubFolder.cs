using System.Text.Json;

namespace Lauter.Models.Hub;

/// <summary>Where a pulled model lies, and the record of where it came from.</summary>
internal static class HubFolder
{
    public const string RecordName = "lauter-source.json";
    public const string LockName = ".lauter-pull.lock";
    public const string PartSuffix = ".part";
    public const string TagSuffix = ".tag" + PartSuffix;

    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>The default place of models, by host and name, below the user's cache.</summary>
    public static string Default(Uri endpoint, HubReference model)
    {
        var cache = Environment.GetEnvironmentVariable("LAUTER_CACHE")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "lauter");
        return Path.Combine(cache, "models", endpoint.Host, Path.Combine(model.Repository.Split('/')), (model.Revision ?? "default").Replace('/', '-'));
    }

    public static PulledModel? Record(string folder)
    {
        var path = Path.Combine(folder, RecordName);
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<PulledModel>(File.ReadAllBytes(path), Indented) : null;
        }
        catch (JsonException)
        {
            // A damaged record is no record: the files are checked against the hub again.
            return null;
        }
    }

    public static void Write(string folder, PulledModel model)
    {
        var temporary = Path.Combine(folder, $".{RecordName}.{Guid.CreateVersion7():N}.tmp");
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(model, Indented));
        File.Move(temporary, Path.Combine(folder, RecordName), overwrite: true);
    }

    /// <summary>Keeps a second process out until disposed.</summary>
    public static FileStream Lock(string folder)
    {
        Directory.CreateDirectory(folder);
        try
        {
            return new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException exception) when (File.Exists(Path.Combine(folder, LockName)))
        {
            throw new HubException(HubFault.Busy, $"{folder}: another process is fetching into this folder.", exception);
        }
    }
}
