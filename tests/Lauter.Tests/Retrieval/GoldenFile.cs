using System.Text.Json;
using Lauter.Tests.Support;

namespace Lauter.Tests.Retrieval;

/// <summary>Reads the reference results kept beside these tests.</summary>
internal static class GoldenFile
{
    public static JsonElement Read(string name)
    {
        var path = Path.Combine(SharedData.RepositoryRoot, "tests", "Lauter.Tests", "Retrieval", "Goldens", name);
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        return document.RootElement.Clone();
    }
}
