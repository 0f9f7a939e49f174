using System.Security.Cryptography;
using System.Text;
using Lauter.Data.Export;

namespace Lauter.Data.Splits;

/// <summary>How rows are shared out. All shares are of all kept rows.</summary>
/// <param name="Test">Share of the test part, 0 to 0.9.</param>
/// <param name="Validation">Share of the validation part, 0 to 0.9.</param>
/// <param name="TestWhere">Name of a boolean field; only clusters whose source rows all have it true may be tested on. Null: every cluster may.</param>
/// <param name="Salt">Changes the draw, never the rules; the same salt draws the same clusters.</param>
public sealed record SplitOptions(double Test = 0.2, double Validation = 0.1, string? TestWhere = null, string Salt = "");

/// <summary>A cluster as the split sees it.</summary>
/// <param name="Id">Stable identifier: the draw is a hash of it.</param>
/// <param name="Rows">Kept rows.</param>
/// <param name="MayBeTested">False when a source row of it is not fit for testing.</param>
public readonly record struct SplitCluster(string Id, int Rows, bool MayBeTested);

/// <summary>Assigns whole clusters to parts by a hash of their id: no cluster spans two parts, and adding rows moves few old ones. Pure.</summary>
public static class ClusterSplit
{
    /// <summary>
    /// The part of each cluster id. When only some clusters may be tested, their chance is raised so that the test part still holds about
    /// <see cref="SplitOptions.Test"/> of all rows, or all of them when they are fewer than that.
    /// </summary>
    /// <param name="clusters">Every cluster once.</param>
    /// <param name="options">Shares.</param>
    /// <param name="earlier">Parts that clusters had in an earlier version of the dataset: they keep them, so a frozen test part never leaks into training.</param>
    public static Dictionary<string, string> Assign(IReadOnlyCollection<SplitCluster> clusters, SplitOptions options, IReadOnlyDictionary<string, string>? earlier = null)
    {
        var parts = new Dictionary<string, string>(clusters.Count, StringComparer.Ordinal);
        var open = new List<SplitCluster>();
        long total = 0, tested = 0, validated = 0;
        foreach (var cluster in clusters)
        {
            total += cluster.Rows;
            if (earlier is not null && earlier.TryGetValue(cluster.Id, out var part))
            {
                parts[cluster.Id] = part;
                tested += part == SplitNames.Test ? cluster.Rows : 0;
                validated += part == SplitNames.Validation ? cluster.Rows : 0;
            }
            else
            {
                open.Add(cluster);
            }
        }

        var testable = open.Where(c => c.MayBeTested).Sum(c => (long)c.Rows);
        var testChance = Chance((options.Test * total) - tested, testable);
        foreach (var cluster in open)
        {
            if (cluster.MayBeTested && Draw(cluster.Id, options.Salt, SplitNames.Test) < testChance)
            {
                parts[cluster.Id] = SplitNames.Test;
            }
        }

        var rest = open.Where(c => !parts.ContainsKey(c.Id)).ToList();
        var validationChance = Chance((options.Validation * total) - validated, rest.Sum(c => (long)c.Rows));
        foreach (var cluster in rest)
        {
            parts[cluster.Id] = Draw(cluster.Id, options.Salt, SplitNames.Validation) < validationChance ? SplitNames.Validation : SplitNames.Train;
        }

        return parts;
    }

    private static double Chance(double wanted, long available) => available == 0 ? 0 : Math.Clamp(wanted / available, 0, 1);

    /// <summary>A number in [0, 1) from SHA-256: the same on every machine and in every run.</summary>
    internal static double Draw(string cluster, string salt, string part)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{part}\n{salt}\n{cluster}"));
        return (BitConverter.ToUInt64(hash) >> 11) * (1.0 / (1UL << 53));
    }
}
