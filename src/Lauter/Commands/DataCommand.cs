using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Data.Operators;
using Lauter.Data.Readers;

namespace Lauter.Commands;

/// <summary><c>lauter data</c>: the cleaning room alone, on plain files.</summary>
internal static class DataCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "docx, pptx, xlsx, pdf, html, md, eml, csv, txt, or a zip of these." };
        var form = new Option<string>("--format") { Description = "markdown; text without marks; json with every block, its page and where it stands in the source.", DefaultValueFactory = _ => "markdown" };
        form.AcceptOnlyFromAmong("markdown", "text", "json");
        var read = new Command("read", "Write a document to standard output as Markdown, plain text or blocks.") { file, form };
        read.SetAction(result =>
        {
            var path = Path.GetFullPath(result.GetValue(file)!);
            if (!File.Exists(path))
            {
                throw new CommandException(ExitCodes.InputMissing, $"the file {path} was not found.");
            }

            var read = DocumentReader.ReadFile(path);
            foreach (var reject in read.Rejects)
            {
                System.Console.Error.WriteLine($"lauter: {reject.Source}: {reject.Reason}: {reject.Detail}");
            }

            switch (result.GetValue(form))
            {
                case "json":
                    Arguments.WriteJson(new JsonArray([.. read.Documents.Select(ToJson)]));
                    break;
                case "text":
                    System.Console.Out.WriteLine(string.Join("\n\n\f\n", read.Documents.Select(d => d.ToText())));
                    break;
                default:
                    System.Console.Out.WriteLine(string.Join("\n\n---\n\n", read.Documents.Select(d => d.ToMarkdown())));
                    break;
            }

            return read.Documents.Count > 0 ? ExitCodes.Success : ExitCodes.InputMissing;
        });
        var format = Arguments.Format();
        var operators = new Command("operators", "List the operators of recipes with their arguments and ranges.") { format };
        operators.SetAction(result => List(result.GetValue(format) == "json"));
        return new Command("data", "Read and clean documents without a project.") { Subcommands = { read, operators, DataRunCommand.Create(), DataLearnCommand.Create(), DataAugmentCommand.Create(), DataPreviewCommand.Create(), DataExplainCommand.Create(), DataSplitCommand.Create(), DataExchangeCommands.Export(), DataExchangeCommands.Import(), DataDedupCommand.Create(), DataRedactCommand.Create(), DataRedactCommand.CreateReveal() } };
    }

    private static JsonNode ToJson(SourceDocument document) => new JsonObject
    {
        ["path"] = document.Path, ["title"] = document.Title, ["format"] = document.Format,
        ["blocks"] = new JsonArray([.. document.Blocks.Select(b => (JsonNode)new JsonObject
        {
            ["kind"] = b.Kind, ["level"] = b.Level, ["text"] = b.Text, ["page"] = b.Page, ["source_start"] = b.SourceStart, ["source_length"] = b.SourceLength,
        })]),
    };

    private static int List(bool json)
    {
        if (json)
        {
            Arguments.WriteJson(new JsonArray([.. OperatorCatalog.All.Select(o => (JsonNode)new JsonObject
            {
                ["name"] = o.Name,
                ["version"] = o.Version,
                ["summary"] = o.Summary,
                ["documents"] = o.Documents,
                ["examples"] = o.Examples,
                ["kind"] = o.Kind.ToString().ToLowerInvariant(),
                ["arguments"] = new JsonArray([.. o.Arguments.Select(a => (JsonNode)new JsonObject
                {
                    ["name"] = a.Name, ["default"] = a.Default.DeepClone(), ["minimum"] = a.Minimum, ["maximum"] = a.Maximum, ["form"] = FormOf(a), ["options"] = a.Options.Count == 0 ? null : new JsonArray([.. a.Options.Select(n => (JsonNode)n)]), ["required"] = a.IsRequired, ["summary"] = a.Summary,
                })]),
            })]));
            return ExitCodes.Success;
        }

        foreach (var spec in OperatorCatalog.All)
        {
            System.Console.WriteLine($"{spec.Name}  ({string.Join(", ", new[] { "rows", spec.Documents ? "documents" : null, spec.Examples ? "examples" : null }.OfType<string>())})");
            System.Console.WriteLine($"    {spec.Summary}");
            foreach (var argument in spec.Arguments)
            {
                var range = argument.Options.Count > 0 ? string.Join(" | ", argument.Options) : argument.Maximum > argument.Minimum ? $"{argument.Minimum} to {argument.Maximum}" : FormOf(argument);
                System.Console.WriteLine($"    - {argument.Name}: {range}, {(argument.IsRequired ? "required" : $"default {argument.Default.ToJsonString()}")}. {argument.Summary}");
            }
        }

        return ExitCodes.Success;
    }

    private static string FormOf(ArgumentSpec argument) => argument.Form switch
    {
        ArgumentForm.NumberByLanguage => "number, or one for each of en, zh, und",
        ArgumentForm.Number => "number",
        ArgumentForm.Choice => "choice",
        ArgumentForm.Choices => "choices",
        ArgumentForm.Text => "text",
        ArgumentForm.Texts => "list of texts",
        ArgumentForm.File => "file",
        ArgumentForm.Files => "file, or list of files",
        ArgumentForm.Map => "mapping of texts",
        _ => "mapping of texts to numbers",
    };
}
