using Lauter.Catalog.Objects;

namespace Lauter.Catalog.Plan;

/// <summary>What would happen to a step.</summary>
public enum StepState
{
    /// <summary>Its output for this key is in the store.</summary>
    UpToDate,

    /// <summary>It would run.</summary>
    WouldRun,

    /// <summary>A step before it would run; whether this one must depends on what comes out.</summary>
    Depends,
}

/// <summary>One line of a plan.</summary>
/// <param name="Step">The step.</param>
/// <param name="State">What would happen.</param>
/// <param name="Reasons">Why, in words: the parts of the key that changed since the last time.</param>
/// <param name="Record">The finished run when it is up to date.</param>
public sealed record PlannedStep(Step Step, StepState State, IReadOnlyList<string> Reasons, StepRecord? Record);

/// <summary>Compares the steps of a project with what was done before.</summary>
public static class Planner
{
    /// <summary>The plan, in an order in which every step stands after its inputs.</summary>
    /// <exception cref="ArgumentException">An input does not exist, or steps form a circle.</exception>
    public static IReadOnlyList<PlannedStep> Plan(IReadOnlyList<Step> steps, StepRecords records, ObjectStore objects)
    {
        var planned = new Dictionary<string, PlannedStep>(StringComparer.Ordinal);
        foreach (var step in InOrder(steps))
        {
            var waiting = step.Inputs.Values.Where(i => planned[i].State != StepState.UpToDate).Distinct(StringComparer.Ordinal).ToList();
            if (waiting.Count > 0)
            {
                planned[step.Name] = new PlannedStep(step, StepState.Depends, [.. waiting.Select(w => $"{w} runs first")], null);
                continue;
            }

            var key = StepKey.Of(step, step.Inputs.ToDictionary(i => i.Key, i => planned[i.Value].Record!.Manifest, StringComparer.Ordinal));
            var record = records.Find(key.Hash);
            planned[step.Name] = record is not null && IsComplete(objects, record.Manifest)
                ? new PlannedStep(step, StepState.UpToDate, [], record)
                : new PlannedStep(step, StepState.WouldRun, Reasons(step, key, record, records), null);
        }

        return [.. InOrder(steps).Select(s => planned[s.Name])];
    }

    /// <summary>The steps sorted so that inputs come first; otherwise in the given order.</summary>
    public static IReadOnlyList<Step> InOrder(IReadOnlyList<Step> steps)
    {
        var byName = steps.ToDictionary(s => s.Name, StringComparer.Ordinal);
        var ordered = new List<Step>(steps.Count);
        var visiting = new HashSet<string>(StringComparer.Ordinal);
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var step in steps)
        {
            Visit(step);
        }

        return ordered;

        void Visit(Step step)
        {
            if (done.Contains(step.Name))
            {
                return;
            }

            if (!visiting.Add(step.Name))
            {
                throw new ArgumentException($"The steps form a circle through '{step.Name}'.", nameof(steps));
            }

            foreach (var input in step.Inputs.Values)
            {
                Visit(byName.TryGetValue(input, out var before)
                    ? before
                    : throw new ArgumentException($"The step '{step.Name}' reads '{input}', which no step makes.", nameof(steps)));
            }

            done.Add(step.Name);
            ordered.Add(step);
        }
    }

    /// <summary>True when the manifest and all its files are in the store. Bytes are checked by <c>lauter verify</c>, not here.</summary>
    public static bool IsComplete(ObjectStore objects, string manifest) =>
        objects.Contains(manifest) && Manifest.Read(objects, manifest).Objects.All(o => objects.Contains(o.Sha256));

    private static IReadOnlyList<string> Reasons(Step step, StepKey key, StepRecord? record, StepRecords records)
    {
        if (record is not null)
        {
            return ["its output is no longer in the store"];
        }

        if (records.Last(step.Name) is not { } last)
        {
            return ["it has not run before"];
        }

        var differences = StepKey.Differences(last.KeyParts, key.Parts);
        return differences.Count > 0 ? differences : ["it did not finish"];
    }
}
