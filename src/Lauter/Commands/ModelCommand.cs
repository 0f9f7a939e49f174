using System.CommandLine;

namespace Lauter.Commands;

/// <summary><c>lauter model</c>: the room of models alone, on plain files.</summary>
internal static class ModelCommand
{
    public static Command Create() => new("model", "Inspect, fetch, convert, merge, quantise and compare models, without a project.")
    {
        Subcommands =
        {
            ModelInspectCommand.Create(),
            ModelPullCommand.Create(),
            ModelConvertCommand.Create(),
            ModelMergeCommand.Create(),
            ModelQuantiseCommand.Create(),
            ModelChooseCommand.Create(),
            ModelDiffCommand.Create(),
            ModelTokensCommand.Create(),
            ModelRenderCommand.Create(),
            ModelLogitsCommand.Create(),
            ModelParityCommand.Create(),
            ModelRecordCommand.Create(),
        },
    };

    /// <summary>An argument that names a model.</summary>
    public static Argument<string> Model(string name = "model") => new(name) { Description = "A GGUF file, or a Hugging Face folder with config.json and safetensors." };

    /// <summary><c>--out</c>.</summary>
    public static Option<string> Out(string what) => new("--out", "-o") { Description = what, Required = true };

    /// <summary>The full path of something that is there.</summary>
    /// <exception cref="CommandException">It is not.</exception>
    public static string Existing(string path) => File.Exists(path) || Directory.Exists(path)
        ? Path.GetFullPath(path)
        : throw new CommandException(ExitCodes.InputMissing, $"{Path.GetFullPath(path)} was not found; give the path of a model file or folder.");

    /// <summary>A file to write: its folder must be there, and it may not be the source.</summary>
    public static string Target(string path, string source)
    {
        var full = Path.GetFullPath(path);
        if (!Directory.Exists(Path.GetDirectoryName(full)))
        {
            throw new CommandException(ExitCodes.InputMissing, $"the folder {Path.GetDirectoryName(full)} was not found; create it first.");
        }

        return full != Path.GetFullPath(source) ? full : throw new CommandException(ExitCodes.Usage, $"{full} is the source itself; give the result another name.");
    }

    /// <summary>Token ids from a JSON list of numbers, or several such lists.</summary>
    public static int[][] TokenIds(string path)
    {
        try
        {
            using var document = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Existing(path)));
            var root = document.RootElement;
            var lists = root.ValueKind == System.Text.Json.JsonValueKind.Array && root.GetArrayLength() > 0 && root[0].ValueKind == System.Text.Json.JsonValueKind.Array ? root.EnumerateArray().ToArray() : [root];
            return Array.ConvertAll(lists, list => list.EnumerateArray().Select(id => id.GetInt32()).ToArray());
        }
        catch (Exception exception) when (exception is System.Text.Json.JsonException or InvalidOperationException or FormatException)
        {
            throw new CommandException(ExitCodes.InputMissing, $"{path} is no JSON list of token ids like [1, 2, 3]: {exception.Message}");
        }
    }

    public static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => $"{bytes / (double)(1L << 30):0.00} GiB",
        >= 1L << 20 => $"{bytes / (double)(1L << 20):0.0} MiB",
        >= 1L << 10 => $"{bytes / (double)(1L << 10):0.0} KiB",
        _ => $"{bytes} B",
    };
}
