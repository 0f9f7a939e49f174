using System.Text;

namespace Helpdesk.Generator.Tickets;

/// <summary>Refuses a text that shares most of its five-character shingles with one already taken, so that only planted copies repeat.</summary>
internal sealed class DistinctTexts
{
    private const double Limit = 0.6;
    private readonly List<int> _sizes = [];
    private readonly Dictionary<string, List<int>> _holders = new(StringComparer.Ordinal);

    public bool Add(string text)
    {
        var shingles = Shingles(text);
        var shared = new Dictionary<int, int>();
        foreach (var shingle in shingles)
        {
            foreach (var holder in _holders.GetValueOrDefault(shingle) ?? [])
            {
                shared[holder] = shared.GetValueOrDefault(holder) + 1;
            }
        }

        if (shared.Any(s => s.Value > Limit * (shingles.Count + _sizes[s.Key] - s.Value)))
        {
            return false;
        }

        foreach (var shingle in shingles)
        {
            if (!_holders.TryGetValue(shingle, out var holders))
            {
                _holders[shingle] = holders = [];
            }

            holders.Add(_sizes.Count);
        }

        _sizes.Add(shingles.Count);
        return true;
    }

    private static HashSet<string> Shingles(string text)
    {
        var folded = new StringBuilder(text.Length);
        foreach (var c in text.ToLowerInvariant().Normalize(NormalizationForm.FormKC).Where(c => !char.IsWhiteSpace(c)))
        {
            folded.Append(c);
        }

        var all = folded.ToString();
        return all.Length < 5 ? [all] : [.. Enumerable.Range(0, all.Length - 4).Select(i => all.Substring(i, 5))];
    }
}
