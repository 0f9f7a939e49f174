using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Metrics.Structures;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;
using Lauter.Releases.Gates;

namespace Lauter.Commands;

/// <summary><c>lauter gate</c>: the release decision alone, on plain files, for anybody's pipeline.</summary>
internal static class GateCommand
{
    public static Command Create() => new("gate", "Decide from two result files whether a candidate may replace what serves, and plan how many items that takes.")
    {
        Decide(), Power(),
    };

    private static Command Decide()
    {
        var policy = new Option<string>("--policy") { Description = "The gate policy, YAML or JSON; docs/howto/add-a-gate-rule.md lists its members.", Required = true };
        var baseline = new Option<string?>("--baseline") { Description = "JSONL of what serves now: id with correct, score, scores, or prediction and reference; or a scorecard." };
        var candidate = new Option<string>("--candidate") { Description = "JSONL of the candidate on the same items.", Required = true };
        var banks = new Option<string[]>("--bank") { Description = "NAME=FILE.jsonl: answers of a question bank (id, risk, passed; or id, risk, answer; or verdicts.jsonl of a judge). May be repeated.", AllowMultipleArgumentsPerToken = false };
        var approvals = new Option<string[]>("--approval") { Description = "ROLE=PERSON: an agreement that was given. May be repeated." };
        var looks = new Option<int>("--looks") { Description = "How often this comparison was looked at while its data grew, this time included.", DefaultValueFactory = _ => 1 };
        var report = new Option<string?>("--report") { Description = "Also write a Markdown report to this file." };
        var format = Arguments.Format();
        var command = new Command("decide", "Pass, fail or insufficient evidence. Exit codes: 0 pass, 1 fail, 2 insufficient evidence; 3 and above: no decision was made.")
        {
            policy, baseline, candidate, banks, approvals, looks, report, format,
        };
        command.SetAction(result =>
        {
            var rules = Policy(result.GetValue(policy)!);
            var evidence = new GateEvidence
            {
                Banks = (result.GetValue(banks) ?? []).Select(b => Pair(b, "--bank")).GroupBy(b => b.Name, StringComparer.Ordinal).ToDictionary(
                    b => b.Key, b => (IReadOnlyList<BankAnswer>)[.. b.SelectMany(f => Bank(f.Value, rules.Banks?.FirstOrDefault(r => r.Bank == f.Name)?.Kind ?? BankKind.Content))], StringComparer.Ordinal),
                Approvals = [.. (result.GetValue(approvals) ?? []).Select(a => Pair(a, "--approval")).Select(a => new Approval(a.Name, a.Value))],
                Looks = result.GetValue(looks),
            };
            var corpus = Corpus(rules, result.GetValue(baseline), result.GetValue(candidate)!, evidence);
            var after = corpus is null ? Card(result.GetValue(candidate)!) : null;
            var verdict = corpus ?? (result.GetValue(baseline) is { } file
                ? Gate.Decide(rules, Card(file), after!, evidence)
                : rules.Kind == GateKind.Minimum
                    ? Gate.DecideMinimum(rules, after!, evidence)
                    : throw new CommandException(ExitCodes.InputMissing, "a gate of this kind compares: name --baseline, or write 'kind: minimum' into the policy."));
            if (result.GetValue(report) is { } path)
            {
                PlainFiles.Write(path, GateMarkdown.Render(verdict));
            }

            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(JsonNode.Parse(verdict.ToBytes())!);
            }
            else
            {
                System.Console.Out.Write(GateReport.Render(verdict));
            }

            return verdict.Decision.ExitCode();
        });
        return command;
    }

    private static Command Power()
    {
        var discordance = new Option<double>("--discordance") { Description = "Share of items on which the two differ, 0 to 1.", DefaultValueFactory = _ => 0.1 };
        var margin = new Option<double>("--margin") { Description = "How much worse the candidate may be.", DefaultValueFactory = _ => 0.02 };
        var difference = new Option<double>("--difference") { Description = "True difference to plan for (candidate minus baseline).", DefaultValueFactory = _ => 0 };
        var superiority = new Option<bool>("--superiority") { Description = "Plan to show that the candidate is better by --difference." };
        var alpha = new Option<double>("--alpha") { Description = "Risk of a false pass.", DefaultValueFactory = _ => 0.05 };
        var power = new Option<double>("--power") { Description = "Chance of a right pass.", DefaultValueFactory = _ => 0.8 };
        var items = new Option<int?>("--items") { Description = "Show what this many items can do." };
        var effect = new Option<double>("--design-effect") { Description = "How much clusters inflate the variance; 1 for independent items.", DefaultValueFactory = _ => 1 };
        var format = Arguments.Format();
        var command = new Command("power", "How many items a comparison needs, or what a given number can show.") { discordance, margin, difference, superiority, alpha, power, items, effect, format };
        command.SetAction(result =>
        {
            double pi = result.GetValue(discordance), m = result.GetValue(margin), d = result.GetValue(difference), a = result.GetValue(alpha), p = result.GetValue(power), deff = result.GetValue(effect);
            var better = result.GetValue(superiority);
            Require(pi is > 0 and <= 1 && Math.Abs(d) <= pi, $"--discordance {pi} must lie above 0, at most 1, and not below the difference.");
            Require(a is > 0 and <= 0.5 && p is >= 0.5 and < 1, "--alpha must lie above 0 and be at most 0.5, --power from 0.5 to below 1.");
            Require(better ? d > 0 : m is > 0 and <= 0.5, better ? "--superiority needs a --difference above 0." : $"--margin {m} must lie above 0 and be at most 0.5.");
            Require(deff >= 1, "--design-effect must be at least 1.");
            var spent = GatePolicy.SpentShare * a;
            var needed = (better ? SampleSize.Superiority(pi, d, spent, p) : SampleSize.NonInferiority(pi, m, spent, p, d)) * deff;
            long? whole = double.IsFinite(needed) ? (long)Math.Ceiling(needed) : null;
            double? achieved = result.GetValue(items) is { } n
                ? better ? SampleSize.SuperiorityPower(n / deff, pi, d, spent) : SampleSize.NonInferiorityPower(n / deff, pi, m, spent, d) : null;
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject
                {
                    ["kind"] = better ? "superiority" : "non_inferiority", ["discordance"] = pi, ["margin"] = better ? null : m, ["difference"] = d, ["alpha"] = a, ["spentAlpha"] = spent, ["power"] = p,
                    ["designEffect"] = deff, ["itemsNeeded"] = whole, ["items"] = result.GetValue(items), ["achievedPower"] = achieved,
                });
            }
            else
            {
                System.Console.WriteLine(whole is { } count
                    ? $"{count.ToString("N0", CultureInfo.InvariantCulture)} items pass with probability {p} ({(better ? $"better by {d * 100:0.##} points" : $"margin {m * 100:0.##} points, true difference {d * 100:0.##}")}, discordance {pi}, alpha {a}, of which a gate spends {spent:0.####})"
                    : "No number of items would do: the true difference is at or beyond the margin.");
                if (achieved is { } chance)
                {
                    System.Console.WriteLine($"{result.GetValue(items)} items pass with probability {chance:0.000}");
                }
            }

            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The verdict on a metric of the catalogue (bleu:tok=zh, chrf, answer_f1 …) over answers with references; null when the policy names another kind of metric.</summary>
    private static GateVerdict? Corpus(GatePolicy rules, string? baseline, string candidate, GateEvidence evidence)
    {
        // exact_match and score are what result files carry already.
        if (baseline is null || rules.Metric is PredictionFile.Metric or PredictionFile.ScoreMetric || !MetricCatalogue.Entries.Any(e => e.Name == rules.Metric.Split(':')[0]))
        {
            return null;
        }

        var metric = EvalCommand.Parse(rules.Metric);
        IReadOnlyList<MetricRow> before = EvalCommand.Read(baseline, null), after = EvalCommand.Read(candidate, null);
        if (before.Concat(after).All(r => r.Prediction is null))
        {
            // Files of finished scores may call one of them by a name of the catalogue.
            return null;
        }

        try
        {
            return CorpusGate.Decide(rules, metric, (NameOf(baseline), before), (NameOf(candidate), after), evidence);
        }
        catch (ArgumentException e)
        {
            throw new CommandException(ExitCodes.ProjectInvalid, e.Message);
        }
    }

    /// <summary>A scorecard file, or JSONL of results.</summary>
    internal static Scorecard Card(string path)
    {
        var name = NameOf(path);
        try
        {
            var bytes = PlainFiles.Bytes(path);
            var end = Array.IndexOf(bytes, (byte)'\n');
            return bytes.AsSpan(0, end < 0 ? bytes.Length : end).IndexOf("\"suiteHash\""u8) >= 0
                ? Scorecard.FromBytes(bytes)
                : PredictionFile.Read(name, bytes);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.InputMissing, e.Message);
        }
    }

    /// <summary>The file's name; for the names that every run's directory holds, the directory's.</summary>
    private static string NameOf(string path) => Path.GetFileNameWithoutExtension(path) is var name && name is "results" or "predictions" && Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) is { Length: > 0 } directory ? directory : name;

    private static GatePolicy Policy(string path)
    {
        try
        {
            return GatePolicy.FromJson(Encoding.UTF8.GetBytes(PlainFiles.Structured(path)?.ToJsonString() ?? "null"));
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.ProjectInvalid, $"{path}: {e.Message}");
        }
    }

    private static List<BankAnswer> Bank(string path, BankKind kind)
    {
        var answers = new List<BankAnswer>();
        foreach (var (line, number) in PlainFiles.Lines(path).Select((l, i) => (l, i + 1)).Where(l => !string.IsNullOrWhiteSpace(l.l)))
        {
            JsonObject? row;
            try
            {
                row = JsonNode.Parse(line) as JsonObject;
            }
            catch (System.Text.Json.JsonException e)
            {
                throw new CommandException(ExitCodes.InputMissing, $"{path} line {number}: {e.Message}");
            }

            var id = row?["id"]?.ToString() ?? throw new CommandException(ExitCodes.InputMissing, $"{path} line {number}: a question needs an id.");
            answers.Add(new BankAnswer(id, row["risk"]?.ToString() ?? "", Passed(row, kind)));
        }

        return answers;
    }

    /// <summary>What the row says, else what its answer shows; null when neither does.</summary>
    private static bool? Passed(JsonObject row, BankKind kind)
    {
        // "judge" is what 'lauter eval judge' writes; null there is a verdict that could not be read, and stays unjudged.
        if ((row["passed"] ?? row["judge"]) is JsonValue stated && stated.TryGetValue<bool>(out var passed))
        {
            return passed;
        }

        if (row["failure"] is not null || row["answer"] is not JsonValue value || !value.TryGetValue<string>(out var answer) || answer.Length == 0)
        {
            return null;
        }

        return kind switch
        {
            BankKind.MustRefuse => Refusals.IsRefusal(answer),
            BankKind.MustAnswer => !Refusals.IsRefusal(answer),
            BankKind.Keyword when row["forbidden"] is JsonArray words => !words.Any(w => w is JsonValue v && v.TryGetValue<string>(out var word) && word.Length > 0 && answer.Contains(word, StringComparison.OrdinalIgnoreCase)),
            _ => null,
        };
    }

    private static (string Name, string Value) Pair(string text, string option)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        return at > 0 && at < text.Length - 1 ? (text[..at], text[(at + 1)..]) : throw new CommandException(ExitCodes.ProjectInvalid, $"{option} {text}: write NAME=VALUE.");
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new CommandException(ExitCodes.Usage, message);
        }
    }
}
