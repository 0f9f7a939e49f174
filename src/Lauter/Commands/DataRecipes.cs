using System.CommandLine;
using Lauter.Catalog.Projects;
using Lauter.Data;
using Lauter.Data.Operators;
using Lauter.Data.Rows;

namespace Lauter.Commands;

/// <summary>What the verbs of the data room share: recipes by name or file, inputs, progress.</summary>
internal static class DataRecipes
{
    public static Argument<string> Recipe() => new("recipe") { Description = $"A recipe file, or a built-in one: {string.Join(", ", Lauter.Data.Operators.Recipe.BuiltInNames)}." };

    public static Option<string> Input() => new("--in") { Description = "A JSONL or Parquet file or a document, or a directory of these.", Required = true };

    public static Option<string> TextField() => new("--text") { Description = "The member of a row that holds its text.", DefaultValueFactory = _ => "text" };

    public static Option<string> IdField() => new("--id") { Description = "The member of a row that holds its id.", DefaultValueFactory = _ => "id" };

    /// <summary>The recipe of a file or a built-in name.</summary>
    public static Recipe Load(string name)
    {
        if (File.Exists(name))
        {
            var context = new RecipeContext { Directory = Path.GetDirectoryName(Path.GetFullPath(name))!, OpenTokenizer = DataTokenCounter.Of };
            var result = Lauter.Data.Operators.Recipe.Parse(Path.GetFileNameWithoutExtension(name), File.ReadAllText(name), context);
            return result.Recipe ?? throw new ProjectFileException(name, result.Faults);
        }

        return Lauter.Data.Operators.Recipe.BuiltIn(name) ?? throw new CommandException(
            ExitCodes.InputMissing, $"there is no file '{name}' and no built-in recipe of that name.{NearestName.Suggest(name, [.. Lauter.Data.Operators.Recipe.BuiltInNames])}");
    }

    /// <summary>What an operator finds wrong with a file that its recipe names (a schema, a model) is a fault of the recipe.</summary>
    public static async Task<T> GuardAsync<T>(Task<T> work)
    {
        try
        {
            return await work;
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.ProjectInvalid, e.Message);
        }
    }

    /// <summary>Files at a path; none is a fault.</summary>
    public static IReadOnlyList<SourceFile> Inputs(string path)
    {
        if (!File.Exists(path) && !Directory.Exists(path))
        {
            throw new CommandException(ExitCodes.InputMissing, $"'{path}' is neither a file nor a directory.");
        }

        var files = RowRun.FindInputs(path);
        return files.Count > 0 ? files : throw new CommandException(ExitCodes.InputMissing, $"'{path}' holds no file that can be read: .jsonl, .parquet and documents can.");
    }

    /// <summary>Progress on standard error, at most four lines a second; none when the output is for a program or quiet was asked for.</summary>
    public static IProgress<DataProgress>? Progress(bool quiet) => quiet || System.Console.IsErrorRedirected ? null : new Bar();

    private sealed class Bar : IProgress<DataProgress>
    {
        private readonly Lock _lock = new();
        private long _last;

        public void Report(DataProgress value)
        {
            lock (_lock)
            {
                if (System.Diagnostics.Stopwatch.GetElapsedTime(_last).TotalMilliseconds < 250 && value.Done < value.Total)
                {
                    return;
                }

                _last = System.Diagnostics.Stopwatch.GetTimestamp();
                System.Console.Error.Write($"\r{value.Stage} {value.Done}/{value.Total}   {(value.Done == value.Total ? "\n" : "")}");
            }
        }
    }
}
