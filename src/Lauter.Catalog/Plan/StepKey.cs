using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;

namespace Lauter.Catalog.Plan;

/// <summary>
/// The parts of a step's key: SHA-256 over its name, code version, canonical arguments, and the content hashes of its inputs and
/// sources. Equal key, equal output.
/// </summary>
public sealed record StepKey
{
    private StepKey(JsonObject parts) => (Parts, Hash) = (parts, CanonicalJson.Hash(parts));

    /// <summary>What was hashed.</summary>
    public JsonObject Parts { get; }

    /// <summary>The key.</summary>
    public string Hash { get; }

    /// <summary>The key of <paramref name="step"/> when its inputs have these versions.</summary>
    public static StepKey Of(Step step, IReadOnlyDictionary<string, string> inputVersions)
    {
        var inputs = new JsonObject();
        foreach (var (role, version) in inputVersions.Concat(step.Existing))
        {
            inputs[role] = version;
        }

        var sources = new JsonObject();
        foreach (var source in step.Sources)
        {
            sources[source.Path] = source.Sha256;
        }

        return new StepKey(new JsonObject
        {
            ["step"] = step.Name,
            ["code"] = step.CodeVersion,
            ["arguments"] = step.Arguments.DeepClone(),
            ["inputs"] = inputs,
            ["sources"] = sources,
        });
    }

    /// <summary>What differs between two sets of parts, in words: <c>arguments.epochs: 12 → 14</c>.</summary>
    public static IReadOnlyList<string> Differences(JsonObject before, JsonObject after)
    {
        var lines = new List<string>();
        Compare("", before, after, lines);
        return lines;
    }

    private static void Compare(string path, JsonNode? before, JsonNode? after, List<string> lines)
    {
        if (JsonNode.DeepEquals(before, after))
        {
            return;
        }

        if (before is JsonObject a && after is JsonObject b)
        {
            foreach (var name in a.Select(p => p.Key).Union(b.Select(p => p.Key)).Order(StringComparer.Ordinal))
            {
                Compare(path.Length == 0 ? name : $"{path}.{name}", a[name], b[name], lines);
            }

            return;
        }

        lines.Add($"{path}: {Show(before)} → {Show(after)}");
    }

    private static string Show(JsonNode? value)
    {
        var text = value?.ToJsonString() ?? "(absent)";
        return ObjectStore.IsName(text.Trim('"')) ? text.Trim('"')[..12] : text.Length > 120 ? text[..117] + "…" : text;
    }
}
