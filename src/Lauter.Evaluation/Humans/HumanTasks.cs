using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Evaluation.Judges;
using Lauter.Evaluation.Statistics;

namespace Lauter.Evaluation.Humans;

/// <summary>What a rater sees of one item: nothing says which candidate wrote what.</summary>
/// <param name="Id">The item.</param>
/// <param name="Question">What was asked.</param>
/// <param name="Left">The answer on the left, or the only one.</param>
/// <param name="Right">The answer on the right; null where single answers are rated.</param>
/// <param name="Reference">The right answer, where raters are to see it.</param>
public sealed record HumanTask(string Id, string Question, string Left, string? Right, string? Reference);

/// <summary>
/// Blind tasks for people. The order of the items and the side of each answer are drawn from a seed that only the key holds; the key is a file of its own and
/// never goes to a rater. The set's hash ties answers to the tasks that were shown.
/// </summary>
/// <param name="Tasks">In the order shown.</param>
/// <param name="Swapped">Items whose second answer stands on the left.</param>
/// <param name="Seed">The seed.</param>
public sealed record HumanTaskSet(IReadOnlyList<HumanTask> Tasks, IReadOnlySet<string> Swapped, ulong Seed)
{
    /// <summary>True when raters compare two answers.</summary>
    public bool IsPairs => Tasks.Any(t => t.Right is not null);

    /// <summary>Lower-case hexadecimal SHA-256 of what raters see.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ToLines())));

    /// <summary>
    /// Tasks of <paramref name="items"/>, at most <paramref name="most"/> of them, drawn by chance. Items without an answer on a side are left out: there is nothing to
    /// look at. Exactly half of the pairs (by one) are swapped, in random order, so that a rater who prefers a side cannot favour a candidate.
    /// </summary>
    /// <exception cref="InvalidDataException">No item has what a rater needs.</exception>
    public static HumanTaskSet Create(IReadOnlyList<JudgeItem> items, bool pairs, int most, ulong seed, bool showReference = false)
    {
        var random = new SeededRandom(seed);
        var usable = items.Where(i => i.Answer is not null && (!pairs || i.Other is not null)).OrderBy(i => i.Id, StringComparer.Ordinal).ToArray();
        if (usable.Length == 0)
        {
            throw new InvalidDataException(pairs ? "No item has an answer of both candidates." : "No item has an answer.");
        }

        Shuffle(usable, random);
        usable = usable[..Math.Min(most, usable.Length)];
        bool[] sides = [.. Enumerable.Range(0, usable.Length).Select(i => i % 2 == 0)];
        Shuffle(sides, random);
        var swapped = new HashSet<string>(pairs ? usable.Where((_, i) => sides[i]).Select(i => i.Id) : [], StringComparer.Ordinal);
        return new HumanTaskSet(
            [.. usable.Select(i => swapped.Contains(i.Id)
                ? new HumanTask(i.Id, i.Question, i.Other!, i.Answer, showReference ? i.Reference : null)
                : new HumanTask(i.Id, i.Question, i.Answer!, pairs ? i.Other : null, showReference ? i.Reference : null))],
            swapped, seed);
    }

    /// <summary>The tasks as JSONL.</summary>
    public string ToLines() => string.Concat(Tasks.Select(t => Encoding.UTF8.GetString(CanonicalJson.Serialize(Task(t))) + "\n"));

    /// <summary>The key: which answer stood where. Keep it from raters.</summary>
    public JsonObject ToKey() => new()
    {
        ["set"] = Hash, ["seed"] = Seed, ["pairs"] = IsPairs, ["items"] = new JsonArray([.. Tasks.Select(t => (JsonNode)t.Id)]),
        ["swapped"] = new JsonArray([.. Tasks.Where(t => Swapped.Contains(t.Id)).Select(t => (JsonNode)t.Id)]),
    };

    internal static JsonObject Task(HumanTask task)
    {
        var line = new JsonObject { ["id"] = task.Id, ["question"] = task.Question, ["left"] = task.Left };
        if (task.Right is not null)
        {
            line["right"] = task.Right;
        }

        if (task.Reference is not null)
        {
            line["reference"] = task.Reference;
        }

        return line;
    }

    private static void Shuffle<T>(T[] values, SeededRandom random)
    {
        for (var i = values.Length - 1; i > 0; i--)
        {
            var at = random.NextInt(i + 1);
            (values[i], values[at]) = (values[at], values[i]);
        }
    }
}
