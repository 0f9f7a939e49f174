using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Suites.Imports;
using Lauter.Models.Templates;

namespace Lauter.Commands;

/// <summary><c>lauter eval suite import|verify</c>: evaluation sets from elsewhere, frozen.</summary>
internal static class EvalSuiteCommand
{
    public static Command Create() => new("suite", "Import, sample and freeze evaluation sets.") { Import(), Verify() };

    private static Command Import()
    {
        var source = new Argument<string>("file") { Description = "The file to import." };
        var form = new Option<string>("--from") { Description = "jsonl, csv, openai-evals (samples), lm-eval (task YAML), lm-eval-samples (its log), traces (of 'lauter trace export --texts').", DefaultValueFactory = _ => "jsonl" };
        form.AcceptOnlyFromAmong("jsonl", "csv", "openai-evals", "lm-eval", "lm-eval-samples", "traces");
        var output = new Option<string>("--out", "-o") { Description = "The suite to write; FILE.lock beside it holds its hash.", Required = true };
        var strata = new Option<string[]>("--stratum") { Description = "A member or column that becomes a stratum. May be repeated." };
        var data = new Option<string?>("--data") { Description = "lm-eval: the documents, JSONL or JSON. Default: dataset_kwargs.data_files of the task." };
        var feedback = new Option<string?>("--feedback") { Description = "traces: feedback with trace_id and correction; a correction is the reference." };
        var count = new Option<int?>("--items") { Description = "Draw this many, stratified." };
        var by = new Option<string?>("--by") { Description = "The stratum to draw by (language, or one of --stratum). Default: language." };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the draw.", DefaultValueFactory = _ => 1 };
        var keep = new Option<bool>("--keep-personal") { Description = "Do not mask personal data. Default for files; traces are always masked unless this is given." };
        var mask = new Option<bool>("--mask") { Description = "Mask personal data of files too." };
        var answers = new Option<string?>("--answers") { Description = "lm-eval-samples: also write the answers that were logged, for 'lauter eval score'." };
        var format = Arguments.Format();
        var command = new Command("import", "Import a suite: one frozen JSONL that 'lauter eval run' reads.") { source, form, output, strata, data, feedback, count, by, seed, keep, mask, answers, format };
        command.SetAction(result =>
        {
            var (path, kind) = (PlainFiles.Existing(result.GetValue(source)!), result.GetValue(form)!);
            try
            {
                IReadOnlyList<(string Id, string? Answer)> said = [];
                var rows = kind switch
                {
                    "csv" => SuiteImport.Csv(File.ReadAllText(path), result.GetValue(strata) ?? []),
                    "lm-eval" => Task(path, result.GetValue(data)),
                    "lm-eval-samples" => Samples(out said),
                    "traces" => SuiteImport.Traces(PlainFiles.Lines(path), result.GetValue(feedback) is { } file ? PlainFiles.Lines(file) : null),
                    _ => SuiteImport.JsonLines(PlainFiles.Lines(path), result.GetValue(strata) ?? []),
                };
                var found = rows.Count;
                rows = [.. rows.DistinctBy(r => (r.Id, r.ToLine()))];
                var doubled = found - rows.Count;
                var origin = new JsonObject { ["form"] = kind, ["file"] = Path.GetFileName(path), ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))), ["found"] = found, ["doubled"] = doubled };
                if (result.GetValue(count) is { } n)
                {
                    var dimension = result.GetValue(by) ?? "language";
                    rows = SuiteSample.Draw(rows, Math.Max(1, n), result.GetValue(seed), r => dimension == "language" ? r.Language ?? JsonNode.Parse(r.ToLine())!["language"]!.ToString() : r.Strata.GetValueOrDefault(dimension, ""));
                    (origin["drawn"], origin["seed"], origin["by"]) = (rows.Count, result.GetValue(seed), dimension);
                }

                if (kind == "traces" ? !result.GetValue(keep) : result.GetValue(mask))
                {
                    (rows, var masked) = SuiteSample.Mask(rows);
                    origin["masked"] = new JsonObject(masked.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)));
                }

                var hash = FrozenFile.Write(Path.GetFullPath(result.GetValue(output)!), rows, origin);
                if (result.GetValue(answers) is { } target)
                {
                    var text = new StringBuilder();
                    foreach (var (id, answer) in said)
                    {
                        text.Append(new JsonObject { ["id"] = id, ["prediction"] = answer }.ToJsonString()).Append('\n');
                    }

                    PlainFiles.Write(target, text.ToString());
                }

                if (result.GetValue(format) == "json")
                {
                    Arguments.WriteJson(new JsonObject { ["sha256"] = hash, ["items"] = rows.Count, ["withReference"] = rows.Count(r => r.References.Count > 0), ["source"] = origin.DeepClone() });
                }
                else
                {
                    System.Console.WriteLine($"{rows.Count:N0} items ({rows.Count(r => r.References.Count > 0):N0} with a reference), frozen as {hash[..12]}{(doubled > 0 ? $"; {doubled:N0} doubled rows left out" : "")}{(origin["masked"] is JsonObject { Count: > 0 } m ? $"; masked: {string.Join(", ", m.Select(x => $"{x.Key} {x.Value}"))}" : "")}");
                }

                return ExitCodes.Success;

                IReadOnlyList<SuiteRow> Samples(out IReadOnlyList<(string, string?)> logged)
                {
                    (var imported, logged) = SuiteImport.LmEvalSamples(PlainFiles.Lines(path));
                    return imported;
                }
            }
            catch (InvalidDataException e)
            {
                throw new CommandException(ExitCodes.InputMissing, $"{path}: {e.Message}");
            }
        });
        return command;
    }

    private static Command Verify()
    {
        var suite = new Argument<string>("suite") { Description = "A frozen suite." };
        var command = new Command("verify", "Say whether a suite still is what was frozen.") { suite };
        command.SetAction(result =>
        {
            System.Console.WriteLine(Hash(PlainFiles.Existing(result.GetValue(suite)!)) is { } hash ? $"unchanged: {hash}" : throw new CommandException(ExitCodes.InputMissing, "the suite has no lock: freeze it with 'lauter eval suite import'."));
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The hash of a frozen suite; null of a file without a lock. A suite edited after it was frozen ends the verb.</summary>
    internal static string? Hash(string path)
    {
        try
        {
            return path == "-" ? null : FrozenFile.Verify(path);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.VerificationFailed, e.Message);
        }
    }

    private static IReadOnlyList<SuiteRow> Task(string path, string? data)
    {
        var task = PlainFiles.Structured(path) as JsonObject ?? throw new InvalidDataException("The task is not a mapping.");
        var files = task["dataset_kwargs"]?["data_files"] switch { JsonObject splits => splits[task["test_split"]?.ToString() ?? "test"] ?? splits.FirstOrDefault().Value, var one => one };
        var file = data ?? (files is JsonArray { Count: > 0 } several ? several[0] : files)?.ToString()
            ?? throw new InvalidDataException("The task's documents are on a hub; fetch them and name them with --data.");
        var full = PlainFiles.Existing(Path.IsPathRooted(file) || data is not null ? file : Path.Combine(Path.GetDirectoryName(path)!, file));
        IReadOnlyList<JsonObject> documents = Path.GetExtension(full) == ".json"
            ? [.. (PlainFiles.Structured(full) as JsonArray ?? throw new InvalidDataException($"{full} is no list of documents.")).OfType<JsonObject>()]
            : [.. SuiteImport.Objects(PlainFiles.Lines(full)).Select(o => o.Row)];
        var templates = new Dictionary<string, PromptTemplate>(StringComparer.Ordinal);
        return SuiteImport.LmEvalTask(task, documents, (template, document) =>
        {
            if (!templates.TryGetValue(template, out var parsed))
            {
                templates[template] = parsed = PromptTemplate.Parse(template);
            }

            return parsed.Render(document);
        });
    }
}
