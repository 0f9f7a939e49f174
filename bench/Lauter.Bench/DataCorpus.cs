using System.Text.Json;

namespace Lauter.Bench;

/// <summary>One document of the corpus with planted defects, and what was planted.</summary>
internal sealed record TruthDocument(string Id, string Text, string Language, string Kind, JsonElement Truth);

/// <summary>Reads the corpus that the measurements of the data room use.</summary>
internal static class DataCorpus
{
    public static List<TruthDocument> Read(string path, double megabytesOfEach = double.MaxValue)
    {
        var documents = new List<TruthDocument>();
        var bytes = new Dictionary<string, double>();
        foreach (var line in File.ReadLines(path))
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            var (text, language) = (root.GetProperty("text").GetString()!, root.GetProperty("lang").GetString()!);
            if (bytes.GetValueOrDefault(language) < megabytesOfEach * 1e6)
            {
                bytes[language] = bytes.GetValueOrDefault(language) + System.Text.Encoding.UTF8.GetByteCount(text);
                documents.Add(new TruthDocument(root.GetProperty("id").GetString()!, text, language, root.GetProperty("truth").GetProperty("kind").GetString()!, root.GetProperty("truth").Clone()));
            }
        }

        return documents;
    }

    public static double Megabytes(IEnumerable<TruthDocument> documents) => documents.Sum(d => (double)System.Text.Encoding.UTF8.GetByteCount(d.Text)) / 1e6;
}
