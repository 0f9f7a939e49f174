using Lauter.Inference.Adapters;

namespace Lauter.Inference.Scheduler;

/// <summary>
/// Which adapter the next step works with: a batch has one set of weights. Smooth weighted round robin, the weight being the number of
/// sequences, so that a sequence gets on equally fast whichever adapter it asked for. Scheduler's thread only.
/// </summary>
internal sealed class AdapterTurns
{
    // The base model stands under the empty name.
    private readonly Dictionary<string, int> _credit = new(StringComparer.Ordinal);

    public LoadedAdapter? Next(IReadOnlyList<Sequence> active)
    {
        var first = active[0].Job.Adapter;
        if (active.All(sequence => sequence.Job.Adapter == first))
        {
            _credit.Clear();
            return first;
        }

        var groups = active.GroupBy(sequence => sequence.Job.Adapter).ToArray();
        foreach (var gone in _credit.Keys.Except(groups.Select(Name)).ToArray())
        {
            _credit.Remove(gone);
        }

        foreach (var group in groups)
        {
            _credit[Name(group)] = _credit.GetValueOrDefault(Name(group)) + group.Count();
        }

        var chosen = groups.MaxBy(group => _credit[Name(group)])!;
        _credit[Name(chosen)] -= active.Count;
        return chosen.Key;
    }

    private static string Name(IGrouping<LoadedAdapter?, Sequence> group) => group.Key?.Key ?? "";
}
