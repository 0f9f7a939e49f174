using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>Writes the requests of the comparisons: distinct prompts, or questions behind a long text that all of one tenant's share.</summary>
internal static class EngineLoads
{
    private static readonly string[] Words =
    [
        "the", "printer", "router", "office", "team", "morning", "update", "invoice", "account", "network", "cable", "screen", "password", "engineer", "reply", "cannot", "should",
        "often", "again", "before", "after", "because", "while", "opens", "closes", "waits", "sends", "stores", "checks", "asks", "and", "but", "every", "new", "old", "small",
    ];

    /// <param name="path">The file to write.</param>
    /// <param name="requests">Lines.</param>
    /// <param name="tenants">Tenants with a text of their own; 0 for none.</param>
    /// <param name="shared">Words of each tenant's text.</param>
    /// <param name="own">Words of each question.</param>
    /// <param name="most">Tokens of each answer.</param>
    public static int Write(string path, int requests, int tenants, int shared, int own, int most)
    {
        var random = new Random(20);
        var texts = Enumerable.Range(0, Math.Max(1, tenants)).Select(_ => Text(random, tenants == 0 ? 0 : shared)).ToArray();
        using var file = new StreamWriter(path);
        for (var number = 0; number < requests; number++)
        {
            var tenant = random.Next(texts.Length);
            var line = new JsonObject { ["prompt"] = $"{texts[tenant]}{Text(random, own)}Then", ["max_tokens"] = most, ["temperature"] = 0 };
            if (tenants > 0)
            {
                line["tenant"] = $"tenant-{tenant}";
            }

            file.WriteLine(line.ToJsonString());
        }

        return 0;
    }

    private static string Text(Random random, int words) => string.Concat(Enumerable.Range(0, words).Select(at => $"{Words[random.Next(Words.Length)]}{(at % 12 == 11 ? ". " : " ")}"));
}
