using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Commands;

/// <summary>Arguments and options that verbs share, so that they read alike everywhere.</summary>
internal static class Arguments
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The project's directory; default: here.</summary>
    public static Argument<string> Project()
    {
        var argument = new Argument<string>("project")
        {
            Description = "The directory that holds lauter.yaml.",
            Arity = ArgumentArity.ZeroOrOne,
            DefaultValueFactory = _ => ".",
        };

        // A misspelt option would otherwise be taken for a directory of that name.
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', ..] value }])
            {
                result.AddError($"Unknown option '{value}'.");
            }
        });
        return argument;
    }

    /// <summary><c>--format text|json</c>.</summary>
    public static Option<string> Format()
    {
        var option = new Option<string>("--format") { Description = "text for people, json for programs (standard output is then pure JSON).", DefaultValueFactory = _ => "text" };
        option.AcceptOnlyFromAmong("text", "json");
        return option;
    }

    /// <summary><c>--quiet</c>.</summary>
    public static Option<bool> Quiet() => new("--quiet", "-q") { Description = "Say nothing while it works." };

    /// <summary>The full path of a file that must be there.</summary>
    public static string ExistingFile(string path) => File.Exists(path)
        ? Path.GetFullPath(path)
        : throw new CommandException(ExitCodes.InputMissing, $"the file {Path.GetFullPath(path)} was not found.");

    /// <summary>Writes JSON to standard output.</summary>
    public static void WriteJson(JsonNode value) => System.Console.Out.WriteLine(value.ToJsonString(Indented));
}
