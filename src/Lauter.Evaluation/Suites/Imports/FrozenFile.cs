using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;

namespace Lauter.Evaluation.Suites.Imports;

/// <summary>
/// A suite as a plain file that is frozen: canonical lines in the order of their ids, and beside it <c>FILE.lock</c> with the SHA-256 of its bytes and where
/// it came from. The hash is its name: who compares two runs compares hashes. A file without a lock is nobody's promise and is read as it is.
/// </summary>
public static class FrozenFile
{
    /// <summary>Writes suite and lock; gives the hash.</summary>
    /// <param name="path">The suite's file.</param>
    /// <param name="rows">The items.</param>
    /// <param name="source">Where they came from, for people and the evidence: form, file name and its hash, sampling seed.</param>
    /// <exception cref="InvalidDataException">Two items share an id, or there are none.</exception>
    public static string Write(string path, IEnumerable<SuiteRow> rows, JsonObject source)
    {
        var sorted = rows.OrderBy(r => r.Id, StringComparer.Ordinal).ToArray();
        for (var i = 1; i < sorted.Length; i++)
        {
            if (sorted[i].Id == sorted[i - 1].Id)
            {
                throw new InvalidDataException($"Two items have the id '{sorted[i].Id}'; ids must be unique.");
            }
        }

        var bytes = Encoding.UTF8.GetBytes(string.Concat(sorted.Select(r => r.ToLine() + "\n")));
        var hash = sorted.Length == 0 ? throw new InvalidDataException("There are no items to freeze.") : Convert.ToHexStringLower(SHA256.HashData(bytes));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.WriteAllBytes(path, bytes);
        AtomicFile.WriteAllBytes(LockOf(path), CanonicalJson.Serialize(new JsonObject { ["sha256"] = hash, ["items"] = sorted.Length, ["source"] = source.DeepClone() }));
        return hash;
    }

    /// <summary>The hash of a frozen suite whose bytes still are what was frozen; null when the file has no lock.</summary>
    /// <exception cref="InvalidDataException">The suite was edited after it was frozen, or its lock is not one.</exception>
    public static string? Verify(string path)
    {
        if (!File.Exists(LockOf(path)))
        {
            return null;
        }

        string? stated;
        try
        {
            stated = JsonNode.Parse(File.ReadAllBytes(LockOf(path)))?["sha256"]?.GetValue<string>();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{LockOf(path)} is no lock of a suite: {e.Message}", e);
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
        return hash == stated ? hash : throw new InvalidDataException(
            $"The suite {path} was edited after it was frozen: its lock states {stated?[..Math.Min(12, stated.Length)]}, its bytes are {hash[..12]}. Restore the file, or freeze it again under another name: results on the two do not compare.");
    }

    private static string LockOf(string path) => path + ".lock";
}
