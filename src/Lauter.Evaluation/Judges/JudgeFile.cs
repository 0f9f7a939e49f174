using System.Text.Json.Nodes;

namespace Lauter.Evaluation.Judges;

/// <summary>
/// A judge as a file: <c>{"task":"score","model":"m","instruction":"…"}</c>; optional <c>name</c>, <c>criteria</c>, <c>system</c>, <c>temperature</c>,
/// <c>maxTokens</c>, <c>seed</c>, <c>passAt</c>.
/// </summary>
public static class JudgeFile
{
    private static readonly string[] Members = ["name", "task", "model", "instruction", "criteria", "system", "temperature", "maxTokens", "seed", "passAt"];

    /// <summary>Reads a judge.</summary>
    /// <exception cref="InvalidDataException">The file is no judge; every fault is named.</exception>
    public static Judge Read(JsonNode? node)
    {
        if (node is not JsonObject file)
        {
            throw new InvalidDataException("A judge is an object with task, model and instruction.");
        }

        var faults = new List<string>();
        faults.AddRange(file.Select(m => m.Key).Where(m => !Members.Contains(m, StringComparer.Ordinal)).Select(m => $"{m}: is not a member of a judge; expected {string.Join(", ", Members)}."));
        var named = Text("task");
        var known = Enum.TryParse<JudgeTask>(named, ignoreCase: true, out var task) && named.All(char.IsLetter);
        Require(known, $"task: '{named}' is not one of score, pair, rubric, reference.");
        Require(Text("model").Length > 0, "model: must name the model to ask.");
        Require(Text("instruction").Length > 0, "instruction: must say what counts as good.");
        var criteria = (file["criteria"] as JsonArray)?.Select(c => c?.ToString() ?? "").ToArray();
        Require(task != JudgeTask.Rubric || criteria is { Length: > 0 } && criteria.All(c => c.Length > 0), "criteria: a rubric needs at least one, none of them empty.");
        Require(task == JudgeTask.Rubric || criteria is null, "criteria: only a rubric has them.");
        var temperature = Number("temperature", 0, 0, 2);
        var tokens = Number("maxTokens", 800, 16, 32_768);
        var seed = Number("seed", 1, 0, int.MaxValue);
        double? pass = file["passAt"] is null ? null : task == JudgeTask.Score ? Number("passAt", 4, 1, 5) : Number("passAt", 1, 0.01, 1);
        Require(pass is null || task is JudgeTask.Score or JudgeTask.Rubric, "passAt: only a score or a rubric has a threshold.");
        if (faults.Count > 0)
        {
            throw new InvalidDataException($"The judge cannot be used: {string.Join(" ", faults)}");
        }

        return new Judge(task, Text("model"), Text("instruction"), criteria)
        {
            Name = Text("name") is { Length: > 0 } name ? name : "judge", System = Text("system") is { Length: > 0 } system ? system : null,
            Temperature = temperature, MaximumTokens = (int)tokens, Seed = (int)seed, PassAt = pass,
        };

        string Text(string member) => file[member] is JsonValue v && v.TryGetValue<string>(out var text) ? text.Trim() : "";

        double Number(string member, double standard, double low, double high)
        {
            if (file[member] is null)
            {
                return standard;
            }

            var value = file[member] is JsonValue v && v.TryGetValue<double>(out var given) ? given : double.NaN;
            Require(value >= low && value <= high, $"{member}: {file[member]!.ToJsonString()} is not a number from {low} to {high}.");
            return value;
        }

        void Require(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }
}
