using System.CommandLine;

namespace Lauter.Commands;

/// <summary><c>lauter new</c>: a project directory to begin with.</summary>
internal static class NewCommand
{
    public static Command Create()
    {
        var directory = new Argument<string>("directory") { Description = "Where to make the project; must not hold a lauter.yaml yet." };
        var command = new Command("new", "Make a project: a project file with comments, a prompt, schemas and a place for data.") { directory };
        command.SetAction(result => Make(Path.GetFullPath(result.GetValue(directory)!)));
        return command;
    }

    private static int Make(string directory)
    {
        var file = Path.Combine(directory, "lauter.yaml");
        if (File.Exists(file))
        {
            throw new CommandException(ExitCodes.Usage, $"{file} is there already; nothing was changed. Choose another directory.");
        }

        foreach (var folder in new[] { "documents", "prompts", "schemas" })
        {
            Directory.CreateDirectory(Path.Combine(directory, folder));
        }

        var name = new string([.. Path.GetFileName(directory).ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]).Trim('-');
        File.WriteAllText(Path.Combine(directory, ".gitignore"), ".lauter/\n");
        File.WriteAllText(Path.Combine(directory, "prompts", "classify.j2"), "{{ text }}\n");
        File.WriteAllText(Path.Combine(directory, "schemas", "input.json"), """
            { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"], "additionalProperties": false }

            """);
        File.WriteAllText(Path.Combine(directory, "schemas", "output.json"), """
            { "type": "object", "properties": { "label": { "enum": ["first", "second"] } }, "required": ["label"], "additionalProperties": false }

            """);
        File.WriteAllText(file, $$"""
            project: {{(name.Length == 0 ? "project" : name)}}

            # 1. Put documents into documents/ and labelled rows ({"id": …, "text": …, "label": …}, one a line) into examples.jsonl.
            # 2. Write the labels into schemas/output.json.
            # 3. lauter plan, then lauter up.
            datasets:
              documents: { kind: documents, from: [documents/**], recipe: clean }
              examples:
                kind: examples
                from: [examples.jsonl]
                fields: { input: [text], output: [label] }
                split: { by: cluster, test: 0.2, validation: 0.1 }
            models:
              base: { scratch: nano }
            trainings:
              classify-sft: { base: base, data: examples, method: sft }
            indexes:
              documents: { data: documents }
            applications:
              classify:
                input: schemas/input.json
                output: schemas/output.json
                prompt: prompts/classify.j2
                model: classify-sft
                suite: examples/test
                metric: exact_match(label)
                gate: { against: live, margin: 0.02, alpha: 0.05, power: 0.8 }
                budget: { month: 200 CNY }
              documents: { index: documents, budget: { month: 200 CNY } }

            """);
        System.Console.WriteLine($"Made {file}. Put your data where it says, then run: lauter plan {directory}");
        return ExitCodes.Success;
    }
}
