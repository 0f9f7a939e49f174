using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Releases.Drift;

namespace Lauter.Commands;

/// <summary><c>lauter drift REFERENCE CURRENT</c>: has the input changed, with a stated chance of a false alarm.</summary>
internal static class DriftCommand
{
    private const int MostLabels = 200;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static Command Create()
    {
        var reference = new Argument<string>("reference") { Description = "JSONL of the window that counts as normal." };
        var current = new Argument<string>("current") { Description = "JSONL of the window to judge." };
        var features = new Option<string[]>("--feature") { Description = "Members to compare (dots reach inside objects). Default: all. May be repeated." };
        var slice = new Option<string?>("--slice") { Description = "A member whose values are also judged one by one, for example language." };
        var rate = new Option<double>("--false-alarms") { Description = "Chance of any alarm when nothing has drifted.", DefaultValueFactory = _ => 0.01 };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the permutations.", DefaultValueFactory = _ => 1 };
        var report = new Option<string?>("--report") { Description = "Also write a Markdown report to this file." };
        var format = Arguments.Format();
        var command = new Command("drift", "Compare two windows of rows feature by feature. Exit codes: 0 no drift, 1 drift, 2 too few rows to tell.")
        {
            reference, current, features, slice, rate, seed, report, format,
        };
        command.SetAction(result =>
        {
            if (result.GetValue(rate) is not (> 0 and <= 0.5))
            {
                throw new CommandException(ExitCodes.Usage, "--false-alarms must lie above 0 and be at most 0.5.");
            }

            var (before, now) = (Rows(result.GetValue(reference)!), Rows(result.GetValue(current)!));
            var found = DriftWatch.Compare(Slices(before, now, result.GetValue(features) ?? [], result.GetValue(slice)), result.GetValue(rate), result.GetValue(seed));
            if (result.GetValue(report) is { } path)
            {
                PlainFiles.Write(path, Markdown(found));
            }

            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(JsonSerializer.SerializeToNode(found, Json)!);
            }
            else
            {
                Print(found);
            }

            return found.Alarm ? 1 : found.Findings.Count == 0 ? 2 : 0;
        });
        return command;
    }

    private static IEnumerable<(string, Feature, Feature)> Slices(List<JsonObject> before, List<JsonObject> now, string[] named, string? slice)
    {
        var names = named.Length > 0 ? named : [.. before.Concat(now).SelectMany(r => Leaves(r, "")).Distinct(StringComparer.Ordinal).Where(n => n is not "id" && n != slice)];
        IEnumerable<(string Name, List<JsonObject> Before, List<JsonObject> Now)> parts = [("all", before, now)];
        if (slice is not null)
        {
            parts = parts.Concat(before.Concat(now).Select(r => At(r, slice)?.ToString()).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .Select(v => ($"{slice}={v}", Of(before, v), Of(now, v))));
        }

        foreach (var (name, left, right) in parts)
        {
            foreach (var feature in names)
            {
                foreach (var (a, b) in Features(feature, [.. left.Select(r => At(r, feature))], [.. right.Select(r => At(r, feature))]))
                {
                    yield return (name, a, b);
                }
            }
        }

        List<JsonObject> Of(List<JsonObject> rows, string value) => [.. rows.Where(r => At(r, slice!)?.ToString() == value)];
    }

    /// <summary>Numbers and vectors as they are; few different texts are labels; of many the length is watched.</summary>
    private static IEnumerable<(Feature, Feature)> Features(string name, JsonNode?[] before, JsonNode?[] now)
    {
        var all = before.Concat(now).Where(v => v is not null).ToArray();
        if (all.Length == 0)
        {
            yield break;
        }

        if (all.All(v => Number(v) is not null))
        {
            yield return (new(name, FeatureKind.Number, Numbers: Array.ConvertAll(before, Number)), new(name, FeatureKind.Number, Numbers: Array.ConvertAll(now, Number)));
        }
        else if (all.All(v => Vector(v) is not null))
        {
            yield return (new(name, FeatureKind.Vector, Vectors: Array.ConvertAll(before, Vector)), new(name, FeatureKind.Vector, Vectors: Array.ConvertAll(now, Vector)));
        }
        else if (all.Select(v => v!.ToString()).Distinct(StringComparer.Ordinal).Count() <= MostLabels)
        {
            yield return (new(name, FeatureKind.Label, Labels: Array.ConvertAll(before, v => v?.ToString())), new(name, FeatureKind.Label, Labels: Array.ConvertAll(now, v => v?.ToString())));
        }
        else
        {
            var length = $"{name} (length)";
            yield return (new(length, FeatureKind.Number, Numbers: Array.ConvertAll(before, Length)), new(length, FeatureKind.Number, Numbers: Array.ConvertAll(now, Length)));
            var han = $"{name} (share of Han characters)";
            yield return (new(han, FeatureKind.Number, Numbers: Array.ConvertAll(before, Han)), new(han, FeatureKind.Number, Numbers: Array.ConvertAll(now, Han)));
        }

        static double? Length(JsonNode? v) => v?.ToString().Length;

        static double? Han(JsonNode? v) => v?.ToString() is { Length: > 0 } text ? text.Count(c => c is >= '\u4e00' and <= '\u9fff') / (double)text.Length : null;
    }

    private static double? Number(JsonNode? node) => node is JsonValue v && v.TryGetValue<double>(out var number) ? number : null;

    private static double[]? Vector(JsonNode? node) => node is JsonArray { Count: > 1 } a && a.All(v => Number(v) is not null) ? [.. a.Select(v => Number(v)!.Value)] : null;

    private static JsonNode? At(JsonObject row, string path)
    {
        JsonNode? node = row;
        foreach (var part in path.Split('.'))
        {
            node = node is JsonObject o && o.TryGetPropertyValue(part, out var next) ? next : null;
        }

        return node;
    }

    private static IEnumerable<string> Leaves(JsonObject row, string prefix)
    {
        foreach (var (name, value) in row)
        {
            if (value is JsonObject inner && prefix.Count(c => c == '.') < 8)
            {
                foreach (var leaf in Leaves(inner, $"{prefix}{name}."))
                {
                    yield return leaf;
                }
            }
            else
            {
                yield return prefix + name;
            }
        }
    }

    private static List<JsonObject> Rows(string path)
    {
        var rows = new List<JsonObject>();
        foreach (var (line, number) in PlainFiles.Lines(path).Select((l, i) => (l, i + 1)).Where(l => !string.IsNullOrWhiteSpace(l.l)))
        {
            try
            {
                rows.Add(JsonNode.Parse(line) as JsonObject ?? throw new CommandException(ExitCodes.InputMissing, $"{path} line {number}: not a JSON object."));
            }
            catch (JsonException e)
            {
                throw new CommandException(ExitCodes.InputMissing, $"{path} line {number}: {e.Message}");
            }
        }

        return rows;
    }

    private static void Print(DriftReport report)
    {
        System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(report.Alarm ? "DRIFT" : report.Findings.Count == 0 ? "TOO FEW ROWS" : "no drift")}  (chance of any false alarm in this comparison: at most {report.FalseAlarmRate})"));
        foreach (var f in report.Findings)
        {
            System.Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(f.Alarm ? "! " : "  ")}{f.Slice,-16} {f.Feature,-28} {f.Test,-4} distance {f.Distance:0.0000}, p {f.P:0.0000} (adjusted {f.AdjustedP:0.0000}), {f.Reference:N0} against {f.Current:N0}{(f.Psi is { } psi ? $", PSI {psi:0.000}, noise up to {f.PsiThreshold:0.000}" : "")}"));
        }

        foreach (var small in report.TooSmall)
        {
            System.Console.WriteLine($"  {small}: fewer than 10 values on a side, nothing is said");
        }
    }

    private static string Markdown(DriftReport report)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {(report.Alarm ? "Drift" : "No drift")}\n\nChance of any false alarm in this comparison: at most {report.FalseAlarmRate}.\n\n| alarm | slice | feature | test | distance | p | adjusted p | reference | current | PSI | noise up to |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
        foreach (var f in report.Findings)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {(f.Alarm ? "yes" : "")} | {f.Slice} | {f.Feature} | {f.Test} | {f.Distance:0.0000} | {f.P:0.0000} | {f.AdjustedP:0.0000} | {f.Reference:N0} | {f.Current:N0} | {f.Psi:0.000} | {f.PsiThreshold:0.000} |\n");
        }

        foreach (var small in report.TooSmall)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n- {small}: fewer than 10 values on a side\n");
        }

        return text.ToString();
    }
}
