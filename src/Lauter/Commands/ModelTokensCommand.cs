using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Models.Tokens;

namespace Lauter.Commands;

/// <summary><c>lauter model tokens</c>: the ids of a text, as training, evaluation and serving see it.</summary>
internal static class ModelTokensCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "A GGUF file." };
        var file = new Option<string>("--text-file") { Description = "A UTF-8 file with the text; - = standard input." };
        var text = new Option<string>("--text") { Description = "The text itself." };
        var special = new Option<bool>("--special") { Description = "Parse spellings of special tokens. Never for text that users wrote." };
        var format = Arguments.Format();
        var command = new Command("tokens", "Show the token ids of a text.") { model, text, file, special, format };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var tokenizer = ModelTokenizer.Open(ModelCommand.Existing(result.GetValue(model)!));
            var ids = tokenizer.Encode(await TextAsync(result.GetValue(text), result.GetValue(file), cancellationToken), result.GetValue(special));
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject
                {
                    ["count"] = ids.Length,
                    ["ids"] = new JsonArray([.. ids.Select(id => (JsonNode)id)]),
                    ["pieces"] = new JsonArray([.. ids.Select(id => (JsonNode)Encoding.UTF8.GetString(tokenizer.PieceBytes(id)))]),
                });
                return ExitCodes.Success;
            }

            foreach (var id in ids)
            {
                System.Console.WriteLine($"{id,8}  {Shown(tokenizer.PieceBytes(id))}");
            }

            System.Console.Error.WriteLine($"lauter: {ids.Length} tokens");
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The text of an option, a file or standard input.</summary>
    public static async Task<string> TextAsync(string? text, string? file, CancellationToken cancellationToken) => (text, file) switch
    {
        ({ } given, null) => given,
        (null, "-") => await System.Console.In.ReadToEndAsync(cancellationToken),
        (null, { } path) => await File.ReadAllTextAsync(ModelCommand.Existing(path), cancellationToken),
        _ => throw new CommandException(ExitCodes.Usage, "give the text once: with --text TEXT or with --text-file FILE (- for standard input)."),
    };

    /// <summary>Bytes that are no text by themselves are shown as numbers.</summary>
    private static string Shown(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        return text.Contains('�', StringComparison.Ordinal) ? Convert.ToHexString(bytes) : System.Text.Json.JsonSerializer.Serialize(text, Unescaped.Text);
    }

    private static class Unescaped
    {
        public static readonly System.Text.Json.JsonSerializerOptions Text = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    }
}
