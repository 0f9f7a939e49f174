namespace Lauter.Catalog.Projects;

/// <summary>Finds what a person probably meant.</summary>
public static class NearestName
{
    /// <summary>
    /// The known name with the smallest edit distance (optimal string alignment, case ignored) to <paramref name="written"/>, or null when
    /// none is closer than half the length of the longer name.
    /// </summary>
    public static string? Of(string written, IEnumerable<string> known)
    {
        string? best = null;
        var bestDistance = int.MaxValue;
        foreach (var name in known)
        {
            var distance = Distance(written.ToLowerInvariant(), name.ToLowerInvariant());
            if (distance < bestDistance && distance * 2 <= Math.Max(written.Length, name.Length))
            {
                (best, bestDistance) = (name, distance);
            }
        }

        return best;
    }

    /// <summary><c> Did you mean 'x'?</c>, or the list of what would be valid.</summary>
    public static string Suggest(string written, IReadOnlyCollection<string> known) =>
        Of(written, known) is { } nearest ? $" Did you mean '{nearest}'?"
        : known.Count == 0 ? " Nothing is defined there."
        : $" Valid: {string.Join(", ", known.Order(StringComparer.Ordinal).Take(12))}.";

    private static int Distance(string a, string b)
    {
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            table[i, 0] = i;
        }

        for (var j = 0; j <= b.Length; j++)
        {
            table[0, j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                table[i, j] = Math.Min(Math.Min(table[i - 1, j] + 1, table[i, j - 1] + 1), table[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
                }
            }
        }

        return table[a.Length, b.Length];
    }
}
